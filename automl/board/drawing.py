"""The figures of the page, by their names: what each of them asks the leaderboard for."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from automl import epochs
from automl.board import phases
from automl.board.asked import Asked
from automl.board.families import most_finished
from automl.board.run_page import TIMED, Seen
from automl.board.source import OpenLeaderboard
from automl.errors import ArtifactError, unknown_name
from automl.figures import parameters, predictions
from automl.figures import timeline as lanes
from automl.figures import trials as plane
from automl.figures.style import Figure, empty
from automl.goals import is_scored
from automl.leaderboard.study import importances
from automl.run_folder import RunFolder
from automl.types import Trial
from automl.validation import Validation

# What a browser draws at once without delay, and what says as much as all of them.
_MOST_MARKS, _MOST_CURVES, _MOST_LINES, _MOST_WEIGHED = 2000, 12, 60, 1000
Query = Mapping[str, str]


def of_run(source: OpenLeaderboard, run_id: int, name: str, query: Query) -> Figure:
    """Return a figure of a run, of ``OF_RUN``. Raises ``UnknownNameError``."""
    if name not in OF_RUN:
        raise unknown_name("figure", name, OF_RUN)
    seen = Seen.of(source, run_id)
    asked = (run_id, seen.trials.version, name, tuple(sorted(query.items())))
    return source.once(asked, lambda: OF_RUN[name](seen, query))


def of_trial(source: OpenLeaderboard, run_id: int, id: str, name: str) -> Figure:
    """Return a figure of a trial: "curve", "epochs" or one of ``OF_PREDICTIONS``. Raises ``UnknownNameError``."""
    known = (*OF_PREDICTIONS, "curve", "epochs")
    if name not in known:
        raise unknown_name("figure", name, known)
    seen = Seen.of(source, run_id)
    trial, _ = seen.trials.trial(id)
    if name == "curve":
        own = (trial.candidate.id, trial.candidate.family, trial.reports)
        return plane.curves([own], seen.run.metric, seen.colours, "seconds")
    if name == "epochs":
        return plane.epochs(epochs.by_fold(trial.reports), seen.run.metric)
    try:
        rows, prediction, of = predicted(seen, trial)
        return OF_PREDICTIONS[name](of.y[rows], prediction, of)
    except ArtifactError as error:
        return empty(f"Its predictions are not kept: {error}")


def predicted(seen: Seen, trial: Trial, with_rows: bool = False) -> tuple[np.ndarray, np.ndarray, Validation]:
    """Return the rows of the folds that a trial has done, what it said about them, and what is known of all rows.

    Raises ``ArtifactError`` where its predictions are not kept.
    """
    validation = Validation.read(RunFolder(Path(seen.run.folder), "").validation, with_rows)
    store = seen.source.models(seen.run)
    parts = [store.predictions(fold) for fold in trial.folds if fold.predictions]
    rows = [validation.rows[fold.fold] for fold in trial.folds if fold.predictions]
    if not parts or [len(part) for part in parts] != [len(of) for of in rows]:
        raise ArtifactError("only those of the better trials are.")
    return np.concatenate(rows), np.concatenate(parts), validation


def _scores(seen: Seen, query: Query) -> Figure:
    run = seen.run
    return plane.scores(seen.trials.marks(_MOST_MARKS), run.metric, run.started_at, seen.colours, run.goals)


def _front(seen: Seen, query: Query) -> Figure:
    run, cost = seen.run, query.get("cost", "seconds")
    return plane.front(seen.trials.marks(_MOST_MARKS), cost, run.metric, seen.colours, run.goals)


def _timeline(seen: Seen, query: Query) -> Figure:
    marks, began = seen.trials.newest(TIMED), seen.run.started_at
    return lanes.timeline(marks, began, seen.colours, phases.span(seen), phases.phases(seen))


def _curves(seen: Seen, query: Query) -> Figure:
    best = seen.trials.best(_MOST_CURVES)
    of = [(t.candidate.id, t.candidate.family, t.reports) for t in best if t.reports]
    over = "seconds" if query.get("over") == "seconds" else "progress"
    return plane.curves(of, seen.run.metric, seen.colours, over)


def _importance(seen: Seen, query: Query) -> Figure:
    family = _family(seen, query)
    rows = seen.trials.order(Asked(families=(family,), statuses=("finished",)))
    # Evenly over the ranks, so that the best tenth stays a tenth.
    every = max(1, -(-len(rows) // _MOST_WEIGHED))
    weighed = [trial for trial in seen.trials.whole(rows[::every]) if is_scored(trial)]
    found = importances(seen.run, weighed)
    return parameters.importance(parameters.shortened(found, family), len(weighed))


def _parallel(seen: Seen, query: Query) -> Figure:
    best = seen.trials.best(_MOST_LINES, _family(seen, query))
    own = [trial for trial in best if trial.status == "finished" and is_scored(trial)]
    return parameters.parallel(list(map(parameters.Polyline.of, own)), seen.run.metric)


def _family(seen: Seen, query: Query) -> str:
    known = [one.family for one in seen.families]
    asked = query.get("family", "")
    return asked if asked in known else most_finished(seen.families)


OF_RUN: dict[str, Callable[[Seen, Query], Figure]] = {
    "scores": _scores,
    "front": _front,
    "timeline": _timeline,
    "curves": _curves,
    "importance": _importance,
    "parallel": _parallel,
}
OF_PREDICTIONS: dict[str, Callable[[np.ndarray, np.ndarray, Validation], Figure]] = {
    "confusion": lambda y, p, of: predictions.confusion(y, p, of.classes),
    "calibration": lambda y, p, of: predictions.calibration(y, p, of.classes),
    "residuals": lambda y, p, of: predictions.residuals(y, p[:, [of.value]], of.target),
    "spread": lambda y, p, of: predictions.residual_spread(y, p[:, [of.value]]),
}
