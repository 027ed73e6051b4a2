"""What each worker did when: bars for trials, gaps where a worker was idle."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from automl.figures.marks import Mark
from automl.figures.style import RED, Figure, axis, by_family, empty, figure, text
from automl.leaderboard.words import number

_EDGE = "rgba(128,128,128,0.45)"


def timeline(marks: Sequence[Mark], began: float, colours: Mapping[str, str]) -> Figure:
    """Return one lane for each worker, over the seconds since ``began``."""
    if not marks:
        return empty("No trial has ended yet.")
    lanes = _lanes(marks)
    names = list(dict.fromkeys(lanes[mark.id] for mark in sorted(marks, key=lambda m: m.begun_at)))
    data = [
        _bars(family, of_one, lanes, began, colours[family]) for family, of_one in by_family(marks, colours).items()
    ]
    x, y = axis("seconds"), axis("", type="category", categoryorder="array", categoryarray=names[::-1])
    return figure(data, x, y, barmode="overlay", bargap=0.25, height=120 + 34 * len(names))


def busy_share(marks: Sequence[Mark]) -> float | None:
    """Return which share of its time the average worker fitted trials, from its first trial to the last of all."""
    if not marks:
        return None
    lanes, end = _lanes(marks), max(mark.ended_at for mark in marks)
    of_lane: dict[str, list[Mark]] = {}
    for mark in marks:
        of_lane.setdefault(lanes[mark.id], []).append(mark)
    there = sum(end - min(mark.begun_at for mark in own) for own in of_lane.values())
    return sum(map(_covered, of_lane.values())) / there if there > 0 else None


def _covered(marks: Sequence[Mark]) -> float:
    """Return the seconds that the intervals of some trials cover."""
    ordered = sorted(marks, key=lambda mark: mark.begun_at)
    total = ordered[0].ended_at - ordered[0].begun_at
    until = ordered[0].ended_at
    for _, mark in pairwise(ordered):
        total += max(0.0, mark.ended_at - max(until, mark.begun_at))
        until = max(until, mark.ended_at)
    return total


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
