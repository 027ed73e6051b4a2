"""What every option of each kind has to keep, as checks for options of one's own too; they need no test framework.

from automl.testing import check_option

def test_my_loss():
    check_option("losses", "my_package.my_loss")
"""

import inspect
import itertools
import pickle
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse as sp

from automl import options, registry
from automl.assemble import SpaceConfig, build, has_input, task_space
from automl.data import from_arrays
from automl.errors import NotApplicable
from automl.export.graph import Graph
from automl.export.member import Member, predict
from automl.export.package import check as check_export
from automl.kept import KeptTrials
from automl.model_store import ModelStore
from automl.option import TARGETS, Family, Loss, Option, Step
from automl.runtime.session import open_session
from automl.schedulers import pauses
from automl.schedulers._ray import RayScheduler
from automl.space import Choice, Defaults, Float, Int, Params, Random, Space, draw, validate
from automl.task import FAMILY_FOLDER, DataKind, Rows, TargetKind, Task
from automl.training.objective import FitFolds
from automl.types import Candidate, FoldRef, Report, Status, Trial

KIND_OF: dict[str, DataKind] = {folder: kind for kind, folder in FAMILY_FOLDER.items()}
# Of a network: two epochs show that everything fits together.
EPOCHS = 2
N_DRAWS, N_BUILDS = 20, 5
QUANTILES = (0.1, 0.5, 0.9)
_WORDS = {0: "cheap free winner prize", 1: "meeting tomorrow lunch office", 2: "river mountain forest walk"}
_numbers = itertools.count()


def check_option(kind: str, option: Any, targets: Collection[TargetKind] = TARGETS) -> None:
    """Check that ``option`` keeps what every option of its ``kind`` ("tables", "losses", "searchers", ...) has to keep.

    ``option``: a name, an import path, or the option itself: an ``OPTION``, or what has ``make``. ``targets``: the
    kinds of target that a family, feature step or loss is tried on, where it is for them. Raises ``AssertionError`` for
    a rule that it breaks, ``ConfigError`` for what is no option, and ``NotApplicable`` where a library it needs is
    missing.
    """
    with _by_name(kind, option) as name:
        loaded = registry.load(kind, name)
        if not isinstance(loaded, Option):
            _check_configuration(kind, name)
            if kind == "searchers":
                _check_searcher(loaded.make)
            if kind == "schedulers":
                _check_scheduler(name)
            return
        if isinstance(option, str):
            assert sys.modules[loaded.build.__module__].__doc__, "the file of an option begins with what it is"
        _check_space(loaded.space)
        if loaded.absent:
            raise NotApplicable(
                f"'{name}' of {kind} needs libraries that are not installed: {', '.join(loaded.absent)}."
            )
        if kind in KIND_OF:
            for target in targets:
                _check_family(kind, name, target)
        else:
            _CHECKS[kind](loaded, targets)


@contextmanager
def _by_name(kind: str, option: Any) -> Iterator[str]:
    """Give an option that is no name one, as everything finds options by their names."""
    if isinstance(option, str):
        yield option
        return
    module = ModuleType(f"automl_checked_{next(_numbers)}")
    module.OPTION = option  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    try:
        yield f"{module.__name__}:OPTION"
    finally:
        del sys.modules[module.__name__]


def _draws(space: Space, n: int = N_DRAWS, seed: int = 0) -> Iterator[Params]:
    """Yield the defaults of ``space``, then ``n`` random draws."""
    rng = np.random.default_rng(seed)
    yield draw(space, Defaults())
    for _ in range(n):
        yield draw(space, Random(rng))


def _check_space(space: Space) -> None:
    for drawn in _draws(space):
        assert validate(space, drawn) == drawn


def _check_family(kind: str, name: str, target: TargetKind) -> None:
    family: Family = registry.load(kind, name)
    task = make_task(KIND_OF[kind], target)
    own = {} if name in registry.names(kind) else {kind: [name]}
    families = task_space(task, SpaceConfig(plugins=own))["family"]
    assert isinstance(families, Choice)
    if target not in family.targets:
        assert name not in families.options
        return
    assert name in families.options, f"it is for {target} targets, and there is no space of it for one"
    space = {"family": Choice({name: families.options[name]})}
    for drawn in itertools.islice(_draws(space, N_BUILDS, seed=1), 1, None):
        build(drawn, task.problem)
    params = draw(space, Defaults())
    epochs = f"family.{name}.epochs"
    _check_fit(task, params | ({epochs: EPOCHS} if family.network is not None else {}))


