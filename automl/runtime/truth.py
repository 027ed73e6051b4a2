"""What is true or false."""

from typing import Any

import numpy as np

from automl.runtime.labels import label
from automl.runtime.missing import marks_of, says_nothing
from automl.runtime.schema import UNKNOWN, Column

_TRUTH = {"true": 1.0, "t": 1.0, "yes": 1.0, "y": 1.0, "1": 1.0, "on": 1.0}
_TRUTH |= {"false": 0.0, "f": 0.0, "no": 0.0, "n": 0.0, "0": 0.0, "off": 0.0}


def truth(value: Any, column: Column = UNKNOWN) -> float:
    """Return 1.0 for true, yes, on, 1 and 0.0 for their opposites (any case), NaN where missing."""
    text = label(value, marks_of(column))
    if not text or (column and says_nothing(text)):
        return np.nan
    try:
        return _TRUTH[text.lower()]
    except KeyError:
        raise ValueError(value) from None
