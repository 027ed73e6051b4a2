"""Pseudo-labels in a contest: what was shipped is fitted once more beside confident test rows, and has to win by it.

Lee, "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks" (ICML workshop,
2013). Only training parts get test rows, and those of a fold have the labels that the models of that fold give them:
these have not seen its validation rows, which stay as they are. So a gain in validation is one.
"""

import copy
import hashlib
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse as sp

from automl import commands, ensemble, run_folder, settings
from automl.errors import AutoMLError
from automl.past_run import PastRun, open_run
from automl.run_folder import RunFolder
from automl.search_config import make_runner
from automl.task import Batch, Rows, Task
from automl.types import Params

# A test row counts where a class is said with at least this probability.
CONFIDENT = 0.9
# Of the time for a search, what is kept for fitting again.
SHARE = 1 / 3
_FOLDER = "pseudo"


@dataclass(frozen=True)
class Verdict:
    """Which model answers, and why: a word for people. ``model``: its folder."""

    model: Path
    taken: bool
    why: str


def tried(folder: RunFolder, test: Mapping[str, np.ndarray], started: float, seconds: float | None) -> Verdict:
    """Fit the candidates that a run has shipped again, beside confident rows of ``test``; return the better model.

    That is the new one where its gain, the mean over the folds of the differences of their scores, is greater than
    these differences' standard deviation. The fits are a run of their own in the folder of the first, on the same
    leaderboard. ``started``, ``seconds``: when that begins (``time.time()``), and what it may take; None: no limit.
    """
    run = open_run(folder)
    before = folder.path / "model"
    if not run.task.target.is_classification or len(run.task.splits) < 2:
        return Verdict(before, False, "not tried: they are of classes, and judged by several folds")
    try:
        more, n = with_labels(run.task, *_said(run, test))
        if not n:
            return Verdict(before, False, f"not tried: no class of a test row has a probability of {CONFIDENT:g}")
        found = _fitted(run, more, started, seconds)
    except (AutoMLError, KeyboardInterrupt) as error:  # what was shipped before stands
        return Verdict(before, False, f"not taken: {error or 'interrupted'}")
    if len(found.after) < len(run.task.splits):
        return Verdict(before, False, f"{n:,} rows, not taken: no time for all folds")
    gains = np.array(found.after) - found.before
    gain, deviation = float(gains.mean()), float(gains.std(ddof=1))
    taken = gain > deviation
    said = f"{run.task.metric.name} better by {gain:.4g} ± {deviation:.2g} over the folds"
    return Verdict(found.model if taken else before, taken, f"{n:,} rows, {'' if taken else 'not '}taken: {said}")


@dataclass(frozen=True)
class _Fitted:
    """The scores of the folds before and after, greater is better, and the folder of the new model."""

    before: Sequence[float]
    after: Sequence[float]
    model: Path


def with_labels(task: Task, x: Rows, said: Sequence[np.ndarray], least: float = CONFIDENT) -> tuple[Task, int]:
    """Return the task with confident rows of ``x`` in its training parts, and how many different ones these are.

    ``said``: (n, n_classes) by fold, what its models say about ``x``. ``least``: the probability from which a row
    counts. Validation parts, and the numbers of the rows that were there, stay as they are.
    """
    k = task.target.n_classes
    sure = [np.flatnonzero(p.max(axis=1) >= least) for p in said]
    # A row that is called alike by several folds is there once.
    keys = [rows * k + p[rows].argmax(axis=1) for rows, p in zip(sure, said, strict=True)]
    pairs = np.unique(np.concatenate(keys))
    at, y = pairs // k, (pairs % k).astype(task.data.y.dtype)
    splits = tuple(
        (np.concatenate([train, task.n_rows + np.searchsorted(pairs, own)]), valid)
        for (train, valid), own in zip(task.splits, keys, strict=True)
    )
    own = hashlib.sha256(b"".join([task.fingerprint.encode(), *(key.tobytes() for key in keys)])).hexdigest()
    data, n = _beside(task.data, x.take(at), y), len(np.unique(at))
    notes = (*task.notes, f"pseudo-labels: {n:,} test rows are in training parts")
    return replace(task, data=data, splits=splits, fingerprint=own, notes=notes), n


def _beside(data: Batch, x: Rows, y: np.ndarray) -> Batch:
    """Return the rows of ``data``, then others, which count as much, are of no group of it, and come later."""
    n = len(y)

    def longer(part: np.ndarray | None, values: Any) -> np.ndarray | None:
        return None if part is None else np.concatenate([part, values])

    stacked = {name: _stacked(part, x.parts()[name]) for name, part in data.x.parts().items()}
    groups = None if data.groups is None else data.groups.max() + 1 + np.arange(n)
    order = None if data.order is None else np.full(n, data.order.max() + 1)
    weights = None if data.weights is None else np.full(n, data.weights.mean())
    return Batch(
        replace(data.x, **stacked),
        np.concatenate([data.y, y]),
        longer(data.weights, weights),
        longer(data.groups, groups),
        longer(data.order, order),
    )


def _stacked(first: Any, second: Any) -> Any:
    return sp.vstack([first, second], format="csr") if sp.issparse(first) else np.concatenate([first, second])


def _said(run: PastRun, test: Mapping[str, np.ndarray]) -> tuple[Rows, list[np.ndarray]]:
    """Return test rows, and what the shipped candidates' models of each fold say about them: (n, n_classes) by fold."""
    from automl.data import rows

    x = rows(run.task.schema, test)
    said = []
    for fold in range(len(run.task.splits)):
        has = {id: w for id, w in _weights(run).items() if fold in (ref.fold for ref in run.kept.trial(id).folds)}
        each = {id: run.kept.model(id, fold).predict(x) for id in has}
        # A fold that nothing was fitted on says nothing.
        nothing = np.zeros((len(x), run.task.target.n_classes))
        said.append(ensemble.blend(run.task.target, each, has) if has else nothing)
    return x, said


def _weights(run: PastRun) -> dict[str, float]:
    if run.board.ensemble is None:
        raise AutoMLError("the run has shipped nothing")
    return dict(run.board.ensemble.members)


def _fitted(run: PastRun, task: Task, started: float, seconds: float | None) -> _Fitted:
    """Fit the shipped candidates on the folds of ``task``, heaviest first, and ship the best of them."""
    from automl.export.choose import out_of_fold
    from automl.export.member import fold_scores
    from automl.search import Search

    weights = _weights(run)
    params: list[Params] = [run.kept.trial(id).candidate.params for id in weights]
    config: dict[str, Any] = copy.deepcopy(dict(run.config))
    left = None if seconds is None else max(1.0, started + seconds - time.time())
    config["budget"] |= {"seconds": left, "trials": len(params)}
    config |= {"scheduler": {"name": "none"}, "report": False}
    config["ensemble"]["compact"] = False
    checked = settings.search_of(config, time.time())
    folder = run_folder.create(run.folder.path / _FOLDER, run.folder.leaderboard_url)
    with closing(make_runner(checked)) as runner:
        runner.start()
        result = commands.run(Search(task, checked, runner, params), config, folder)
    whole = out_of_fold(task, result.kept, result.ensemble.weights)
    earlier = out_of_fold(run.task, run.kept, weights)
    return _Fitted(fold_scores(run.task, earlier), fold_scores(task, whole), folder.path / "model")