def _check_fit(task: Task, params: Params) -> None:
    """Fit on every fold, predict, pickle and export."""
    candidate = Candidate("0", params)
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        store = ModelStore(folder)
        *running, last = FitFolds(task, store)(candidate, 1, None)
        assert all(t.status == "running" for t in running)
        assert last.status == "finished"
        kept = KeptTrials(store, task.valid_rows, task.n_rows)
        assert kept.offer(last)
        oof, model = kept.predictions("0"), kept.model("0", 0)
    assert len(last.fold_scores) == len(task.splits)
    progress = [r.progress for r in last.reports]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    assert np.isfinite(oof).all()
    if task.target.is_classification:
        np.testing.assert_allclose(oof.sum(axis=1), 1, atol=1e-4)
    if task.target.quantiles:
        assert (np.diff(oof, axis=1) >= 0).all(), "quantiles of one row are in ascending order"
        assert oof.std(axis=0).min() > 0, "quantiles follow the rows"

    valid = task.splits[0][1]
    again = model.predict(task.data.x.take(valid))
    np.testing.assert_allclose(again, oof[valid], rtol=1e-4, atol=1e-4)
    members = [Member("0", candidate.family, 0, 1.0, model, valid, oof[valid])]
    check_export(task, members)
    one = task.data.x.take(slice(0, 1))
    assert predict(task, members, one).shape == (1, task.target.width)
    if model.refits:
        whole = build(params, task.problem)
        assert list(whole.refit(task.data, [model], task.n_rows / len(task.splits[0][0])))[-1] == 1.0
        check_export(task, [Member("0", candidate.family, None, 1.0, whole, valid, oof[valid])])


def _check_step(step: Step, targets: Collection[TargetKind]) -> None:
    for kind, target in itertools.product(("table", "text"), targets):
        task = make_task(kind, target)
        for params in _draws(step.space, N_BUILDS) if has_input(step, task.problem) else ():
            try:
                made = step.build(params, task.problem)
            except NotApplicable:
                continue
            train, valid = task.fold(0)
            assert len(made.fit_transform(train.x, train.y)) == len(train)
            fitted = pickle.loads(pickle.dumps(made))
            for x in (valid.x, valid.x.take(slice(0, 1))):
                expected = _dense(fitted.transform(x))
                answer = _run_step(fitted, x)
                assert answer.keys() == expected.keys()
                for part, values in expected.items():
                    np.testing.assert_allclose(answer[part], values, rtol=1e-4, atol=1e-4)


def _run_step(step: Any, x: Rows) -> dict[str, np.ndarray]:
    """Answer with the graph of a step alone."""
    graph, given = Graph(), _dense(x)
    inputs = {part: graph.input(part, values.dtype, values.shape[1:]) for part, values in given.items()}
    outputs = {f"{part}_out": graph.cast(tensor, np.float32) for part, tensor in step.to_onnx(graph, inputs).items()}
    session = open_session(graph.model(outputs).SerializeToString(), threads=1)
    answers = session.run(None, {i.name: given[i.name] for i in session.get_inputs()})
    return {name.removesuffix("_out"): answer for name, answer in zip(outputs, answers, strict=True)}


def _dense(x: Rows) -> dict[str, np.ndarray]:
    parts = {part: values.toarray() if sp.issparse(values) else values for part, values in x.parts().items()}
    whole = ("categories", "subwords")
    return {part: values.astype(np.int64 if part in whole else np.float32) for part, values in parts.items()}


