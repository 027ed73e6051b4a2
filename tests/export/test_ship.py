"""What is shipped: refused when it predicts something else, compressed only where the score allows."""

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import load
from automl.errors import ExportError
from automl.export import package
from automl.export.compress import CompressConfig, Compression
from automl.export.member import Member, normalised, validation_prediction, validation_score
from automl.export.ship import ShipConfig, choose, ship
from automl.leaderboard.outcomes import Outcomes
from automl.task import Batch, Rows, Task
from automl.training.objective import FitFolds
from automl.types import Candidate, Outcome, Trial
from tests.tasks import make
from tests.test_contracts import defaults


def fitted(task: Task, family: str, id: str) -> Trial:
    params = defaults(task, family)
    assert params is not None
    return list(FitFolds(task)(Candidate(id, params), 1, None))[-1]


class Liar:
    """Predicts well, and exports something else."""

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        yield 1.0

    def predict(self, x: Rows) -> np.ndarray:
        return np.tile(np.eye(self.n_classes)[0], (len(x), 1))

    def to_onnx(self, graph: Any, inputs: Mapping[str, str]) -> str:
        rows = graph.op("Shape", inputs["numeric"], start=0, end=1)
        width = graph.constant(np.array([self.n_classes], np.int64))
        return graph.op("Expand", graph.constant(np.float32(0.5)), graph.op("Concat", rows, width, axis=0))


class Broken(Liar):
    """Exports what onnxruntime does not know."""

    def to_onnx(self, graph: Any, inputs: Mapping[str, str]) -> str:
        return graph.op("NoSuchOperator", inputs["numeric"])


class Brittle(Liar):
    """Exports what it predicts, until it is compressed."""

    n_trees = 10

    def trimmed(self, n_trees: int) -> Liar:
        return Liar(self.n_classes)

    def to_onnx(self, graph: Any, inputs: Mapping[str, str]) -> str:
        rows = graph.op("Shape", inputs["numeric"], start=0, end=1)
        width = graph.constant(np.array([self.n_classes], np.int64))
        shape = graph.op("Concat", rows, width, axis=0)
        return graph.op("Expand", graph.constant(np.eye(self.n_classes, dtype=np.float32)[:1]), shape)


@pytest.fixture(scope="module")
def task() -> Task:
    return make("table", "binary")


@pytest.fixture
def outcomes(task: Task, tmp_path: Path) -> tuple[Outcomes, dict[str, Trial]]:
    kept, trials = Outcomes(tmp_path / "outcomes"), {}
    for id, family in enumerate(("linear", "decision_tree")):
        trial = fitted(task, family, str(id))
        kept.offer(trial)
        trials[str(id)] = trial
    return kept, trials


def perfect(task: Task, kind: type[Liar]) -> Trial:
    perfect = np.eye(task.n_classes)[task.data.y].astype(np.float32)
    models = tuple(pickle.dumps(kind(task.n_classes)) for _ in task.splits)
    candidate = Candidate("9", {"family": "liar"})
    return Trial(candidate, "finished", 1.0, (1.0, 1.0), outcome=Outcome(perfect, models))


@pytest.mark.parametrize("kind", [Liar, Broken])
def test_an_export_that_predicts_something_else_is_refused_and_the_next_best_taken(
    kind: type[Liar], task: Task, outcomes: tuple[Outcomes, dict[str, Trial]], tmp_path: Path
) -> None:
    kept, trials = outcomes
    trials["9"] = perfect(task, kind)
    kept.offer(trials["9"])
    assert kept.ids()[0] == "9"
    notes: list[str] = []
    config = ShipConfig(compress=CompressConfig(options=()))
    chosen, shipped = ship(task, kept, trials, tmp_path, config, float("inf"), notes.append)
    assert "9" not in chosen.weights
    assert any("refused for trial 9" in note for note in notes)
    assert {one.kind for one in shipped} == {"ensemble", "compact"}
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert manifest["parity"]["largest_difference"] < 1e-4
    assert not list(tmp_path.glob(".model-*")), "drafts are removed"


