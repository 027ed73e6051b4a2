"""What parameters did: their importance, and the best trials as lines across them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.figures.style import ACCENT, Figure, axis, empty, figure, text
from automl.leaderboard.records import ShownMetric
from automl.leaderboard.words import number
from automl.types import Trial

# Importance of fewer trials says nothing.
FEWEST = 10
# From weak to strong, for lines by their score.
_LOW, _HIGH = np.array([150, 158, 172]), np.array([214, 69, 61])


@dataclass(frozen=True)
class ParameterImportance:
    """How much of what decides between good and ordinary trials is due to a parameter (shares sum to 1).

    ``n``: of how many trials.
    """

    path: str
    share: float
    n: int


def shortened(found: Sequence[ParameterImportance], family: str) -> list[ParameterImportance]:
    """Return the importances with the names that the parameters have in their family."""
    return [replace(one, path=one.path.removeprefix(f"family.{family}.")) for one in found]


def importance(found: Sequence[ParameterImportance], n_finished: int) -> Figure:
    """Return a bar for each parameter, the most important on top; ``n_finished``: of how many finished trials."""
    if not found:
        so_far = f"{n_finished} of {FEWEST}" if n_finished < FEWEST else "none of them differs"
        return empty(f"Importance takes {FEWEST} finished trials of one family, and parameters that differ: {so_far}.")
    ordered = sorted(found, key=lambda one: one.share)
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [one.share for one in ordered],
        "y": [text(one.path) for one in ordered],
        "text": [f"{one.share:.0%}" for one in ordered],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{text} (%{customdata} trials)<extra></extra>",
        "customdata": [one.n for one in ordered],
        "marker": {"color": ACCENT},
    }
    x = axis(f"importance, of {n_finished:,} trials", tickformat=".0%", rangemode="tozero")
    y = axis("", type="category")
    return figure([bars], x, y, height=110 + 24 * len(ordered), showlegend=False)


@dataclass(frozen=True)
class Polyline:
    """A trial across its parameters. ``score``: greater is better."""

    id: str
    family: str
    score: float
    params: Mapping[str, Any]

    @classmethod
    def of(cls, trial: Trial) -> "Polyline":
        """Return that of a trial with a score, with the names that the parameters have in their family."""
        own = trial.candidate
        start = f"family.{own.family}."
        params = {path.removeprefix(start): value for path, value in own.params.items() if path != "family"}
        return cls(own.id, own.family, trial.score or 0.0, params)


def parallel(lines: Sequence[Polyline], metric: ShownMetric) -> Figure:
    """Return a line for each trial across the parameters that differ between them; the best ones are strongest.

    The last axis is the score, the best on top. An axis of positive numbers over more than two powers of ten is
    logarithmic.
    """
    dimensions = [d for d in (_dimension(path, lines) for path in _paths(lines)) if d is not None]
    if len(lines) < 2 or not dimensions:
        return empty("Lines take two trials whose parameters differ.")
    dimensions.append(_score_dimension(lines, metric))
    ordered = sorted(lines, key=lambda line: line.score)
    data = [_trace(line, i / (len(ordered) - 1), dimensions, metric) for i, line in enumerate(ordered)]
    x = axis("", range=[-0.4, len(dimensions) - 0.6], tickvals=[], showgrid=False)
    y = axis("", range=[-0.12, 1.06], visible=False)
    marks = [note for i, dimension in enumerate(dimensions) for note in dimension.notes(i)]
    rules = [
        {"type": "line", "x0": i, "x1": i, "y0": 0, "y1": 1, "line": {"color": "rgba(128,128,128,0.45)", "width": 1}}
        for i in range(len(dimensions))
    ]
    n_lines = max(len(dimension.title) for dimension in dimensions)
    margin = {"l": 24, "r": 24, "t": 32, "b": 24 + 14 * n_lines}
    layout = {"annotations": marks, "shapes": rules, "margin": margin, "showlegend": False, "height": 420}
    return figure(data, x, y, **layout)


class _Dimension:
    """One axis: values to heights between 0 and 1. ``falls``: less is higher. ``more``: what its name says, too."""

    def __init__(self, name: str, values: Sequence[Any], falls: bool = False, more: str = "") -> None:
        self.name, self.falls = name, falls
        self.numeric = all(_is_number(value) for value in values)
        self.log = False
        if self.numeric:
            low, high = float(min(values)), float(max(values))
            self.log = low > 0 and high / low > 100
            self.low, self.high = (math.log(low), math.log(high)) if self.log else (low, high)
            self.ends: list[Any] = [low, high]
        else:
            self.ends = sorted({str(value) for value in values})
        self.more = more or ("log" if self.log else "")

    @property
    def differs(self) -> bool:
        return self.ends[0] != self.ends[-1]

    @property
    def title(self) -> list[str]:
        """Its name in lines: of a path each part, so that names beside each other have room."""
        parts = self.name.split(".")
        lines = [f"{part}." for part in parts[:-1]] + parts[-1:]
        return [*lines, f"({self.more})"] if self.more else lines

    def height(self, value: Any) -> float:
        if not self.numeric:
            return self.ends.index(str(value)) / max(1, len(self.ends) - 1)
        at = math.log(value) if self.log else value
        share = (at - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return 1 - share if self.falls else share

    def notes(self, place: int) -> list[Figure]:
        """Return its name below it, and its values beside it."""
        name = "<br>".join(map(text, self.title))
        below = {"x": place, "y": -0.06, "text": name, "name": "title", "xanchor": "center", "yanchor": "top"}
        ends = self.ends if len(self.ends) <= 12 else [self.ends[0], self.ends[-1]]
        said = _apart(ends) if self.numeric else [str(end) for end in ends]
        beside = [
            {"x": place, "y": self.height(end), "text": text(shown), "xanchor": "left", "xshift": 6}
            for end, shown in zip(ends, said, strict=True)
        ]
        return [{"showarrow": False, "font": {"size": 10.5}, **note} for note in (below, *beside)]


def _apart(values: Sequence[float]) -> list[str]:
    """Return numbers with three significant digits, or as many more as tell them apart."""
    for digits in range(3, 17):
        said = [number(value, digits) for value in values]
        if len(set(said)) == len(set(values)):
            break
    return said


def _paths(lines: Sequence[Polyline]) -> list[str]:
    return list(dict.fromkeys(path for line in lines for path in line.params))


def _dimension(path: str, lines: Sequence[Polyline]) -> _Dimension | None:
    """Return the axis of a parameter that at least half of the trials have, and that differs."""
    values = [line.params[path] for line in lines if path in line.params]
    if 2 * len(values) < len(lines):
        return None
    dimension = _Dimension(path, values)
    return dimension if dimension.differs else None


def _score_dimension(lines: Sequence[Polyline], metric: ShownMetric) -> _Dimension:
    shown = [metric.shown(line.score) for line in lines]
    return _Dimension(metric.name, shown, not metric.greater_is_better, "best on top")


def _trace(line: Polyline, place: float, dimensions: Sequence[_Dimension], metric: ShownMetric) -> Figure:
    shown = metric.shown(line.score)
    values = [line.params.get(dimension.name) for dimension in dimensions[:-1]] + [shown]
    has = [i < len(dimensions) - 1 and d.name not in line.params for i, d in enumerate(dimensions)]
    y = [None if lacks else d.height(v) for d, v, lacks in zip(dimensions, values, has, strict=True)]
    red, green, blue = (_LOW + place**2 * (_HIGH - _LOW)).astype(int)
    said = [
        f"{text(line.family)} #{text(line.id)}, {number(shown)}<br>{text(d.name)}: {text(v)}"
        for d, v in zip(dimensions, values, strict=True)
    ]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(range(len(dimensions))),
        "y": y,
        "connectgaps": False,
        "customdata": [line.id] * len(dimensions),
        "text": said,
        "hovertemplate": "%{text}<extra></extra>",
        "opacity": 0.35 + 0.6 * place,
        "line": {"color": f"rgb({red},{green},{blue})", "width": 1 + 1.5 * place**2},
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
