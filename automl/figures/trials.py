"""Trials in the plane: score against time, score against cost, and how a score grew."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from automl.epochs import Epoch
from automl.figures.marks import Mark
from automl.figures.style import ACCENT, GREY, PALETTE, Figure, axis, by_family, empty, figure, text
from automl.goals import Goals
from automl.leaderboard.records import ShownMetric
from automl.leaderboard.words import number, spread
from automl.types import Report, Trial

Colours = Mapping[str, str]


class Shown(Protocol):
    """What turns a score, greater is better, into the metric's usual value."""

    def shown(self, score: float, /) -> float:
        """Return the usual value."""


_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
# What is measured of a trial, in words with its unit.
COSTS = {
    "seconds": "seconds to fit",
    "bytes": "bytes",
    "row_ms": "ms for one row",
    "parameters": "parameters",
    "joules": "joules to fit",
}


def scores(marks: Sequence[Mark], metric: ShownMetric, began: float, colours: Colours, goals: Goals) -> Figure:
    """Return the scores over the seconds since ``began``, with the best one of a whole trial so far as a line.

    The line is of trials within the limits of ``goals``, if there are any.
    """
    scored = [mark for mark in marks if mark.is_scored]
    if not scored:
        return empty("No trial has a score yet.")
    data = [
        _points(family, of_one, [m.ended_at - began for m in of_one], metric, colours[family])
        for family, of_one in by_family(scored, colours).items()
    ]
    data.append(_best_so_far(scored, metric, began, goals))
    return _by_score(data, axis("seconds", rangemode="tozero"), [mark.score or 0.0 for mark in scored], metric)


def front(marks: Sequence[Mark], cost: str, metric: ShownMetric, colours: Colours, goals: Goals) -> Figure:
    """Return the scores over what trials cost: "seconds", or the name of a value.

    The front, a line, is of those that are better than all that cost no more, and within the limits if any are.
    """
    known = [mark for mark in marks if mark.is_scored and _cost(mark, cost) > 0]
    if not known:
        return empty(f"No trial has been measured for {COSTS.get(cost, cost)}: goals=[score,{cost}] measures them.")
    data = [
        _points(family, of_one, [_cost(m, cost) for m in of_one], metric, colours[family])
        for family, of_one in by_family(known, colours).items()
    ]
    line = {"shape": "hv", "color": GREY, "width": 1.5, "dash": "dot"}
    edge = _better_than_cheaper(goals.eligible(known), cost)
    data.append(_line("front", [_cost(m, cost) for m in edge], [metric.shown(m.score or 0.0) for m in edge], line))
    return _by_score(data, axis(COSTS.get(cost, cost), type="log"), [mark.score or 0.0 for mark in known], metric)


def curves(
    of: Sequence[tuple[str, str, Sequence[Report]]], metric: ShownMetric, colours: Colours, over: str = "progress"
) -> Figure:
    """Return how the scores of trials (id, family, reports) grew ``over`` "progress" (a share) or "seconds".

    A score is the mean over the folds so far. Trials of one family have its colour, and dashes of their own.
    """
    told = [one for one in of if one[2]]
    if not told:
        return empty("Nothing has been reported.")
    data, n_of = [], Counter[str]()
    for id, family, reports in told:
        x = [getattr(report, over) for report in reports]
        y = [metric.shown(report.score) for report in reports]
        line = {"color": colours[family], "width": 1.5, "dash": _DASHES[n_of[family] % len(_DASHES)]}
        n_of[family] += 1
        own = _line(f"{family} #{id}", x, y, line) | {"mode": "lines+markers", "customdata": [id] * len(x)}
        data.append(own | {"marker": {"size": 5}, "hovertemplate": "%{fullData.name}<br>%{y}<extra></extra>"})
    share = {"tickformat": ".0%"} if over == "progress" else {}
    found = [report.score for _, _, reports in told for report in reports]
    x_axis = axis(over, rangemode="tozero", **share)
    return _by_score(data, x_axis, found, metric, "points", showlegend=len(data) <= 12)


def epochs(of: Mapping[int, Sequence[Epoch]], metric: ShownMetric) -> Figure:
    """Return what the scores of a trial's folds, from 0, came to on their validation rows, over the epochs."""
    if not any(of.values()):
        return empty("Nothing was judged by the epoch.")
    data = []
    for i, (fold, judged) in enumerate(sorted(of.items())):
        x, y = [one.epochs for one in judged], [metric.shown(one.score) for one in judged]
        line = {"color": PALETTE[i % len(PALETTE)], "width": 1.5}
        losses = [number(one.loss) for one in judged]
        said = "%{fullData.name}, epoch %{x:.3g}<br>%{y}, loss %{text}<extra></extra>"
        own = _line(f"fold {fold + 1}", x, y, line) | {"mode": "lines+markers", "marker": {"size": 4}}
        data.append(own | {"text": losses, "hovertemplate": said})
    found = [one.score for judged in of.values() for one in judged]
    return _by_score(data, axis("epochs", rangemode="tozero"), found, metric, "points")


