"""What became of each family of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from automl.board.index import STATUSES, Index


@dataclass(frozen=True)
class FamilySum:
    """What became of a family.

    ``best``: the id of its best trial, None where none has a score: of those that finished, or, where none did, of
    those that were stopped (``is_partial``). ``score``, ``n_folds``: of that one, and of how many folds. ``first``: the
    id of its first trial.
    """

    family: str
    counts: Mapping[str, int]
    seconds: float
    best: str | None
    score: float | None
    n_folds: int
    is_partial: bool
    first: str

    @property
    def n(self) -> int:
        """How many trials it had."""
        return sum(self.counts.values())

    @property
    def n_finished(self) -> int:
        """How many of them finished."""
        return self.counts.get("finished", 0)


@dataclass(frozen=True)
class Places:
    """Where in the index a family has its best scored trial, if it has one, and its first."""

    best: int | None
    first: int


def places(index: Index, standing: np.ndarray) -> dict[int, Places]:
    """Return the places of the trials that stand for a family, by its code, the best family first.

    standing: places of the trials, best first. A finished trial is before all that were stopped, within limits or not.
    """
    finished = index.status == STATUSES.index("finished")
    scored = standing[index.is_scored[standing]]
    tops: dict[int, int] = {}
    for group in (scored[finished[scored]], scored[~finished[scored]]):
        _, first = np.unique(index.family[group], return_index=True)
        for place in group[np.sort(first)]:
            tops.setdefault(int(index.family[place]), int(place))
    rest = [code for code in range(len(index.families)) if code not in tops]
    return {code: Places(tops.get(code), int(np.argmax(index.family == code))) for code in [*tops, *rest]}


def most_finished(sums: Sequence[FamilySum]) -> str:
    """Return the family with most finished trials, the better one of several; "" where there is none."""
    return max(sums, key=lambda one: one.n_finished).family if sums else ""
