"""Hard limits: nothing over them is trained, where that is known beforehand, and nothing over them is shipped."""

import contextlib
import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from automl import options
from automl.assemble import SpaceConfig, build, is_network, task_space
from automl.errors import ConfigError, LimitError, TrialError
from automl.export import measure
from automl.export.config import CompressConfig, ShipConfig
from automl.export.member import members_of
from automl.export.ship import choose_within, ship
from automl.goals import COUNTED, LIMITABLE, Goals, limits_of
from automl.kept import KeptTrials
from automl.limits import KnownSizes
from automl.proposals import Proposals
from automl.schedulers._limited import limited
from automl.schedulers._ray import RayScheduler
from automl.search import Search, no_model_reasons
from automl.search_config import SearchConfig, make_runner
from automl.space import Choice, Defaults, Float, Params, Random, draw
from automl.task import Rows, Task
from automl.training import sizes
from automl.training.objective import FitFolds
from automl.types import Candidate, Trial
from tests.simulation import N_FOLDS, with_folds
from tests.tasks import defaults, kept_trials, make
from tests.trials import trial


class Two(nn.Module):
    """A convolution and a linear layer, whose costs are known."""

    inputs = ("image",)

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4 * 64, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.out(self.conv(image.permute(0, 3, 1, 2)).flatten(1))


def test_sizes_are_those_of_the_layers() -> None:
    row = Rows(image=np.zeros((1, 8, 8, 1), np.uint8))
    assert sizes.of_module(Two(), row) == {"parameters": 4 * 9 + 4 + 2570, "multiply_adds": 64 * 36 + 2560}


def test_random_candidates_are_brought_within_the_limits() -> None:
    task = make("image", "multiclass")
    space, rng = task_space(task), np.random.default_rng(0)
    limits = {"parameters": 30_000.0, "multiply_adds": 200_000.0}
    within = KnownSizes(task, Goals(limits=limits)).within
    changed = 0
    for _ in range(4):
        drawn = draw(space, Random(rng))
        found = within(space, drawn, rng)
        if found is not None:
            changed += found != drawn
            costs = build(found, task.problem).model.sizes(task.data.x.take(slice(0, 2)))  # type: ignore[attr-defined]
            assert all(costs[name] <= limit for name, limit in limits.items())
    assert changed


@pytest.mark.parametrize("family", ["realmlp", "mlp"])
@pytest.mark.parametrize("limit", [{"parameters": 1_500.0}, {"parameters": 20_000.0}, {"bytes": 9_000.0}])
def test_networks_behind_steps_that_learn_are_brought_within_with_what_these_keep(
    family: str, limit: dict[str, float]
) -> None:
    task = make("table", "multiclass")
    space, rng = task_space(task, SpaceConfig({"tables": [family]})), np.random.default_rng(0)
    within = KnownSizes(task, Goals(limits=limit), compresses=False).within
    found = [within(space, draw(space, Random(rng)), rng) for _ in range(4)]
    small = [params for params in found if params is not None]
    assert len(small) > 2
    for params in small[:2]:
        model = build({**params, f"family.{family}.epochs": 1}, task.problem)
        list(model.fit(*task.fold(0)))
        values = measure.measured(task, model, ["parameters", "bytes"])
        assert values["parameters"] <= limit.get("parameters", values["parameters"])
        assert values["bytes"] <= 1.3 * limit.get("bytes", values["bytes"])  # known nearly


def test_every_other_candidate_is_as_large_as_compression_could_bring_within() -> None:
    task = make("image", "multiclass")
    space, rng = task_space(task), np.random.default_rng(0)
    known = KnownSizes(task, Goals(limits={"bytes": 30_000.0}))
    start = draw(space, Defaults())
    sizes = [known._of(found)["bytes"] for _ in range(4) if (found := known.within(space, start, rng)) is not None]
    assert max(sizes[::2]) <= 30_000 < min(sizes[1::2]) <= max(sizes[1::2]) <= 30_000 / 0.35 + 4_000


