"""What a run is about: its configuration, what in it is not as it is by default, and beside that of another run."""

from collections.abc import Mapping
from typing import Any

from automl import registry
from automl.board.run_page import Seen
from automl.board.source import OpenLeaderboard
from automl.board.words import flat
from automl.configuration import AUTO, GROUPS, keys_of_option, usual_options, written
from automl.leaderboard.records import Run, RunSummary


def about(seen: Seen, source: OpenLeaderboard, to: str) -> dict[str, Any]:
    """Return the values of the view; ``to``: the id of a run whose configuration is to stand beside this one's."""
    others = [run for run in source.runs() if run.id != seen.run.id][:200]
    other = next((run for run in others if str(run.id) == to), None)
    return configuration(seen.run) | {
        "failures": seen.trials.failures(),
        "others": others,
        "other": other,
        "differences": _differences(seen.run, source, other),
    }


def configuration(run: Run) -> dict[str, list[tuple[str, Any]]]:
    """Return a run's configuration without its space: what is ``changed``, and what is ``usual``."""
    own = flat({name: part for name, part in run.config.items() if name != "space"}) if run.config else {}
    by_default = {path: list(v) if isinstance(v, tuple) else v for path, v in flat(_usual(run.config)).items()}
    usual = {path for path, value in own.items() if path in by_default and by_default[path] == value}
    return {
        "changed": [(path, value) for path, value in own.items() if path not in usual],
        "usual": [(path, value) for path, value in own.items() if path in usual],
    }


def _usual(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the keys of a configuration are by default.

    Of options from elsewhere only their names are compared: reading a leaderboard runs nothing that it names.
    """
    found = written()
    for group, kind in GROUPS.items():
        part = config.get(group)
        name = str(part.get("name")) if isinstance(part, Mapping) else ""
        own = keys_of_option(group, name) if name in registry.names(kind) or (group, name) == AUTO else {}
        found[group] = {"name": usual_options()[group], **own}
    return found


def _differences(run: Run, source: OpenLeaderboard, other: RunSummary | None) -> list[tuple[str, Any, Any]]:
    """Return where two configurations differ, the space included."""
    if other is None:
        return []
    own, theirs = flat(run.config), flat(source.run(other.id).config)
    paths = dict.fromkeys([*own, *theirs])
    return [(path, own.get(path), theirs.get(path)) for path in paths if own.get(path) != theirs.get(path)]
