"""The error of all that is wrong with data or a model folder, and what its messages are made of."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from automl.runtime.printable import shown


class PredictionError(ValueError):
    """The input or the model folder cannot be used; the message says what is wrong and what to do."""


def listed(names: Sequence[Any], most: int = 8) -> str:
    first = ", ".join(f"'{shown(name)}'" for name in names[:most])
    return first + (f" and {len(names) - most} more" if len(names) > most else "")


def nearest(name: str, known: Iterable[str]) -> str:
    by_lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return f" Did you mean '{by_lower[close[0]]}'?" if close else ""


def row_number(position: int, row_numbers: Sequence[int] | None) -> int:
    return position + 1 if row_numbers is None else row_numbers[position]