def test_what_cannot_be_brought_within_is_not_tried_and_the_nearest_is_known() -> None:
    task = make("image", "multiclass")
    known = KnownSizes(task, Goals(limits={"parameters": 3.0}))
    space, rng = task_space(task), np.random.default_rng(0)
    assert known.within(space, draw(space, Random(rng)), rng) is None
    assert known.nearest["parameters"] > 3


def test_a_network_over_a_limit_is_not_trained() -> None:
    task = make("image", "multiclass")
    params = defaults(task, "conv_stages")
    assert params is not None
    limited = replace(task, problem=replace(task.problem, limits={"parameters": 1000}))
    with pytest.raises(TrialError, match=r"limits.parameters is 1,000; this network has .* was not trained"):
        list(FitFolds(limited)(Candidate("0", params), 1, None))


def test_what_can_hardly_be_brought_within_becomes_like_the_smallest() -> None:
    task = make("sequence", "multiclass")
    known = KnownSizes(task, Goals(limits={"parameters": 1500.0}))
    space, rng = task_space(task), np.random.default_rng(0)
    found = [known.within(space, draw(space, Random(rng)), rng) for _ in range(12)]
    within = [params for params in found if params is not None]
    assert len(within) > 3
    assert all(known._of(params).get("parameters", 0) <= 1500 for params in within)


def test_what_need_not_be_made_smaller_comes_first() -> None:
    task = make("table", "multiclass")
    config = SearchConfig(seconds=None, trials=20, goals=Goals(limits={"parameters": 3_000.0}))
    candidates = list(Search(task, config, make_runner(config)).searcher._starts)
    networks = [is_network(start["family"], task) for start in candidates]
    assert True in networks
    assert networks == sorted(networks)


def test_no_candidate_is_looked_for_when_the_time_is_up() -> None:
    task = make("image", "multiclass")
    space, rng = task_space(task), np.random.default_rng(0)
    known = KnownSizes(task, Goals(limits={"parameters": 3.0}), until=time.time())
    began = time.time()
    assert [known.within(space, draw(space, Random(rng)), rng) for _ in range(5)] == [None] * 5
    assert time.time() - began < 5


@pytest.mark.parametrize("name", ["asha", "race"])
def test_the_scheduler_compares_the_small_with_the_small(name: str) -> None:
    scheduler = limited(lambda: made_alone(name), Goals(limits={"bytes": 100.0}))
    assert scheduler is not None

    def decision(id: int, score: float, n_bytes: float, status: Any = "running") -> str:
        n_folds = N_FOLDS if status == "finished" else 2
        one = with_folds(Candidate(str(id), {"family": "a"}), [score + 0.01 * k for k in range(n_folds)], status)
        return scheduler.on_report(replace(one, values={**one.values, "bytes": n_bytes}))

    for id in range(6):
        decision(id, 0.9, 150.0)
        decision(id, 0.9, 150.0, "finished")
    assert decision(10, 0.5, 90.0) == "continue"  # the best of those within the limits
    assert decision(11, 0.5, 150.0) == "stop"  # others that are beyond them are better
    assert decision(12, 0.95, 1000.0) == "stop"  # no compression brings it within
    for id in range(20, 26):
        decision(id, 0.6, 90.0)
        decision(id, 0.6, 90.0, "finished")
    assert decision(30, 0.4, 90.0) == "stop"


def made_alone(name: str) -> Any:
    made = options.make("schedulers", {"name": name})
    return made if hasattr(made, "on_report") else RayScheduler(made)


def test_what_came_nearest_is_said_of_trials_that_left_nothing() -> None:
    config = SearchConfig(goals=Goals(limits={"bytes": 100.0}))
    trials = [trial(Candidate(str(n), {}), 0.5, "stopped", values={"bytes": float(n)}) for n in (900, 400, 700)]
    assert "What came nearest, trial 400: bytes 400 (limit 100)" in no_model_reasons(trials, config)