def test_compression_that_does_not_export_faithfully_is_left_out(task: Task, tmp_path: Path) -> None:
    constant = np.tile(np.eye(2, dtype=np.float32)[0], (task.n_rows, 1))
    outcome = Outcome(constant, tuple(pickle.dumps(Brittle(2)) for _ in task.splits))
    trial = Trial(Candidate("9", {"family": "liar"}), "finished", 0.5, (0.5, 0.5), outcome=outcome)
    kept = Outcomes(tmp_path / "outcomes")
    kept.offer(trial)
    notes: list[str] = []
    _, shipped = ship(task, kept, {"9": trial}, tmp_path, ShipConfig(), float("inf"), notes.append)
    assert any("without compression" in note for note in notes)
    assert [m["compression"] for m in shipped[0].members] == [[], []]
    assert list(shipped[0].scores) == ["validation roc_auc"]


def test_a_stopped_trial_joins_only_where_it_helps(task: Task, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = np.eye(2, dtype=np.float32)[task.data.y]
    noise = rng.dirichlet([1, 1], task.n_rows).astype(np.float32)

    def kept(partial: np.ndarray, complete: np.ndarray = 0.3 * truth + 0.7 * noise, n_weak: int = 0) -> list[str]:
        outcomes = Outcomes(tmp_path / str(rng.integers(1 << 30)))
        partial = partial.copy()
        partial[task.splits[1][1]] = np.nan
        weak = [(f"weak {i}", "finished", noise) for i in range(n_weak)]
        for id, status, prediction in (("0", "finished", complete), ("1", "stopped", partial), *weak):
            models = tuple(pickle.dumps(Liar(2)) for _ in range(2 if status == "finished" else 1))
            candidate = Candidate(id, {"family": "liar"})
            outcomes.offer(Trial(candidate, status, 0.5, outcome=Outcome(prediction, models)))
        return list(choose(task, outcomes, ShipConfig()).weights)

    assert "1" in kept(truth)
    assert "1" in kept(truth, n_weak=30), "also where many have seen all folds"
    assert kept(noise[::-1]) == ["0"]
    # Far better on one fold than on the other: a little better on one is no reason.
    uneven = np.where(np.isin(np.arange(task.n_rows), task.splits[1][1])[:, None], noise, 0.6 * truth + 0.4 * noise)
    assert kept(0.65 * truth + 0.35 * noise, uneven) == ["0"]


def test_the_compact_model_is_the_smallest_near_the_best(tmp_path: Path) -> None:
    task = make("table", "binary", n=160)  # of which the ensemble takes two candidates
    kept, trials = Outcomes(tmp_path / "outcomes"), {}
    for id, family in enumerate(("random_forest", "extra_trees", "linear")):
        trial = replace(fitted(task, family, str(id)), score=0.9 - 0.001 * id)
        kept.offer(trial)
        trials[str(id)] = trial
    for max_loss, family, score in ((0.005, "linear", 0.898), (0.0, "random_forest", 0.9)):
        config = ShipConfig(compress=CompressConfig(max_loss, ()))
        _, shipped = ship(task, kept, trials, tmp_path / family, config, float("inf"), lambda text: None)
        smallest = [m["family"] for m in shipped[1].members]
        assert (smallest, shipped[1].scores) == ([family], {"validation roc_auc": pytest.approx(score)})
        assert shipped[1].n_bytes < shipped[0].n_bytes


def test_a_row_is_answered_with_the_weight_of_the_candidate(task: Task) -> None:
    """Also where one of them has a single fold model and the other has two."""
    (_, first), (_, second) = task.splits

    def member(candidate: str, fold: int, index: np.ndarray, weight: float, says: float) -> Member:
        return Member(candidate, "liar", fold, weight, Liar(2), index, np.full((len(index), 2), says))

    members = [member("0", 0, first, 0.25, 1.0), member("0", 1, second, 0.25, 1.0), member("1", 0, first, 0.5, 0.0)]
    answered = validation_prediction(task, members)
    np.testing.assert_allclose(answered[first], 0.5)
    assert np.isnan(answered[second]).all()


def test_nothing_is_left_of_a_refused_export(task: Task, tmp_path: Path) -> None:
    index = task.splits[0][1]
    member = Member("9", "liar", 0, 1.0, Liar(2), index, np.zeros((len(index), 2)))
    with pytest.raises(ExportError, match="differs from its source"):
        package.export(task, [member], tmp_path / "model", "ensemble", {"validation roc_auc": 1.0})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["table", "image", "sequence", "text"])
