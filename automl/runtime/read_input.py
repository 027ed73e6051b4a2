"""The files that can be predicted for."""

import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from automl.runtime.errors import PredictionError, listed
from automl.runtime.printable import printable
from automl.runtime.schema import Schema
from automl.runtime.table import read_table
from automl.runtime.text_file import ending, refuse_absent

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".npz")  # of the files that can be read


def read_input(path: Path, schema: Schema) -> tuple[Any, Any]:
    """Return (x, lengths) of a CSV, TSV or npz file, read as the training data was."""
    if ending(path) not in ENDINGS:
        raise PredictionError(f"'{path}' must be a {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} file.")
    if ending(path) != ".npz":
        table = read_table(path, schema.get("encoding", ""))
        for note in table.notes:
            print(printable(note), file=sys.stderr)
        return table.columns, None
    refuse_absent(path)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            x = next((arrays[name] for name in ("x", "x_test") if name in arrays), None)
            lengths = next((arrays[name] for name in ("len", "len_test") if name in arrays), None)
            names = list(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise PredictionError(f"'{path}' cannot be read: {error}.") from None
    if x is None:
        raise PredictionError(f"'{path}' must hold an array 'x' or 'x_test'; it has {listed(names) or 'none'}.")
    return x, lengths