def test_the_searcher_learns_that_what_is_beyond_a_limit_is_bad() -> None:
    told: list[Trial] = []

    class Listener:
        def ask(self, number: int) -> Params:
            return {"family": "a", "family.a.x": number / 100}

        def tell(self, trial: Trial) -> None:
            told.append(trial)

    space = {"family": Choice({"a": {"x": Float(0, 1)}})}
    proposals = Proposals(lambda space, n: Listener(), space, goals=Goals(limits={"bytes": 100.0}))
    for n_bytes in (99.0, 200.0, 101.0):
        candidate = proposals.ask()
        assert candidate is not None
        proposals.tell(trial(candidate, -1e9, values={"bytes": n_bytes}))
    assert [t.candidate.id for t in Goals().rank(told)] == ["0", "2", "1"]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, KeptTrials]:
    """Trials of three families on a table of three folds, with all their values."""
    task = make("table", "binary")
    families, measured = ("linear", "decision_tree", "mlp"), partial(measure.measured, names=LIMITABLE)
    return task, kept_trials(task, tmp_path_factory.mktemp("limits"), *families, measured=measured)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_that_is_shipped_is_beyond_random_limits(
    seed: int, tried: tuple[Task, KeptTrials], tmp_path: Path
) -> None:
    task, kept = tried
    rng = np.random.default_rng(seed)
    seen = [kept.trial(id).values for id in kept.ids()]
    names = rng.choice(LIMITABLE, rng.integers(1, 3), replace=False)
    kept.goals = Goals(limits={str(n): float(np.median([v[n] for v in seen]) * rng.uniform(0.3, 6)) for n in names})
    config = ShipConfig(compress=CompressConfig(options=("quantize_int8", "trim_trees")))
    notes: list[str] = []
    with contextlib.suppress(LimitError):
        chosen, (model,) = ship(task, kept, tmp_path, config, float("inf"), notes.append)
        manifest = json.loads((model.path / "manifest.json").read_text())
        values = {
            "bytes": float((model.path / "model.onnx").stat().st_size),
            "row_ms": manifest["latency_ms"]["graph_p50"],
        }
        members = members_of(task, kept, chosen.weights, chosen.n_folds)
        values |= measure.of_members(task, members, COUNTED)
        assert kept.goals.excess(values) <= 1, notes
        assert len(model.members) == len(members)
        return
    assert not (tmp_path / "model").exists()


def test_where_nothing_fits_what_came_nearest_is_said(tried: tuple[Task, KeptTrials], tmp_path: Path) -> None:
    task, kept = tried
    kept.goals = Goals(limits={"bytes": 50.0})
    with pytest.raises(LimitError, match=r"Nothing that was found is within the limits. .* bytes [\d,]+ \(limit 50\)"):
        ship(task, kept, tmp_path, ShipConfig(), float("inf"), lambda note: None)
    with pytest.raises(LimitError, match="What came nearest, trial"):
        choose_within(task, kept, ShipConfig(), lambda note: None)
    assert list(tmp_path.iterdir()) == []


def test_of_several_folds_as_many_are_shipped_as_fit(tried: tuple[Task, KeptTrials], tmp_path: Path) -> None:
    task, kept = tried
    linear = next(id for id in kept.ids() if kept.trial(id).candidate.family == "linear")
    kept.goals = Goals(limits={"parameters": 1.5 * kept.trial(linear).values["parameters"]})
    config = ShipConfig(compress=CompressConfig(options=()))
    chosen, (model,) = ship(task, kept, tmp_path, config, float("inf"), lambda note: None)
    assert len(kept.trial(next(iter(chosen.weights))).folds) == 2
    assert chosen.n_folds == len(model.members) == 1


@pytest.mark.parametrize("wrong", [0, -1, "many", True, float("inf")])
def test_a_limit_is_a_number_above_0(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"limits\.bytes is a number greater than zero"):
        limits_of({"bytes": wrong})
    assert limits_of({"bytes": 10, "row_ms": None}) == {"bytes": 10.0}
