"""The error of all that is wrong with data or a model folder, and what its messages are made of."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from automl.runtime.printable import shown

NO_ROWS = "There are no rows to predict. Give at least one."


class PredictionError(ValueError):
    """The input or the model folder cannot be used; the message says what is wrong and what to do."""


def listed(names: Sequence[Any], most: int = 8) -> str:
    """Return the first names in quotes, and how many more there are."""
    first = ", ".join(f"'{shown(name)}'" for name in names[:most])
    return first + (f" and {len(names) - most} more" if len(names) > most else "")


def nearest(name: str, known: Iterable[str]) -> str:
    """Ask whether one of the known names was meant; "" where none is like it."""
    by_lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return f" Did you mean '{by_lower[close[0]]}'?" if close else ""


def row_number(position: int, row_numbers: Sequence[int] | None) -> int:
    """Return how a row is called, by default from 1 on."""
    return position + 1 if row_numbers is None else row_numbers[position]
