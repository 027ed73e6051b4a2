"""What each worker did when: bars for trials, gaps where a worker was idle, grey where no trial could run."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from automl.figures.marks import Mark
from automl.figures.style import RED, Figure, axis, by_family, empty, figure, text
from automl.leaderboard.words import number

_EDGE, _SHADE = "rgba(128,128,128,0.45)", "rgba(128,128,128,0.13)"
# Workers that overlap for less of the time than this follow each other.
_HANDOVER = 0.05
# A name, and from when to when, in seconds since the run began.
Phase = tuple[str, float, float]


def timeline(
    marks: Sequence[Mark],
    began: float,
    colours: Mapping[str, str],
    span: tuple[float, float] | None = None,
    phases: Sequence[Phase] = (),
) -> Figure:
    """Return one lane for each worker, over the seconds since ``began``.

    span: from when to when, in these seconds; None: from 0 to the last trial's end. phases: shaded, with their names;
    the colours of the families are those of the other figures of a run.
    """
    if not marks:
        return empty("No trial has ended yet.")
    lanes = _lanes(marks)
    names = list(dict.fromkeys(lanes[mark.id] for mark in sorted(marks, key=lambda m: m.begun_at)))
    data = [
        _bars(family, of_one, lanes, began, colours[family]) for family, of_one in by_family(marks, colours).items()
    ]
    first, last = span or (0.0, max(mark.ended_at for mark in marks) - began)
    x = axis("seconds", range=[first, last])
    y = axis("", type="category", categoryorder="array", categoryarray=names[::-1])
    shown = [(name, max(begin, first), min(end, last)) for name, begin, end in phases if end > first and begin < last]
    layout = {"shapes": [_shade(begin, end) for _, begin, end in shown], "annotations": _names(shown, (first, last))}
    height = 120 + 34 * len(names)
    return figure(data, x, y, barmode="overlay", bargap=0.25, height=height, showlegend=False, **layout)


def busy_share(marks: Sequence[Mark], begin: float, end: float) -> float | None:
    """Return which share of the time between two moments the average worker fitted trials.

    There are as many workers as fitted at once, but for the moments in which one takes over from another.
    """
    if not marks or end <= begin:
        return None
    lanes = _lanes(marks)
    of_lane: dict[str, list[Mark]] = {}
    for mark in marks:
        of_lane.setdefault(lanes[mark.id], []).append(mark)
    fits = [fit for own in of_lane.values() for fit in _fits(own)]
    total = sum(until - since for since, until in fits)
    return min(1.0, total / (end - begin) / _at_once(fits)) if total > 0 else 0.0


def _fits(marks: Sequence[Mark]) -> Iterable[tuple[float, float]]:
    """Return the intervals in which a worker fitted some trials, without overlaps."""
    until = float("-inf")
    for mark in sorted(marks, key=lambda mark: mark.begun_at):
        if mark.ended_at > until:
            yield max(until, mark.begun_at), mark.ended_at
            until = mark.ended_at


def _at_once(fits: Sequence[tuple[float, float]]) -> int:
    """Return how many of the intervals there are at once, leaving aside what lasts for a moment only."""
    steps = sorted([(since, 1) for since, _ in fits] + [(until, -1) for _, until in fits])
    lasted: dict[int, float] = defaultdict(float)
    level = 0
    for (at, step), (then, _) in pairwise(steps):
        level += step
        lasted[level] += then - at
    beyond, whole = 0.0, sum(seconds for n, seconds in lasted.items() if n)
    for n in sorted(lasted, reverse=True):
        beyond += lasted[n]
        if beyond > _HANDOVER * whole:
            return max(1, n)
    return 1


def _shade(begin: float, end: float) -> Figure:
    place = {"type": "rect", "x0": begin, "x1": end, "y0": 0, "y1": 1, "yref": "paper"}
    return {**place, "fillcolor": _SHADE, "line": {"width": 0}, "layer": "below"}


def _names(phases: Sequence[Phase], span: tuple[float, float]) -> list[Figure]:
    """Return the names of phases above them: at the left of those in the first half, at the right of the others."""
    look = {"yref": "paper", "y": 1, "yanchor": "bottom", "showarrow": False, "font": {"size": 10.5}}
    notes = []
    for name, begin, end in phases:
        x, side = (begin, "left") if 2 * end < sum(span) else (end, "right")
        notes.append({**look, "text": text(name), "x": x, "xanchor": side})
    return notes


def _lanes(marks: Sequence[Mark]) -> dict[str, str]:
    """Return the lane of each trial: its worker, or, where that is not known, the first lane that was free."""
    lanes, free_at = {}, list[float]()
    for mark in sorted(marks, key=lambda m: m.begun_at):
        if mark.worker:
            lanes[mark.id] = mark.worker
            continue
        lane = next((i for i, free in enumerate(free_at) if free <= mark.begun_at), len(free_at))
        free_at[lane:lane] = [] if lane < len(free_at) else [0.0]
        free_at[lane] = mark.ended_at
        lanes[mark.id] = f"lane {lane + 1}"
    return lanes


def _bars(family: str, marks: Sequence[Mark], lanes: Mapping[str, str], began: float, colour: str) -> Figure:
    lasted = [mark.ended_at - mark.begun_at for mark in marks]
    failed = [mark.status == "failed" for mark in marks]
    return {
        "type": "bar",
        "orientation": "h",
        "name": text(family),
        "base": [mark.begun_at - began for mark in marks],
        "x": lasted,
        "y": [text(lanes[mark.id]) for mark in marks],
        "customdata": [mark.id for mark in marks],
        "text": [
            f"{text(family)} #{text(mark.id)}, {mark.status}<br>{number(seconds, 3)} s"
            for mark, seconds in zip(marks, lasted, strict=True)
        ],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "color": colour,
            "opacity": [0.95 if mark.status == "finished" else 0.5 for mark in marks],
            "line": {
                "width": [1.5 if bad else 0.5 for bad in failed],
                "color": [RED if bad else _EDGE for bad in failed],
            },
        },
    }