def test_a_shipped_folder_answers_raw_rows_of_its_kind(kind: str, tmp_path: Path) -> None:
    task = make(kind, "multiclass")
    family = {"table": "lightgbm", "image": "conv_stages", "sequence": "recurrent", "text": "tfidf_linear"}[kind]
    trial = fitted(task, family, "0")
    kept = Outcomes(tmp_path / "outcomes")
    kept.offer(trial)
    ship(task, kept, {"0": trial}, tmp_path, ShipConfig(compact=False), float("inf"), lambda text: None)
    raw: Any = dict(task.sample)
    answered = load(tmp_path / "model").predict_proba(
        raw.get("x") if kind in ("image", "sequence") else pd.DataFrame(raw)
    )
    assert answered.shape == (len(task.sample_index), 3)
    assert (answered.argmax(axis=1) == task.data.y[task.sample_index]).mean() > 0.4


def test_it_needs_only_numpy_and_onnxruntime(
    task: Task, outcomes: tuple[Outcomes, dict[str, Trial]], tmp_path: Path
) -> None:
    kept, trials = outcomes
    ship(task, kept, trials, tmp_path, ShipConfig(compact=False), float("inf"), lambda text: None)
    pd.DataFrame(dict(task.sample)).to_csv(tmp_path / "rows.csv", index=False)
    blocked = ("automl", "pandas", "scipy", "sklearn", "torch", "onnx", "lightgbm", "catboost", "ray", "optuna")
    code = f"""
import runpy, sys
for name in {blocked}:
    sys.modules[name] = None
sys.argv = ["predict.py", "rows.csv", "-o", "out.csv"]
runpy.run_path("model/predict.py", run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = pd.read_csv(tmp_path / "out.csv")
    expected = load(tmp_path / "model").predict(pd.DataFrame(dict(task.sample)))
    assert answers["prediction"].tolist() == list(expected)


def test_compression_keeps_the_strongest_that_stays_within_the_loss(task: Task) -> None:
    trial = fitted(task, "random_forest", "0")
    assert trial.outcome is not None
    index = task.splits[0][1]
    model = pickle.loads(trial.outcome.models[0])
    member = Member("0", "random_forest", 0, 1.0, model, index, trial.outcome.predictions[index])
    before = validation_score(task, [member])
    config = CompressConfig(max_loss=0.5, options=("trim_trees",))
    (smaller,), change = Compression(task, config).apply([member], float("inf"))
    assert smaller.compression == ("trim_trees(share=0.4)",)
    assert smaller.model.model.n_trees < model.model.n_trees
    assert validation_score(task, [smaller]) == pytest.approx(before + change)
    assert change >= -0.5 * before
    perfect = replace(member, prediction=np.eye(2)[task.data.y[index]])
    lossless = CompressConfig(max_loss=0.0, options=("trim_trees",))
    assert Compression(task, lossless).apply([perfect], float("inf")) == ([perfect], 0.0)
    late = Compression(task, config)
    assert late.apply([member], 0.0) == ([member], 0.0), "nothing is tried after the deadline"
    assert late.apply([member], float("inf"))[0][0].compression, "and it is tried where there is time again"


def test_weights_are_normalised(task: Task) -> None:
    index = task.splits[0][1]
    members = [Member(str(i), "x", 0, w, Liar(2), index, np.zeros((len(index), 2))) for i, w in enumerate((1.0, 3.0))]
    assert [m.weight for m in normalised(members)] == [0.25, 0.75]
