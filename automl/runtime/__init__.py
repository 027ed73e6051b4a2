"""Predict with a model folder: this file, NumPy and onnxruntime are all it takes (Python 3.11 or newer).

    python predict.py data.csv -o predictions.csv

``predict.py`` in every model folder is put together from the files of ``automl.runtime``, which ``automl`` uses itself
to turn raw columns into arrays when it trains: what a model sees in production is what it saw in training, by
construction.

Missing: an empty field, None, NaN, NaT and the strings of ``MISSING``, unless one is a level of its column; in a column
of numbers or dates also what ``says_nothing``. How a column's numbers and dates are written stands in its schema:
``decimal``, ``unit`` and ``scaled``, ``format``. "45%" is 45. Dates with a time zone are taken in UTC.
Text becomes counts of terms, all lower case: ``w:free`` and ``w:free call`` are words and pairs of neighbouring
words; ``c: fre`` are the 3 to 5 neighbouring characters inside a piece of text between spaces, its ends marked
by a space (scikit-learn's ``char_wb``). Where a model reads text in its order, it becomes subwords, see ``Subwords``.
"""

import os
import sys

if __name__ == "__main__":  # as predict.py: nothing that lies beside this file may stand in for a library
    _HERE = os.path.dirname(os.path.realpath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != _HERE]
