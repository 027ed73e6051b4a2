"""What the view of one trial shows: its parameters as a tree, beside those of others; what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from automl import epochs
from automl.board import drawing
from automl.board.run_page import Seen, common
from automl.board.source import OpenLeaderboard
from automl.errors import ArtifactError, UnknownNameError
from automl.explain.mistakes import least_certain, worst
from automl.leaderboard.study import defaults
from automl.leaderboard.tables import TrialRow
from automl.leaderboard.words import spread
from automl.types import Trial

# Among so many of its family's trials that ended just before, the one that differs least is its likely parent.
_LOOKED_AT = 1000


@dataclass(frozen=True)
class Node:
    """A parameter in the tree: its depth, its name there, its path, and its value in each of the trials shown.

    ``heads``: whether there is only something below it. ``differs``: whether the values are not all the same.
    """

    depth: int
    name: str
    path: str
    values: tuple[Any, ...]
    heads: bool
    differs: bool


@dataclass(frozen=True)
class Beside:
    """What a trial is compared with. ``id``: of a trial, None for the defaults of the space."""

    why: str
    id: str | None
    score: float | None
    params: Mapping[str, Any]


ABSENT = object()


def trial(source: OpenLeaderboard, db: int, run_id: int, id: str, to: str) -> dict[str, Any]:
    """Return the values of a trial's view; ``to``: the id of a trial to compare it with."""
    seen = Seen.of(source, run_id)
    own, ended_at = seen.trials.trial(id)
    others = _others(seen, own, ended_at, to)
    places = {line.mark.id: line for line in seen.trials.lines_of([id])}
    figures = list(drawing.OF_PREDICTIONS)
    is_values = seen.run.task.get("target") in ("regression", "quantiles")
    return common(seen, db, "trial") | {
        "trial": own,
        "line": places[id],
        "ended_at": ended_at,
        "spread": spread(own.fold_scores),
        "others": others,
        "tree": tree([own.candidate.params, *(other.params for other in others)]),
        "absent": ABSENT,
        "to": to,
        "kept": any(fold.predictions for fold in own.folds),
        "has_epochs": bool(epochs.by_fold(own.reports)),
        "network": source.models(seen.run).diagram(id),
        "figures": figures[2:] if is_values else figures[:2],
    }


def mistakes(source: OpenLeaderboard, run_id: int, id: str) -> dict[str, Any]:
    """Return the rows that a trial is most mistaken about, with their values where the run keeps them."""
    seen = Seen.of(source, run_id)
    own, _ = seen.trials.trial(id)
    try:
        rows, prediction, of = drawing.predicted(seen, own, with_rows=True)
    except ArtifactError as error:
        return {"found": [], "names": [], "all_right": False, "why": f"Its predictions are not kept: {error}"}
    wrong = worst(of.y[rows], prediction, of.classes, value=of.value)
    found = wrong if wrong or not of.classes else least_certain(of.y[rows], prediction, of.classes)
    at = [int(rows[one.at]) for one in found]
    values = of.told.lines(at) if of.told and at else [[] for _ in at]
    return {
        "found": list(zip(at, found, values, strict=True)),
        "names": of.told.names if of.told else [],
        "classes": of.classes,
        "all_right": bool(found) and not wrong,
        "why": "",
    }


def tree(params: list[Mapping[str, Any]]) -> list[Node]:
    """Return parameters as the lines of a tree, each below the choice or the group it belongs to."""
    paths = list(dict.fromkeys(path for one in params for path in one))
    rows: dict[str, None] = {}
    for path in paths:
        parts = path.split(".")
        rows |= dict.fromkeys(".".join(parts[: i + 1]) for i in range(len(parts)))
    # Of a chosen option there is a line already: the choice itself.
    chosen = {f"{path}.{value}" for one in params for path, value in one.items()}
    kept = [path for path in _depth_first(list(rows)) if path in paths or path not in chosen]
    return [_node(path, params, paths, kept) for path in kept]


def _depth_first(paths: list[str]) -> list[str]:
    below: dict[str, list[str]] = {}
    for path in paths:
        below.setdefault(path.rpartition(".")[0], []).append(path)

    def walk(path: str) -> list[str]:
        return [one for child in below.get(path, ()) for one in (child, *walk(child))]

    return walk("")


def _node(path: str, params: list[Mapping[str, Any]], paths: list[str], kept: list[str]) -> Node:
    depth = sum(path.startswith(f"{one}.") for one in kept)
    values = tuple(one.get(path, ABSENT) for one in params)
    differs = len({repr(value) for value in values}) > 1
    return Node(depth, path.rpartition(".")[2], path, values, path not in paths, differs)


def _others(seen: Seen, own: Trial, ended_at: float, to: str) -> list[Beside]:
    """Return what to compare a trial with: the space's defaults, the nearest earlier one, the one that is asked for."""
    own_params, found = own.candidate.params, []
    usual = defaults(seen.run, own_params)
    if usual:
        found.append(Beside("default", None, None, {"family": own.candidate.family, **usual}))
    wanted = {_nearest(seen, own, ended_at): "nearest earlier"} | ({to: "chosen"} if to != own.candidate.id else {})
    for id, why in wanted.items():
        try:
            other = seen.trials.trial(id)[0] if id else None
        except UnknownNameError:  # a number that somebody typed
            continue
        if other is not None:
            found.append(Beside(why, id, other.score, other.candidate.params))
    return found


def _nearest(seen: Seen, own: Trial, ended_at: float) -> str | None:
    """Return the id of the trial of the family that differs in the fewest parameters, of those that had ended before.

    What was still fitted when this one began cannot have led to it.
    """
    began = ended_at - own.seconds if own.started_at is None else own.started_at
    earlier = (
        select(TrialRow.candidate_id, TrialRow.params)
        .where(TrialRow.run_id == seen.run.id, TrialRow.family == own.candidate.family, TrialRow.ended_at <= began)
        .where(TrialRow.candidate_id != own.candidate.id)
        .order_by(TrialRow.id.desc())  # they grow in the order in which trials end
        .limit(_LOOKED_AT)
    )
    with seen.source.database.read() as session:
        distances = [(_distance(own.candidate.params, params), id) for id, params in session.execute(earlier)]
    return min(distances, key=lambda one: one[0])[1] if distances else None


def _distance(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    return sum(one.get(path, ABSENT) != other.get(path, ABSENT) for path in {*one, *other})
