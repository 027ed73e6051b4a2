"""What every model family keeps: it fits each fold, predicts, survives pickling, and its graph says the same."""

import itertools
import tempfile

import numpy as np

from automl import registry
from automl.assemble import SpaceConfig, build, task_space
from automl.export.member import Member, predict
from automl.export.package import check as check_export
from automl.kept import KeptTrials
from automl.model_store import ModelStore
from automl.option import Family
from automl.space import Choice, Defaults, Params, Space, draw, scope
from automl.task import FAMILY_FOLDER, DataKind, TargetKind, Task
from automl.testing.rules import N_BUILDS, about, check_close, drawn_with, draws
from automl.testing.tasks import make_task
from automl.training.objective import FitFolds
from automl.types import Candidate, Trial

KIND_OF: dict[str, DataKind] = {folder: kind for kind, folder in FAMILY_FOLDER.items()}
# Of a network: two epochs show that everything fits together.
EPOCHS = 2


def check_family(kind: str, name: str, target: TargetKind) -> None:
    """Check a family of ``kind`` on a task with such a target; where it is not for one, that it is left out."""
    family: Family = registry.load(kind, name)
    task = make_task(KIND_OF[kind], target)
    space = space_of(kind, name, task)
    if target not in family.targets:
        assert space is None, f"it is not for {target} targets, and there is a space of it for one"
        return
    assert space is not None, f"it is for {target} targets, and there is no space of it for one"
    for drawn in itertools.islice(draws(space, N_BUILDS, seed=1), 1, None):
        with about(drawn_with(scope(drawn, f"family.{name}"))):
            build(drawn, task.problem)
    params = quick_params(kind, name, space)
    with about(f"on a {target} target, {drawn_with(scope(params, f'family.{name}'))}"):
        _check_fit(task, params)


def space_of(kind: str, name: str, task: Task) -> Space | None:
    """Return the space for ``task`` that has one family of ``kind`` alone; None where it has no such family."""
    own = {} if name in registry.names(kind) else {kind: [name]}
    families = task_space(task, SpaceConfig(plugins=own))["family"]
    assert isinstance(families, Choice), f"families are a choice; got {families!r}"
    return {"family": Choice({name: families.options[name]})} if name in families.options else None


def quick_params(kind: str, name: str, space: Space) -> Params:
    """Return the defaults of a family of ``kind`` in ``space``, with few epochs where it is a network."""
    is_network = registry.load(kind, name).network is not None
    return draw(space, Defaults()) | ({f"family.{name}.epochs": EPOCHS} if is_network else {})


def _check_fit(task: Task, params: Params) -> None:
    """Fit on every fold, predict, pickle and export."""
    candidate = Candidate("0", params)
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        store = ModelStore(folder)
        *running, last = FitFolds(task, store)(candidate, 1, None)
        assert all(t.status == "running" for t in running), "a trial runs until its last snapshot"
        assert last.status == "finished", f"a fit comes to its end; it is {last.status}: {last.failure}"
        kept = KeptTrials(store, task.valid_rows, task.n_rows)
        assert kept.offer(last), f"a trial has a score; got {last.score}"
        oof, model = kept.predictions("0"), kept.model("0", 0)
    _check_progress(task, last)
    _check_predictions(task, oof)

    valid = task.splits[0][1]
    check_close(model.predict(task.data.x.take(valid)), oof[valid], "a model predicts the same after it was pickled")
    members = [Member("0", candidate.family, 0, 1.0, model, valid, oof[valid])]
    check_export(task, members)
    shape = predict(task, members, task.data.x.take(slice(0, 1))).shape
    assert shape == (1, task.target.width), f"of one row there are {(1, task.target.width)} predictions; got {shape}"
    if model.refits:
        whole = build(params, task.problem)
        progress = list(whole.refit(task.data, [model], task.n_rows / len(task.splits[0][0])))
        assert progress[-1:] == [1.0], f"the progress of a refit rises to 1; it is {progress}"
        check_export(task, [Member("0", candidate.family, None, 1.0, whole, valid, oof[valid])])


def _check_progress(task: Task, last: Trial) -> None:
    assert len(last.fold_scores) == len(task.splits), "each fold has a score"
    progress = [r.progress for r in last.reports]
    assert progress == sorted(progress), f"the progress of a fit rises; it is {progress}"
    assert progress[-1] == 1.0, f"the progress of a fit rises to 1; it ends with {progress[-1]}"


def _check_predictions(task: Task, oof: np.ndarray) -> None:
    check_answer(task, oof)
    if task.target.quantiles:
        assert (np.diff(oof, axis=1) >= 0).all(), "quantiles of one row are in ascending order"
        assert oof.std(axis=0).min() > 0, "quantiles follow the rows"


def check_answer(task: Task, answer: np.ndarray) -> None:
    """Check that an answer has a column for all that is predicted, and that probabilities are some."""
    width = task.target.width
    assert np.shape(answer)[1:] == (width,), f"predictions are (n, {width}); they are {np.shape(answer)}"
    assert np.isfinite(answer).all(), "predictions are finite"
    if task.target.is_classification:
        assert answer.min() >= -1e-6, f"probabilities are not below 0; one is {answer.min():.3g}"
        sums = answer.sum(axis=1)
        assert np.abs(sums - 1).max() <= 1e-4, f"probabilities of a row sum to 1; one sum is {sums.min():.4g}"
