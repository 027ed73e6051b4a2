"""What every option of every kind has to keep. A new file is tested unasked: the cases come from the registry."""

import pickle
from typing import Any

import numpy as np
import pytest

from automl import registry, space
from automl.assemble import ALL_TARGETS, build, task_space
from automl.errors import ConfigError
from automl.export import package
from automl.export.member import Member, predict
from automl.options import make as configured
from automl.space import Choice, Defaults, draw, validate
from automl.task import FAMILY_FOLDER
from automl.training.objective import FitFolds
from automl.types import Candidate, Compressor, Searcher
from tests.tasks import TARGETS, make

SPACED = ("tables", "images", "sequences", "text", "features", "losses", "optimizers", "schedules", "compressors")
KIND_OF = {folder: kind for kind, folder in FAMILY_FOLDER.items()}
FAMILIES = [
    pytest.param(kind, name, target, id=f"{name}-{target}")
    for kind, folder in FAMILY_FOLDER.items()
    for name in registry.names(folder)
    for target in TARGETS
]
# Networks: two epochs show that everything fits together.
SHORT = {"epochs": 2, "first_size": 12, "hidden": 16}


def options(kind: str) -> Any:
    return pytest.mark.parametrize("name", registry.names(kind))


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k in SPACED for n in registry.names(k)])
def test_every_option_says_what_it_is(kind: str, name: str) -> None:
    module = registry.load(kind, name)
    assert module.__doc__, "an option's file begins with what it is"
    assert callable(module.build)
    drawn = draw(module.SPACE, Defaults())
    assert validate(module.SPACE, drawn) == drawn
    assert set(getattr(module, "FITS", ALL_TARGETS)) <= set(ALL_TARGETS)
    rng = np.random.default_rng(0)
    for _ in range(20):
        drawn = draw(module.SPACE, space.Random(rng))
        assert validate(module.SPACE, drawn) == drawn


def defaults(task: Any, family: str) -> dict | None:
    choice = task_space(task)["family"]
    assert isinstance(choice, Choice)
    if family not in choice.options:
        return None
    params = draw({"family": choice}, Defaults({"family": family}))
    short = {f"family.{family}.{name}": value for name, value in SHORT.items()}
    return params | {path: value for path, value in short.items() if path in params}


@pytest.mark.parametrize(("kind", "family", "target"), FAMILIES)
def test_a_family_fits_predicts_pickles_and_exports(kind: str, family: str, target: str) -> None:
    task = make(kind, target)
    params = defaults(task, family)
    if params is None:
        module = registry.option(FAMILY_FOLDER[kind], family)
        assert target not in getattr(module, "FITS", ALL_TARGETS) or getattr(module, "REQUIRES", ())
        pytest.skip(f"{family} is not for this task here")
    *running, last = FitFolds(task)(Candidate("0", params), 1, None)
    assert all(t.status == "running" for t in running)
    assert last.status == "finished"
    assert len(last.fold_scores) == len(task.splits)
    progress = [r.progress for r in last.reports]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    assert last.outcome is not None
    oof = last.outcome.predictions
    assert np.isfinite(oof).all()
    assert oof.shape == (task.n_rows, task.target.width)
    if task.target.is_classification:
        np.testing.assert_allclose(oof.sum(axis=1), 1, atol=1e-4)

    model = pickle.loads(last.outcome.models[0])
    valid = task.splits[0][1]
    again = model.predict(task.data.x.take(valid))
    np.testing.assert_allclose(again, oof[valid], rtol=1e-4, atol=1e-4)
    members = [Member("0", family, 0, 1.0, model, valid, oof[valid])]
    package.check(task, members)
    one = task.data.x.take(slice(0, 1))
    assert predict(task, members, one).shape == (1, task.target.width)


@pytest.mark.parametrize(("kind", "family", "target"), FAMILIES)
def test_a_drawn_candidate_builds(kind: str, family: str, target: str) -> None:
    task = make(kind, target)
    choice = task_space(task)["family"]
    assert isinstance(choice, Choice)
    if family not in choice.options:
        pytest.skip(f"{family} is not for this task here")
    rng = np.random.default_rng(1)
    one = {"family": Choice({family: choice.options[family]})}
    for _ in range(5):
        build(draw(one, space.Random(rng)), task.problem)


@options("searchers")
def test_a_searcher_asks_within_the_space_and_learns_what_it_never_asked(name: str) -> None:
    tree = {"family": Choice({"a": {"x": space.Float(0, 1)}, "b": {"n": space.Int(1, 4), "k": Choice(["u", "v"])}})}
    first: Searcher = registry.load("searchers", name).make(tree, 0)
    trials = []
    for i in range(12):
        candidate = first.ask()
        if candidate is None:
            assert i > 0
            break
        assert validate(tree, candidate.params) == candidate.params
        trial = ended(candidate, float(i))
        first.tell(trial)
        trials.append(trial)
    assert len({t.candidate.id for t in trials}) == len(trials)
    resumed: Searcher = registry.load("searchers", name).make(tree, 0)
    for trial in trials:
        resumed.tell(trial)
    candidate = resumed.ask()
    if candidate is not None:
        assert validate(tree, candidate.params) == candidate.params
        assert candidate.id not in {t.candidate.id for t in trials}


def ended(candidate: Candidate, score: float) -> Any:
    from automl.types import Trial

    return Trial(candidate, "finished", score, (score,))


@options("compressors")
def test_a_compressor_leaves_alone_what_it_does_not_know(name: str) -> None:
    class Unknown:
        def fit(self, train: Any, valid: Any) -> Any:
            yield 1.0

        def predict(self, x: Any) -> np.ndarray:
            return np.zeros((len(x), 1))

        def to_onnx(self, graph: Any, inputs: Any) -> str:
            return ""

    task = make("table", "regression")
    module = registry.load("compressors", name)
    compressor: Compressor = module.build(draw(module.SPACE, Defaults()), task.problem)
    assert compressor.compress(Unknown(), task.data) is None


@pytest.mark.parametrize("kind", ["searchers", "schedulers", "runners"])
def test_an_unknown_option_of_an_option_names_the_nearest(kind: str) -> None:
    for name in registry.names(kind):
        with pytest.raises(ConfigError, match="no_such_option"):
            configured(kind, {"name": name, "no_such_option": 1})
