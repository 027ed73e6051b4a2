"""The benchmark of searchers: tables with holes, formulas with a known best, and a replay."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from automl.space import Random, draw
from benchmarks.search.__main__ import option
from benchmarks.search.curves import Curves, recorded_curves, replay_curves
from benchmarks.search.problems import Problem, recorded, synthetic, tables
from benchmarks.search.replay import replay


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    entries = {"00": {"val_accuracy": 1.0}, "01": {"val_accuracy": None}, "10": None, "12": {"val_accuracy": 3.0}}
    (tmp_path / "cells.json").write_text(json.dumps(entries))
    (tmp_path / "curves.json").write_text("[]")
    return tmp_path


def test_what_a_table_lacks_is_invalid_and_curves_are_left_out(folder: Path) -> None:
    (problem,) = tables(folder)
    assert (problem.name, problem.best) == ("cells", 3.0)
    rows = [{"choice_0": a, "choice_1": b} for a in "01" for b in "012"]
    assert [problem.score(params) for params in rows] == [1.0, None, None, None, None, 3.0]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("name", ["gp", "evolution", "local_search", "random", "tpe"])
def test_a_replay_lives_with_invalid_candidates_and_the_end_of_a_space(folder: Path, name: str, workers: int) -> None:
    found = replay(recorded(folder / "cells.json"), {"name": name}, 0, 12, workers)
    assert len(found.curve) == 12
    assert found.curve == sorted(found.curve)
    assert found.curve[-1] == 3.0


@pytest.fixture
def curves(tmp_path: Path) -> Curves:
    """Sixty runs of 20 epochs, the better the nearer their rate is to 0.01; some end in NaN."""
    rng = np.random.default_rng(0)
    rates, decays = 10 ** rng.uniform(-5, 0, 60), 10 ** rng.uniform(-6, -1, 60)
    entries = []
    for rate, decay in zip(rates, decays, strict=True):
        losses = [1 - epoch / 20 / (1 + abs(math.log10(rate / 0.01))) for epoch in range(21)]
        if rate > 0.5:
            losses[7:] = [math.nan] * 14
        entries.append({"hp": {"rate": rate, "decay": decay}, "valid": {"loss": losses}})
    (tmp_path / "rates.json").write_text(json.dumps(entries))
    (tmp_path / "cells.json").write_text("{}")
    return recorded_curves(tmp_path / "rates.json")


def test_recorded_runs_stand_for_parts_of_the_space_of_about_the_same_size(curves: Curves) -> None:
    def spread() -> float:
        rng = np.random.default_rng(1)
        drawn = [curves.nearest(draw(curves.space, Random(rng)), np.ones(60, bool)) for _ in range(3000)]
        return float(np.bincount(drawn, minlength=60).std())

    even = spread()
    curves.__dict__["_handicaps"] = np.zeros(60)
    assert even < 0.6 * spread()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_scheduler_finds_more_for_the_same_epochs(curves: Curves, workers: int) -> None:
    def found(scheduler: str) -> float:
        ends = []
        for seed in range(8):
            course = replay_curves(curves, {"name": "random"}, option(scheduler), seed, 8, workers)
            assert len(course) == 8 * 20
            assert (np.diff(course[np.isnan(course).sum() :]) <= 0).all()
            ends.append(course[-1])
        return float(np.mean(ends))

    assert curves.best <= found("asha:grace_percent=5") < found("none")


def test_options_follow_the_name() -> None:
    assert option("asha:eta=2:grace_percent=12.5") == {"name": "asha", "eta": 2, "grace_percent": 12.5}


@pytest.mark.parametrize("problem", synthetic(), ids=lambda p: p.name)
def test_nothing_is_better_than_the_best(problem: Problem) -> None:
    rng = np.random.default_rng(0)
    scores = [problem.score(draw(problem.space, Random(rng))) for _ in range(300)]
    assert all(s is not None and s <= problem.best for s in scores)
