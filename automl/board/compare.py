"""Runs side by side, from one leaderboard or several."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from automl.board.asked import Asked
from automl.board.run_page import Seen
from automl.board.source import OpenLeaderboard
from automl.board.words import flat
from automl.figures.style import PALETTE, Figure, empty
from automl.figures.trials import race

_MOST = 8
_MOST_MARKS = 1000


@dataclass(frozen=True)
class Side:
    """One of the runs: its leaderboard's place, what is known of it, its best score and its colour."""

    db: int
    seen: Seen
    best: float | None
    colour: str


def runs(sources: Sequence[OpenLeaderboard], chosen: Sequence[str]) -> dict[str, Any]:
    """Return the values of the view; ``chosen``: runs as "DB.ID"."""
    shown = _sides(sources, chosen)
    if len(shown) < 2:
        return {"missing": True}
    configs = [flat(side.seen.run.config) for side in shown]
    paths = dict.fromkeys(path for config in configs for path in config)
    rows = [(path, [config.get(path) for config in configs]) for path in paths]
    return {
        "missing": False,
        "shown": shown,
        "alike": _alike(shown),
        "query": urlencode([("run", f"{side.db}.{side.seen.run.id}") for side in shown]),
        "differences": [(path, values) for path, values in rows if any(value != values[0] for value in values)],
    }


def figure(sources: Sequence[OpenLeaderboard], chosen: Sequence[str], place: int) -> Figure:
    """Return the best score so far over the seconds of the runs that compare with each other, of the ``place``-th ones.

    Scores by other metrics, or on other rows, are never on one axis.
    """
    groups = _alike(_sides(sources, chosen))
    if not 0 <= place < len(groups):
        return empty("There are no such runs.")
    lines = [
        (
            f"{side.seen.run.name} ({side.seen.run.id})",
            side.colour,
            side.seen.run.started_at,
            side.seen.trials.marks(_MOST_MARKS),
            side.seen.run.goals,
        )
        for side in groups[place]
    ]
    return race(lines, groups[place][0].seen.run.metric)


def _alike(sides: Sequence[Side]) -> list[list[Side]]:
    """Return the runs in groups with one metric and the same data."""
    groups: dict[Hashable, list[Side]] = {}
    for side in sides:
        groups.setdefault((side.seen.run.fingerprint, side.seen.run.metric), []).append(side)
    return list(groups.values())


def _sides(sources: Sequence[OpenLeaderboard], chosen: Sequence[str]) -> list[Side]:
    sides = []
    for i, one in enumerate(list(dict.fromkeys(chosen))[:_MOST]):
        db, _, id = one.partition(".")
        if db.isdecimal() and id.isdecimal() and int(db) < len(sources):
            seen = Seen.of(sources[int(db)], int(id))
            best = seen.trials.page(Asked(), 1)[0]
            score = best[0].mark.score if best and best[0].rank else None
            sides.append(Side(int(db), seen, score, PALETTE[i % len(PALETTE)]))
    return sides
