"""What every option of every kind has to keep. A new file is tested unasked: the cases come from the registry."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl import registry, space
from automl.assemble import ALL_TARGETS, build, task_space
from automl.errors import ConfigError
from automl.export import package
from automl.export.member import Member, predict
from automl.kept import KeptTrials
from automl.model_store import ModelStore
from automl.options import make as configured
from automl.space import Choice, Defaults, draw, validate
from automl.task import FAMILY_FOLDER
from automl.training.objective import FitFolds
from automl.types import Candidate, Compressor, Searcher
from tests.tasks import TARGETS, make
from tests.trials import trial

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
def test_a_family_fits_predicts_pickles_and_exports(kind: str, family: str, target: str, tmp_path: Path) -> None:
    task = make(kind, target)
    params = defaults(task, family)
    if params is None:
        module = registry.option(FAMILY_FOLDER[kind], family)
        assert target not in getattr(module, "FITS", ALL_TARGETS) or getattr(module, "REQUIRES", ())
        pytest.skip(f"{family} is not for this task here")
    store = ModelStore(str(tmp_path))
    *running, last = FitFolds(task, store)(Candidate("0", params), 1, None)
    assert all(t.status == "running" for t in running)
    assert last.status == "finished"
    assert len(last.fold_scores) == len(task.splits)
    progress = [r.progress for r in last.reports]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    kept = KeptTrials(store, task.valid_rows, task.n_rows)
    assert kept.offer(last)
    oof = kept.predictions("0")
    assert np.isfinite(oof).all()
    if task.is_classification:
        np.testing.assert_allclose(oof.sum(axis=1), 1, atol=1e-4)

    model = kept.model("0", 0)
    valid = task.splits[0][1]
    again = model.predict(task.data.x.take(valid))
    np.testing.assert_allclose(again, oof[valid], rtol=1e-4, atol=1e-4)
    members = [Member("0", family, 0, 1.0, model, valid, oof[valid])]
    package.check(task, members)
    one = task.data.x.take(slice(0, 1))
    assert predict(task, members, one).shape == ((1, task.n_classes) if task.is_classification else (1,))


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
        build(draw(one, space.Random(rng)), task)


@options("searchers")
def test_a_searcher_asks_within_the_space_and_learns_what_it_never_asked(name: str) -> None:
    tree = {"family": Choice({"a": {"x": space.Float(0, 1)}, "b": {"n": space.Int(1, 4), "k": Choice(["u", "v"])}})}
    make_searcher = registry.load("searchers", name).make
    first: Searcher = make_searcher(tree, 0)
    trials = []
    for number in range(12):
        params = first.ask(number)
        if params is None:
            assert number > 0
            break
        assert validate(tree, params) == params
        trials.append(trial(Candidate(str(number), params), float(number)))
        first.tell(trials[-1])
    # The same trials give the same proposals; and a resumed run tells what was never asked.
    second, resumed = make_searcher(tree, 0), make_searcher(tree, 0)
    for told in trials:
        assert second.ask(int(told.candidate.id)) == told.candidate.params
        second.tell(told)
        resumed.tell(told)
    params = resumed.ask(len(trials))
    assert params is None or validate(tree, params) == params


@options("compressors")
def test_a_compressor_leaves_alone_what_it_does_not_know(name: str) -> None:
    class Unknown:
        def fit(self, train: Any, valid: Any) -> Any:
            yield 1.0

        def predict(self, x: Any) -> np.ndarray:
            return np.zeros(len(x))

        def to_onnx(self, graph: Any, inputs: Any) -> str:
            return ""

    task = make("table", "regression")
    module = registry.load("compressors", name)
    compressor: Compressor = module.build(draw(module.SPACE, Defaults()), task)
    assert compressor.compress(Unknown(), task.data) is None


@pytest.mark.parametrize("kind", ["searchers", "schedulers", "runners"])
def test_an_unknown_option_of_an_option_names_the_nearest(kind: str) -> None:
    for name in registry.names(kind):
        with pytest.raises(ConfigError, match="no_such_option"):
            configured(kind, {"name": name, "no_such_option": 1})
