"""The benchmark of searchers: tables with holes, formulas with a known best, and a replay."""

import json
from pathlib import Path

import numpy as np
import pytest

from automl.space import Random, draw
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


@pytest.mark.parametrize("problem", synthetic(), ids=lambda p: p.name)
def test_nothing_is_better_than_the_best(problem: Problem) -> None:
    rng = np.random.default_rng(0)
    scores = [problem.score(draw(problem.space, Random(rng))) for _ in range(300)]
    assert all(s is not None and s <= problem.best for s in scores)