def _check_loss(loss: Loss, targets: Collection[TargetKind]) -> None:
    import torch

    for target in [t for t in targets if t in loss.targets]:
        task = make_task("table", target)
        y = torch.from_numpy(task.data.y if task.target.is_classification else task.data.y.astype(np.float32))
        for params in _draws(loss.space):
            width = max(task.target.width, loss.outputs)
            scores = torch.randn(len(y), width, generator=torch.manual_seed(0)).requires_grad_()
            built = loss.build(params, task.problem)
            per_row = built(scores, y)
            assert per_row.shape == (len(y),), "a loss is one number per row"
            per_row.mean().backward()
            assert per_row.isfinite().all()
            assert scores.grad is not None
            assert scores.grad.isfinite().all()
            _check_gradient(
                built, scores.detach()[:8].double(), y[:8] if task.target.is_classification else y[:8].double()
            )


def _check_gradient(loss: Callable[[Any, Any], Any], scores: Any, y: Any) -> None:
    """Hold the gradient of a loss against central differences, in float64."""
    import torch

    scores.requires_grad_()
    loss(scores, y).sum().backward()
    with torch.no_grad():
        steps = 1e-6 * torch.eye(scores.shape[1], dtype=scores.dtype)
        differences = torch.stack([(loss(scores + h, y) - loss(scores - h, y)) / 2e-6 for h in steps], dim=1)
    torch.testing.assert_close(scores.grad, differences, rtol=1e-3, atol=1e-5)


def _check_optimizer(option: Option, targets: Collection[TargetKind]) -> None:
    import torch

    for params in _draws(option.space):
        weight = torch.nn.Parameter(torch.ones(3, 2))
        bias = torch.nn.Parameter(torch.ones(2))
        optimizer = option.build(params, [{"params": [weight]}, {"params": [bias], "weight_decay": 0.0}])
        for _ in range(3):
            optimizer.zero_grad()
            (weight.square().sum() + bias.square().sum()).backward()
            optimizer.step()
        assert weight.isfinite().all()
        assert not torch.equal(weight, torch.ones(3, 2)), "an optimizer moves the weights"


def _check_schedule(option: Option, targets: Collection[TargetKind]) -> None:
    import torch

    for params in _draws(option.space):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
        schedule = option.build(params, optimizer, 20)
        rates = []
        for _ in range(20):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        assert min(rates) >= 0
        assert 0 < max(rates) <= 0.1 + 1e-9, "a schedule keeps to the learning rate that the optimizer has"


class _Unknown:
    """A model that no compressor knows."""

    def fit(self, train: Any, valid: Any) -> Iterator[float]:
        yield 1.0

    def predict(self, x: Rows) -> np.ndarray:
        return np.zeros(len(x))

    def to_onnx(self, graph: Graph, inputs: Mapping[str, str]) -> str:
        return ""


def _check_compressor(option: Option, targets: Collection[TargetKind]) -> None:
    task = make_task("table", "regression")
    for params in _draws(option.space, N_BUILDS):
        assert option.build(params, task.problem).compress(_Unknown(), task.data) is None, (
            "it leaves alone what it does not know"
        )


def _check_configuration(kind: str, name: str) -> None:
    for key, default in options.configuration(kind, name).items():
        assert _is_plain(default), f"the default of '{key}' can be written in a configuration"


def _is_plain(value: Any) -> bool:
    return (
        all(map(_is_plain, value)) if isinstance(value, list | tuple) else isinstance(value, str | float | int | None)
    )


def _check_searcher(make: Callable[[Space, int], Any]) -> None:
    """It asks within the space, and goes on from trials it never asked for."""
    tree: Space = {"family": Choice({"a": {"x": Float(0, 1)}, "b": {"n": Int(1, 4), "k": Choice(["u", "v"])}})}
    first = make(tree, 0)
    trials: list[Trial] = []
    for number in range(12):
        params = first.ask(number)
        if params is None:
            assert number > 0
            break
        assert validate(tree, params) == params
        score = float(number)
        folds, reports = (FoldRef(0, score),), (Report(1.0, score, 1.0),)
        trials.append(Trial(Candidate(str(number), params), "finished", {"score": score}, folds, reports, 1.0))
        first.tell(trials[-1])
    # The same trials give the same proposals; and a resumed run tells what was never asked.
    second, resumed = make(tree, 0), make(tree, 0)
    for told in trials:
        assert second.ask(int(told.candidate.id)) == told.candidate.params
        second.tell(told)
        resumed.tell(told)
    params = resumed.ask(len(trials))
    assert params is None or validate(tree, params) == params


