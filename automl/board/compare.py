"""Runs side by side, from one leaderboard or several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from automl.board.asked import Asked
from automl.board.run_page import Seen
from automl.board.source import OpenLeaderboard
from automl.board.words import flat
from automl.figures.style import PALETTE, Figure
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
    alike = {(side.seen.run.fingerprint, side.seen.run.metric) for side in shown}
    return {
        "missing": False,
        "shown": shown,
        "comparable": len(alike) == 1,
        "query": urlencode([("run", f"{side.db}.{side.seen.run.id}") for side in shown]),
        "differences": [(path, values) for path, values in rows if any(value != values[0] for value in values)],
    }


def figure(sources: Sequence[OpenLeaderboard], chosen: Sequence[str]) -> Figure:
    """Return the best score so far of each run over its seconds."""
    sides = _sides(sources, chosen)
    lines = [
        (
            f"{side.seen.run.name} ({side.seen.run.id})",
            side.colour,
            side.seen.run.started_at,
            side.seen.trials.marks(_MOST_MARKS),
            side.seen.run.goals,
        )
        for side in sides
    ]
    return race(lines, sides[0].seen.run.metric) if sides else {}


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
