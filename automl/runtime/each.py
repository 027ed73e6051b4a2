"""A function over each value of a column."""

from collections.abc import Callable
from typing import Any

import numpy as np


class Memo(dict[Any, Any]):
    """Remembers what a function gave, because columns repeat their values."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def __missing__(self, value: Any) -> Any:
        self[value] = result = self.function(value)
        return result


# True equals 1 as the key of a dictionary, so only these may share one.
_SAFE_TOGETHER = {str, float, int, type(None)}


def each(array: np.ndarray, function: Callable[[Any], Any]) -> tuple[list[Any], int]:
    """Apply ``function`` to each value; also return the position of the first that it refuses, or -1."""
    values = array.tolist() if array.dtype.kind in "Oiuf" else list(array)
    lookup = Memo(function).__getitem__ if set(map(type, values)) <= _SAFE_TOGETHER else function
    results: list[Any] = []
    try:
        results.extend(map(lookup, values))  # what came before a refusal stays in the list
    except (ValueError, TypeError):
        return results, len(results)
    return results, -1