def standings(of: Sequence[Trial], metric: ShownMetric, colours: Colours) -> Figure:
    """Return the scores of trials, the first on top, with a standard deviation over the folds to each side."""
    if not of:
        return empty("No trial has a score yet.")
    names = [f"{text(trial.candidate.family)} #{text(trial.candidate.id)}" for trial in of]
    bars = [spread(trial.fold_scores) or 0.0 for trial in of]
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": [metric.shown(trial.score or 0.0) for trial in of],
        "y": names,
        "customdata": [trial.candidate.id for trial in of],
        "error_x": {"type": "data", "array": bars, "thickness": 1.2, "width": 0, "color": GREY},
        "marker": {"size": 9, "color": [colours[trial.candidate.family] for trial in of]},
        "hovertemplate": "%{y}<br>%{x:.5g}<extra></extra>",
    }
    x, y = axis(metric.name), axis("", type="category", categoryorder="array", categoryarray=names[::-1])
    return figure([points], x, y, height=90 + 22 * len(of), showlegend=False)


def race(runs: Sequence[tuple[str, str, float, Sequence[Mark], Goals]], metric: ShownMetric) -> Figure:
    """Return the best score so far of several runs (name, colour, began, marks, goals), over the seconds of each."""
    data = [
        _best_so_far(scored, metric, began, goals)
        | {"name": text(name), "line": {"shape": "hv", "color": colour, "width": 2}}
        for name, colour, began, marks, goals in runs
        if (scored := [mark for mark in marks if mark.is_scored])
    ]
    x, more = axis("seconds", rangemode="tozero"), {"showlegend": True}  # of a single line too
    return figure(data, x, axis(metric.name), **more) if data else empty("No scores yet.")


def _by_score(
    data: list[Figure], x: Figure, scores: Sequence[float], metric: ShownMetric, what: str = "trials", **layout: Any
) -> Figure:
    """Return a figure with the metric upwards, on which bad outliers among ``scores`` do not flatten the rest.

    ``what``: what the scores are of. How many of them are out of sight is said on the side where they would be.
    """
    bounds, beyond = better_part(scores, metric)
    side = (0, "bottom") if metric.greater_is_better else (1, "top")
    said = f"{beyond} worse {what} are out of sight: double-click shows all"
    note = {"text": said, "x": 1, "xanchor": "right", "y": side[0], "yanchor": side[1], "showarrow": False}
    notes = [note | {"xref": "paper", "yref": "paper"}] if beyond else []
    y = axis(metric.name, **({"range": list(bounds)} if bounds else {}))
    return figure(data, x, y, annotations=notes, **layout)


def better_part(scores: Sequence[float], metric: Shown) -> tuple[tuple[float, float] | None, int]:
    """Return the ends of an axis on which the better half fills at least a quarter, and how many scores are beyond it.

    None for those of all scores.
    """
    scores = [score for score in scores if math.isfinite(score)]
    if not scores:
        return None, 0
    best, median = float(np.max(scores)), float(np.median(scores))
    low = median - 3 * (best - median)
    beyond = int(np.sum(np.array(scores) < low))
    if not beyond or best == median:
        return None, 0
    room = 0.05 * (best - low)
    first, last = sorted((metric.shown(low - room), metric.shown(best + room)))
    return (first, last), beyond


def _cost(mark: Mark, cost: str) -> float:
    return mark.seconds if cost == "seconds" else mark.values.get(cost, 0.0)


def _better_than_cheaper(marks: Sequence[Mark], cost: str) -> list[Mark]:
    found: list[Mark] = []
    for mark in sorted((m for m in marks if m.status == "finished"), key=lambda m: (_cost(m, cost), -(m.score or 0.0))):
        if not found or (mark.score or 0.0) > (found[-1].score or 0.0):
            found.append(mark)
    return found


def _points(family: str, marks: Sequence[Mark], x: Sequence[float], metric: ShownMetric, colour: str) -> Figure:
    shown = [metric.shown(mark.score or 0.0) for mark in marks]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": text(family),
        "x": list(x),
        "y": shown,
        "customdata": [mark.id for mark in marks],
        "text": [
            f"{text(family)} #{text(mark.id)}, {mark.status}<br>{number(score)}"
            for mark, score in zip(marks, shown, strict=True)
        ],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "color": colour,
            "size": 7,
            "opacity": 0.85,
            "symbol": ["circle" if mark.status == "finished" else "circle-open" for mark in marks],
        },
    }


def _best_so_far(scored: Sequence[Mark], metric: ShownMetric, began: float, goals: Goals) -> Figure:
    eligible = goals.eligible(scored)
    whole = [mark for mark in eligible if mark.status == "finished"]
    x, y, best = [], [], float("-inf")
    for mark in sorted(whole or eligible, key=lambda m: m.ended_at):
        if (mark.score or 0.0) > best:
            best = mark.score or 0.0
            x.append(mark.ended_at - began)
            y.append(metric.shown(best))
    x.append(max(mark.ended_at for mark in scored) - began)
    y.append(metric.shown(best))
    return _line("best so far", x, y, {"shape": "hv", "color": ACCENT, "width": 2})


def _line(name: str, x: Sequence[float], y: Sequence[float], line: Figure) -> Figure:
    own = {"type": "scatter", "mode": "lines", "name": text(name), "line": line, "hoverinfo": "skip"}
    return {**own, "x": list(x), "y": list(y)}
