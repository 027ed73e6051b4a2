"""What is known of all columns of a table, and what is found along the way."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from automl.data.decimals import Decimals
from automl.runtime.printable import shown


@dataclass
class Findings:
    """What is known of all columns, and what is found along the way: notes, and how many values each column lacks.

    ``declared``: the words that are missing, () for ``runtime.missing.MISSING``.
    """

    seed: int
    row_numbers: Sequence[int] | None
    declared: tuple[str, ...]
    decimals: Decimals
    notes: list[str] = field(default_factory=list)
    missing: dict[str, int] = field(default_factory=dict)


def some(names: Sequence[str], most: int = 12) -> str:
    """Return the first names as they are put into a message, and how many more there are."""
    return ", ".join(map(shown, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")
