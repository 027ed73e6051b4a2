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


def importance(found: Sequence[ParameterImportance]) -> Figure:
    """Return a bar for each parameter, the most important on top."""
    if not found:
        return empty("Importance takes ten finished trials of one family, and parameters that differ.")
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
    x, y = axis("importance", tickformat=".0%", rangemode="tozero"), axis("", type="category")
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

    An axis of positive numbers over more than two powers of ten is logarithmic.
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
    margin = {"l": 24, "r": 24, "t": 32, "b": 24 + min(110, 4 * max(len(d.name) for d in dimensions))}
    layout = {"annotations": marks, "shapes": rules, "margin": margin, "showlegend": False, "height": 420}
    return figure(data, x, y, **layout)


class _Dimension:
    """One axis: values to heights between 0 and 1."""

    def __init__(self, name: str, values: Sequence[Any]) -> None:
        self.name = name
        self.numeric = all(_is_number(value) for value in values)
        if self.numeric:
            low, high = float(min(values)), float(max(values))
            self.log = low > 0 and high / low > 100
            self.low, self.high = (math.log(low), math.log(high)) if self.log else (low, high)
            self.ends: list[Any] = [low, high]
        else:
            self.ends = sorted({str(value) for value in values})

    @property
    def differs(self) -> bool:
        return self.ends[0] != self.ends[-1]

    def height(self, value: Any) -> float:
        if not self.numeric:
            return self.ends.index(str(value)) / max(1, len(self.ends) - 1)
        at = math.log(value) if self.log else value
        return (at - self.low) / (self.high - self.low) if self.high > self.low else 0.5

    def notes(self, place: int) -> list[Figure]:
        """Return its name below it, and its values beside it."""
        name = self.name + (" (log)" if self.numeric and self.log else "")
        below = {"x": place, "y": -0.08, "text": text(name), "textangle": -35, "xanchor": "right", "yanchor": "top"}
        ends = self.ends if len(self.ends) <= 12 else [self.ends[0], self.ends[-1]]
        beside = [
            {"x": place, "y": self.height(end), "text": text(self._said(end)), "xanchor": "left", "xshift": 6}
            for end in ends
        ]
        return [{"showarrow": False, "font": {"size": 10.5}, **note} for note in (below, *beside)]

    def _said(self, value: Any) -> str:
        return number(value, 3) if self.numeric else str(value)


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
    return _Dimension(metric.name, [metric.shown(line.score) for line in lines])


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
