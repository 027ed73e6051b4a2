"""What the tabs of a run show beside its leaderboard: its progress, its parameters, and what it is about."""

from collections.abc import Mapping
from typing import Any

from automl.board import about, phases
from automl.board.families import most_finished
from automl.board.run_page import TIMED, Seen, common
from automl.board.source import OpenLeaderboard
from automl.figures.parameters import FEWEST


def tab(source: OpenLeaderboard, db: int, run_id: int, name: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a tab of a run."""
    seen = Seen.of(source, run_id)
    values = common(seen, db, name)
    if name == "progress":
        return values | _progress(seen)
    if name == "parameters":
        return values | _parameters(seen, query)
    return values | about.about(seen, source, query.get("to", ""))


def _progress(seen: Seen) -> dict[str, Any]:
    costs = [goal for goal in seen.run.goals.objectives if goal != "score"]
    return {
        "busy": phases.busy(seen),
        "phases": phases.phases(seen),
        "costs": ["seconds", *costs],
        "timed": TIMED,
    }


def _parameters(seen: Seen, query: Mapping[str, str]) -> dict[str, Any]:
    family = query.get("family", most_finished(seen.families))
    finished = {one.family: one.n_finished for one in seen.families}
    known = family if family in finished else ""
    return {"family": known, "n_finished": finished.get(known, 0), "fewest": {"importance": FEWEST, "parallel": 2}}
