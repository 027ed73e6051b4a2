"""Parts of dates (numeric columns already): which ones to keep, and whether they go round in circles."""

from typing import TYPE_CHECKING

import numpy as np

from automl import option
from automl.errors import NotApplicable
from automl.runtime.schema import numeric_parts
from automl.search_spaces.features.blocks import Identity, NumericStep
from automl.space import Choice, Params
from automl.task import Problem
from automl.types import FeatureStep

if TYPE_CHECKING:
    from automl.export.graph import Graph

_CYCLIC = {"cyclic": Choice([False, True])}
# all; those that repeat; those that pass; no date at all.
SPACE = {"parts": Choice({"all": _CYCLIC, "calendar": _CYCLIC, "elapsed": {}, "none": {}})}
_ELAPSED = ("days", "year")
_PERIODS = {
    "month": 12.0,
    "day": 31.0,
    "weekday": 7.0,
    "day_of_year": 365.25,
    "hour": 24.0,
    "minute": 60.0,
    "second": 60.0,
}
_LARGEST = 366


def build(params: Params, problem: Problem) -> FeatureStep:
    """Make the step; ``cyclic`` turns a part into a sine and a cosine, so that December is next to January.

    ``NotApplicable`` where ``none`` would leave no column at all.
    """
    parts = _parts(problem)
    chosen = params["parts"]
    if chosen == "none" and all(c.role in ("datetime", "dropped") for c in problem.schema.columns):
        raise NotApplicable("The dates step 'none' drops all dates, and this data has no other columns: use 'all'.")
    kept = [j for j, part in enumerate(parts) if part == "" or chosen == "all" or _is_kept(part, chosen)]
    cyclic = params.get(f"parts.{chosen}.cyclic", False)
    circles = {j: _PERIODS[parts[j]] for j in kept if cyclic and parts[j] in _PERIODS}
    straight = [j for j in kept if j not in circles]
    if straight == list(range(len(parts))):
        return Identity()
    return Dates(np.array(straight, np.int64), circles)


class Dates(NumericStep):
    """Keeps the columns ``straight`` and appends sine and cosine of the columns ``circles`` (column: period).

    Parts of dates are whole numbers, so both are read from tables: what comes next may tell apart
    numbers that differ in their last digit, and two libraries' sines do.
    """

    def __init__(self, straight: np.ndarray, circles: dict[int, float]) -> None:
        self.straight, self.circles = straight, np.array(list(circles), np.int64)
        angles = 2 * np.pi * np.arange(_LARGEST + 1) / np.array(list(circles.values())).reshape(-1, 1)
        self.sine, self.cosine = np.sin(angles).astype(np.float32).ravel(), np.cos(angles).astype(np.float32).ravel()
        self.offsets = np.arange(len(circles)) * (_LARGEST + 1)

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        """There is nothing to learn."""

    def apply(self, x: np.ndarray) -> np.ndarray:
        if not len(self.circles):
            return x[:, self.straight]
        part = x[:, self.circles]
        missing = np.isnan(part)
        index = np.clip(np.where(missing, 0, part), 0, _LARGEST).astype(np.int64) + self.offsets
        around = [np.where(missing, np.float32(np.nan), table[index]) for table in (self.sine, self.cosine)]
        return np.hstack([x[:, self.straight], *around])

    def write(self, graph: "Graph", x: str) -> str:
        straight = graph.columns(x, self.straight)
        if not len(self.circles):
            return straight
        part = graph.columns(x, self.circles)
        missing = graph.op("IsNaN", part)
        zero, largest, nan = (graph.constant(np.float32(v)) for v in (0, _LARGEST, np.nan))
        index = graph.cast(graph.op("Clip", graph.op("Where", missing, zero, part), zero, largest), np.int64)
        index = graph.op("Add", index, graph.constant(self.offsets))
        around = [graph.op("Gather", graph.constant(table), index) for table in (self.sine, self.cosine)]
        return graph.concat([straight, *(graph.op("Where", missing, nan, values) for values in around)])


def _is_kept(part: str, chosen: str) -> bool:
    return (chosen == "elapsed" and part in _ELAPSED) or (chosen == "calendar" and part in _PERIODS)


def _parts(problem: Problem) -> list[str]:
    """Return, for every numeric column, which part of a date it is, or an empty string."""
    return [
        part.removeprefix(".") if column.role == "datetime" else ""
        for column in problem.schema.columns
        for part in numeric_parts(vars(column))
    ]


OPTION = option.Step(space=SPACE, build=build, reads=("datetime",))