def _check_scheduler(name: str) -> None:
    """It answers for every trial that runs or has ended, whatever it scores. One that pauses trials needs Ray Tune."""
    make = registry.load("schedulers", name).make
    given = {"space": {"x": Float(0, 1)}}
    asked = inspect.signature(make).parameters
    made = make(*[value for key, value in given.items() if key in asked])
    if made is None or pauses({"name": name}):
        return
    is_ours = hasattr(made, "on_report")
    decider = made if is_ours else RayScheduler(made)
    n_folds, scores = 5, [0.5, 0.7, 0.5, -1e300, 0.9, 0.1, 0.6, *([float("nan")] if is_ours else [])]

    def snapshot(number: int, done: int, status: Status) -> Trial:
        score = scores[number % len(scores)]
        folds = tuple(FoldRef(fold, score) for fold in range(done))
        reports = tuple(Report((fold + 1) / n_folds, score, fold + 1.0) for fold in range(done))
        return Trial(Candidate(str(number), {"x": number / 100}), status, {"score": score}, folds, reports, done)

    # Some are only seen at their end: those of an earlier process.
    for number in range(30):
        done, decision = 0, "continue"
        while decision == "continue" and done < n_folds - 1 and number >= 5:
            done += 1
            decision = decider.on_report(snapshot(number, done, "running"))
            assert decision in ("continue", "stop"), f"it decided {decision!r}, and does not say that it pauses trials"
        status: Status = "stopped" if decision == "stop" else "failed" if number % 7 == 0 else "finished"
        decider.on_report(snapshot(number, n_folds if decision == "continue" else done, status))


_CHECKS: dict[str, Callable[[Any, Collection[TargetKind]], None]] = {
    "features": _check_step,
    "losses": _check_loss,
    "optimizers": _check_optimizer,
    "schedules": _check_schedule,
    "compressors": _check_compressor,
}


@cache
def make_task(kind: str, target: str, n: int = 120) -> Task:
    """Return a learnable task with ``n`` rows; tables have missing values, categories and dates."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=n)
    codes = np.digitize(signal, [0.0] if target == "binary" else [-0.6, 0.6])
    numbers = target in ("regression", "quantiles")
    y = 3 * signal + 10 if numbers else np.array(["no", "yes", "maybe"])[codes]
    x = {"table": _table, "image": _images, "sequence": _sequences, "text": _texts}[kind](rng, signal, codes)
    what: dict[str, Any] = {"quantiles": QUANTILES} if target == "quantiles" else {"target_kind": target}
    return from_arrays(x, y, kind=kind, **what, folds=2, seed=0)


def _table(rng: np.random.Generator, signal: np.ndarray, codes: np.ndarray) -> Any:
    import pandas as pd

    n = len(signal)
    number = signal + rng.normal(scale=0.3, size=n)
    number[rng.random(n) < 0.1] = np.nan
    colour = np.array(["red", "green", "blue"], object)[codes]
    colour[rng.random(n) < 0.1] = None
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    return pd.DataFrame(
        {
            "number": number,
            "noise": rng.normal(size=n) * 1000,
            "count": rng.integers(0, 50, n),
            "colour": colour,
            "flag": rng.random(n) > 0.5,
            "day": days.strftime("%Y-%m-%d"),
        }
    )


def _images(rng: np.random.Generator, signal: np.ndarray, codes: np.ndarray) -> np.ndarray:
    images = rng.integers(0, 60, (len(signal), 10, 10, 3)).astype(np.uint8)
    for i, strength in enumerate(signal):
        images[i, :, : 5 + int(2 * np.clip(strength, -2, 2))] += 120
    return images


def _sequences(rng: np.random.Generator, signal: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return (signal[:, None, None] + rng.normal(scale=0.5, size=(len(signal), 12, 3))).astype(np.float32)


def _texts(rng: np.random.Generator, signal: np.ndarray, codes: np.ndarray) -> Any:
    import pandas as pd

    common = ["the", "and", "of", "with", "some", "other", "words", "here", "there", "where"]
    texts = [" ".join([*rng.choice(common, 6), *rng.choice(_WORDS[int(c)].split(), 3)]) for c in codes]
    return pd.DataFrame({"message": texts})
