"""Search for one's own functions and modules: what is proposed, reported, ended early, and handed back."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from automl import registry
from automl.assemble import training_for, training_space
from automl.errors import ConfigError, DataError, SpaceError, TrialError, UnknownNameError
from automl.space import Choice, Float, Int, Params, Repeat, validate
from automl.tuner import maximize, search_function
from automl.tuner.function import Reports
from automl.tuner.module import FoundModule

SPACE = {"x": Float(-5, 5, default=4), "shape": Choice({"bowl": {}, "tilted": {"slope": Float(0, 1)}})}
SMALL = {"epochs": 3, "optimizer": {"options": ["adamw"]}, "loss": {"options": ["cross_entropy", "squared"]}}


def value(params: Params) -> float:
    return -((params["x"] - 1) ** 2) - params.get("shape.tilted.slope", 0.5)


@pytest.mark.parametrize("searcher", [name for name in registry.names("searchers") if name != "grid"])
def test_a_search_begins_at_the_defaults_repeats_itself_and_gets_better(searcher: str) -> None:
    found = [maximize(value, SPACE, searcher=searcher, trials=25, seed=3) for _ in range(2)]
    assert [t.candidate.params for t in found[0].ended] == [t.candidate.params for t in found[1].ended]
    assert found[0].ended[0].candidate.params == {"x": 4.0, "shape": "bowl"}
    assert found[0].score == value(found[0].params) == max(value(t.candidate.params) for t in found[0].ended)
    assert found[0].score > -9.5
    assert validate(SPACE, found[0].params) == found[0].params


def test_reports_let_a_scheduler_end_what_is_weak() -> None:
    def climbing(params: Params) -> Reports:
        for step in range(1, 11):
            yield step / 10, value(params) * (1 + 1 / step)
        return {"slope": params.get("shape.tilted.slope")}

    found = maximize(climbing, SPACE, scheduler={"name": "asha", "grace_percent": 20}, trials=30)
    table = found.trials
    assert set(table["status"]) == {"finished", "stopped"}
    assert table["progress"].between(0.2, 1).all()
    assert (table[table["status"] == "finished"]["progress"] == 1).all()
    assert table.iloc[0]["score"] == found.score
    assert found.value == {"slope": found.params.get("shape.tilted.slope")}
    everything = maximize(climbing, SPACE, scheduler="none", trials=5)
    assert set(everything.trials["status"]) == {"finished"}


def test_what_fails_is_a_failed_trial_unless_all_do() -> None:
    def fragile(params: Params) -> float:
        if params["x"] < 0:
            raise ValueError("too low")
        return math.nan if params["x"] > 4.5 else value(params)

    table = maximize(fragile, SPACE, trials=30, searcher="random").trials
    failed = table[table["status"] == "failed"]
    assert ((failed["x"] < 0) | (failed["x"] > 4.5)).all()
    assert (table["status"] == "finished").sum() + len(failed) == 30
    assert set(failed[failed["x"] < 0]["failure"]) == {"ValueError: too low"}
    with pytest.raises(TrialError, match=r"None of 3 trials has a score: .*not finite"):
        maximize(lambda _: math.inf, SPACE, trials=3)


@pytest.mark.parametrize(
    ("error", "words", "given"),
    [
        (UnknownNameError, "Did you mean 'random'", {"searcher": "randon"}),
        (UnknownNameError, "Did you mean 'asha'", {"scheduler": "ascha"}),
        (UnknownNameError, "Did you mean 'inline'", {"runner": "inlined"}),
        (ConfigError, "needs an end", {"trials": None}),
        (ConfigError, "no clock is exact", {"deterministic": True, "seconds": 3}),
        (SpaceError, "at least one", {"space": {}}),
        (SpaceError, "'x' is one of Float", {"space": {"x": 3}}),
        (TrialError, r"yields \(progress, score\)", {"function": lambda _: iter_of([0.5])}),
        (TrialError, "greater than 0", {"function": lambda _: iter_of([(2, 0.5)])}),
        (TrialError, "yielded nothing", {"function": lambda _: iter_of([])}),
        (TrialError, "is a number", {"function": lambda _: "good"}),
    ],
)
def test_what_is_wrong_is_said(error: type[Exception], words: str, given: dict[str, Any]) -> None:
    with pytest.raises(error, match=words):
        maximize(**{"function": value, "space": SPACE, "trials": 2} | given)


def iter_of(steps: list[Any]) -> Iterator[Any]:
    yield from steps


def test_worker_processes_try_the_same_and_hand_back_what_is_returned() -> None:
    factor = 2.0  # a closure travels

    def reporting(params: Params) -> Reports:
        yield 1.0, factor * value(params)
        return params["x"]

    given: dict[str, Any] = {"space": SPACE, "trials": 12, "deterministic": True}
    here = maximize(reporting, **given)
    there = maximize(reporting, runner={"name": "processes", "workers": 2}, **given)
    assert sorted(map(str, (t.candidate for t in here.ended))) == sorted(map(str, (t.candidate for t in there.ended)))
    assert here.value == there.value == here.params["x"]


def rows(n: int = 150, kind: str = "classes") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4))
    signal = x[:, 0] + 0.5 * x[:, 1] ** 2
    return x, 1000 + 50 * signal if kind == "values" else np.where(signal > 0.5, "yes", "no")


LAYERS = {"layers": Repeat({"width": Int(4, 16)}, Int(1, 2)), "act": Choice(["relu", "tanh"])}


def build(params: Params, width: int = 2) -> nn.Module:
    sizes = [4, *(params[f"layers.{i}.width"] for i in range(params["layers.n"]))]
    act = {"relu": nn.ReLU, "tanh": nn.Tanh}[params["act"]]
    hidden = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), act())]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], width))


def test_modules_of_ones_own_trained_by_our_loop() -> None:
    x, y = rows()
    found = search_function(build, LAYERS, x, y, training=SMALL, trials=4, metric="accuracy", folds=2)
    assert isinstance(found, FoundModule)
    assert set(found.trials["status"]) <= {"finished", "stopped"}
    assert found.trials["score"].iloc[0] == found.score
    assert {"layers.n", "training.optimizer"} <= set(found.params)
    assert found.params["training.epochs"] == 3
    scores = found.module(torch.tensor(x, dtype=torch.float32))
    assert scores.shape == (150, 2)
    np.testing.assert_allclose(found.predict_proba(x), scores.softmax(dim=1).detach().numpy(), rtol=1e-4)
    assert set(found.predict(x)) <= {"yes", "no"}
    again = search_function(build, LAYERS, x, y, training=SMALL, trials=4, metric="accuracy", folds=2)
    assert again.params == found.params


def test_values_are_learnt_standardised_and_answered_on_their_scale() -> None:
    x, y = rows(kind="values")
    training = {**SMALL, "epochs": 30, "optimizer": {"options": ["adamw"], "adamw": {"lr": 0.02}}}
    found = search_function(
        lambda params: nn.Sequential(build(params, 1), nn.Flatten(0)),
        LAYERS,
        torch.tensor(x),
        torch.tensor(y),
        training=training,
        trials=2,
        validation=(x[:30], y[:30]),
    )
    assert isinstance(found, FoundModule)
    assert np.abs(found.predict(x) - y).mean() < np.abs(y - y.mean()).mean()
    with pytest.raises(AttributeError):
        found.predict_proba(x)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float64, bool])
def test_batches_have_the_type_that_is_due(dtype: Any) -> None:
    seen = []

    class Sees(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(12, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append((x.dtype, x.shape[1:]))
            return self.out(x.flatten(1).float())

    x = np.random.default_rng(0).integers(0, 2, (60, 3, 2, 2)).astype(dtype)
    search_function(lambda params: Sees(), {"a": Int(1, 9)}, x, np.arange(60) % 2, training=SMALL, trials=1)
    assert set(seen) == {(torch.int64 if dtype is np.int32 else torch.float32, (3, 2, 2))}


def test_a_training_loop_of_ones_own() -> None:
    x, y = rows()
    shapes = set()

    def fit(module: nn.Module, params: Params, train: Any, valid: Any) -> Reports:
        shapes.add((len(train[0]), len(valid[0])))
        optimizer = torch.optim.SGD(module.parameters(), params["lr"])
        for epoch in range(5):
            inputs, labels = torch.tensor(train[0]).float(), torch.tensor(train[1] == "yes").long()
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(inputs), labels).backward()
            optimizer.step()
            right = module(torch.tensor(valid[0]).float()).argmax(1).numpy() == (valid[1] == "yes")
            yield (epoch + 1) / 5, right.mean()

    space = {**LAYERS, "lr": Float(1e-3, 1, log=True)}
    found = search_function(build, space, x, y, fit=fit, trials=5, folds=0.3)
    assert shapes == {(105, 45)}
    assert not found.module.training
    assert found.module(torch.tensor(x).float()).shape == (150, 2)
    with pytest.raises(ConfigError, match="of one's own"):
        search_function(build, space, x, y, fit=fit, training={"epochs": 3})


@pytest.mark.parametrize(
    ("error", "words", "given"),
    [
        (TrialError, r"of shape \(rows, 2\)", {"build_model": lambda p: build(p, 3)}),
        (TrialError, "returns a torch.nn.Module", {"build_model": lambda p: 3}),
        (DataError, "one row for each other", {"y": np.zeros(3)}),
        (DataError, "holds numbers", {"x": np.full((150, 2), "a")}),
        (SpaceError, "rename that", {"space": {"training": Int(1, 2)}}),
        (SpaceError, "Did you mean 'epochs'", {"training": {"epoch": 3}}),
        (ConfigError, "No loss", {"training": {"loss": {"options": ["squared"]}}}),
        (ConfigError, "rmse", {"metric": "rmse"}),
    ],
)
def test_what_is_wrong_with_a_module_is_said(error: type[Exception], words: str, given: dict[str, Any]) -> None:
    x, y = rows()
    with pytest.raises(error, match=words):
        search_function(**{"build_model": build, "space": LAYERS, "x": x, "y": y, "trials": 1} | given)


def test_a_module_of_ones_own_gives_one_output_for_a_value() -> None:
    def most_outputs(own_module: bool) -> int:
        space = training_for(training_space(), "regression", "training", own_module)
        assert space is not None
        losses = space["loss"]
        assert isinstance(losses, Choice)
        return max(registry.load("losses", str(name)).outputs for name in losses.options)

    assert most_outputs(own_module=True) == 1 < most_outputs(own_module=False)
