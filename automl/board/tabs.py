"""What the tabs of a run show beside its leaderboard: its progress, its parameters, and what it is about."""

from collections.abc import Mapping
from typing import Any

from automl.board import phases
from automl.board.families import most_finished
from automl.board.run_page import TIMED, Seen, common
from automl.board.source import OpenLeaderboard
from automl.board.words import flat
from automl.figures.parameters import FEWEST
from automl.leaderboard.records import Run, RunSummary


def tab(source: OpenLeaderboard, db: int, run_id: int, name: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a tab of a run."""
    seen = Seen.of(source, run_id)
    values = common(seen, db, name)
    if name == "progress":
        return values | _progress(seen)
    if name == "parameters":
        return values | _parameters(seen, query)
    return values | _about(seen, source, query.get("to", ""))


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


def _about(seen: Seen, source: OpenLeaderboard, to: str) -> dict[str, Any]:
    """Return the configuration, beside that of another run where one is chosen."""
    others = [run for run in source.runs() if run.id != seen.run.id][:200]
    other = next((run for run in others if str(run.id) == to), None)
    own = flat({name: part for name, part in seen.run.config.items() if name != "space"})
    theirs = flat(source.run(other.id).config) if other else {}
    rows = [(path, own.get(path), theirs.get(path)) for path in own]
    return {
        "failures": seen.trials.failures(),
        "others": others,
        "other": other,
        "config": rows,
        "differences": _differences(seen.run, source, other),
    }


def _differences(run: Run, source: OpenLeaderboard, other: RunSummary | None) -> list[tuple[str, Any, Any]]:
    """Return where two configurations differ, the space included."""
    if other is None:
        return []
    own, theirs = flat(run.config), flat(source.run(other.id).config)
    paths = dict.fromkeys([*own, *theirs])
    return [(path, own.get(path), theirs.get(path)) for path in paths if own.get(path) != theirs.get(path)]
