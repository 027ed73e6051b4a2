"""What is shipped: refused when it predicts something else, compressed only where the score allows."""

import importlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import ensemble, load, registry
from automl.clock import AT_LEAST, seconds_to_export
from automl.data import from_arrays
from automl.errors import ExportError
from automl.export import measure, package
from automl.export.choose import Ensemble, choose, out_of_fold, score_of
from automl.export.compact import HALVINGS, small_near
from automl.export.compress import Compression
from automl.export.config import CompressConfig, ShipConfig
from automl.export.member import Member, mean_score, normalised, validation_prediction, validation_score
from automl.export.pace import Pace
from automl.export.ship import ship
from automl.export.shipped import Scores
from automl.goals import LIMITABLE
from automl.kept import KeptTrials
from automl.model_store import ModelStore
from automl.task import Batch, Rows, Task
from automl.training.objective import FitFolds
from automl.training.pipeline import Pipeline
from automl.types import Candidate, Trial
from tests.tasks import defaults, make
from tests.trials import candidate, left, trial


def kept_in(path: Path, task: Task) -> KeptTrials:
    store = ModelStore(str(path))
    store.create()
    return KeptTrials(store, task.valid_rows, task.n_rows)


def fitted(task: Task, kept: KeptTrials, family: str, id: str) -> Trial:
    params = defaults(task, family)
    assert params is not None
    return list(FitFolds(task, kept.store)(Candidate(id, params), 1, None))[-1]


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
def kept(task: Task, tmp_path: Path) -> KeptTrials:
    kept = kept_in(tmp_path / "trials", task)
    for id, family in enumerate(("linear", "decision_tree")):
        kept.offer(fitted(task, kept, family, str(id)))
    return kept


def perfect(task: Task, kept: KeptTrials, kind: type[Liar]) -> Trial:
    perfect = np.eye(task.target.n_classes)[task.data.y].astype(np.float32)
    models = [Pipeline([], kind(task.target.n_classes))] * len(task.splits)
    return left(kept.store, trial(candidate("9", family="linear"), 1.0), perfect, models, task.valid_rows)


@pytest.mark.parametrize("kind", [Liar, Broken])
def test_an_export_that_predicts_something_else_is_refused_and_the_next_best_taken(
    kind: type[Liar], task: Task, kept: KeptTrials, tmp_path: Path
) -> None:
    kept.offer(perfect(task, kept, kind))
    assert kept.ids()[0] == "9"
    notes: list[str] = []
    config = ShipConfig(compress=CompressConfig(options=()))
    chosen, shipped = ship(task, kept, tmp_path, config, float("inf"), notes.append)
    assert "9" not in chosen.weights
    assert any("refused for trial 9" in note for note in notes)
    assert {one.kind for one in shipped} == {"ensemble", "compact"}
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert manifest["parity"]["largest_difference"] < 1e-4
    assert not list(tmp_path.glob(".model-*")), "drafts are removed"


def test_compression_that_does_not_export_faithfully_is_left_out(task: Task, tmp_path: Path) -> None:
    constant = np.tile(np.eye(2, dtype=np.float32)[0], (task.n_rows, 1))
    kept = kept_in(tmp_path / "trials", task)
    of = trial(candidate("9", family="linear"), 0.5)
    kept.offer(left(kept.store, of, constant, [Pipeline([], Brittle(2))] * len(task.splits), task.valid_rows))
    notes: list[str] = []
    _, shipped = ship(task, kept, tmp_path, ShipConfig(), float("inf"), notes.append)
    assert any("without compression" in note for note in notes)
    assert [m["compression"] for m in shipped[0].members] == [[], []]
    assert shipped[0].scores.uncompressed is None


def test_a_stopped_trial_joins_only_where_it_helps(task: Task, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = np.eye(2, dtype=np.float32)[task.data.y]
    noise = rng.dirichlet([1, 1], task.n_rows).astype(np.float32)

    def chosen(partial: np.ndarray, complete: np.ndarray = 0.3 * truth + 0.7 * noise, n_weak: int = 0) -> list[str]:
        kept = kept_in(tmp_path / str(rng.integers(1 << 30)), task)
        weak = [(f"weak {i}", "finished", noise) for i in range(n_weak)]
        for id, status, prediction in (("0", "finished", complete), ("1", "stopped", partial), *weak):
            models = [Pipeline([], Liar(2))] * (2 if status == "finished" else 1)
            of = trial(candidate(id, family="linear"), 0.5, status)  # type: ignore[arg-type]
            kept.offer(left(kept.store, of, prediction, models, task.valid_rows))
        return list(choose(task, kept, ShipConfig(), print).weights)

    assert "1" in chosen(truth)
    assert "1" in chosen(truth, n_weak=30), "also where many have seen all folds"
    assert chosen(noise[::-1]) == ["0"]
    few = np.isin(np.arange(task.n_rows), task.splits[0][1][:20])[:, None]
    assert chosen(np.where(few, truth, np.nan)) == ["0"], "perfect on a few rows, as the best of many may be by chance"
    # Far better on one fold than on the other: a little better on one is no reason.
    uneven = np.where(np.isin(np.arange(task.n_rows), task.splits[1][1])[:, None], noise, 0.6 * truth + 0.4 * noise)
    assert chosen(0.65 * truth + 0.35 * noise, uneven) == ["0"]


def test_the_compact_model_is_a_small_one_near_what_is_shipped(task: Task, tmp_path: Path) -> None:
    kept = kept_in(tmp_path / "trials", task)
    for id, family in enumerate(("linear", "extra_trees", "decision_tree")):
        kept.offer(replace(fitted(task, kept, family, str(id)), values={"score": 0.9 - 0.0001 * id}))
    smallest = min(kept.ids(), key=kept.n_bytes)
    assert smallest == "2"

    def near(score: float, max_loss: float) -> str:
        (id,) = small_near(task, Ensemble({"0": 1.0}, score), kept, (), max_loss).weights
        return id

    assert near(0.9, 0.0) == "0"
    # An ensemble may be far above each of its members: the nearest is taken.
    assert near(0.95, 0.005) == "0"
    halved = math.log2(kept.n_bytes("0") / kept.n_bytes("2"))
    kept.learn("1", {"score": 0.8})
    for lost, best in ((0.9, "2"), (1.1, "0")):  # of what its size may cost
        kept.learn("2", {"score": 0.9 - lost * halved / HALVINGS * 0.02 * 0.9})
        assert near(0.9, 0.02) == best
    kept.learn("1", {"score": 0.899})
    kept.learn("2", {"score": 0.898})
    chosen, shipped = ship(task, kept, tmp_path, ShipConfig(compress=CompressConfig(1.0, ())), float("inf"), str)
    if chosen.weights.keys() != {"2"}:
        assert [m["trial"] for m in shipped[1].members] == ["2"]
        assert shipped[1].scores == Scores(pytest.approx(mean_score(task, kept.predictions("2"))))


def test_a_few_candidates_are_compact_together_where_each_alone_loses_more(task: Task, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = np.eye(2, dtype=np.float32)[task.data.y]
    kept = kept_in(tmp_path / "trials", task)
    for id in "0123":  # which are wrong in different rows
        said = (0.3 * truth + 0.7 * rng.dirichlet([1, 1], task.n_rows)).astype(np.float32)
        of = trial(candidate(id, family="linear"), mean_score(task, said))
        kept.offer(left(kept.store, of, said, [Pipeline([], Liar(2))] * len(task.splits), task.valid_rows))
    chosen = score_of(task, kept, dict.fromkeys("0123", 0.25))
    together = small_near(task, chosen, kept, (), 0.005)
    assert len(together.weights) == 3
    assert sum(together.weights.values()) == pytest.approx(1)
    assert together.score == pytest.approx(mean_score(task, out_of_fold(task, kept, together.weights)))
    assert len(small_near(task, chosen, kept, (), 1.0).weights) == 1


def test_what_is_shipped_after_a_part_of_its_folds_is_compact_too(task: Task, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = np.eye(2, dtype=np.float32)[task.data.y]
    kept = kept_in(tmp_path / "trials", task)
    for id, status, share in (("0", "finished", 0.3), ("1", "stopped", 0.9), ("2", "finished", 0.2)):
        said = (share * truth + (1 - share) * rng.dirichlet([1, 1], task.n_rows)).astype(np.float32)
        of = trial(candidate(id, family="linear"), mean_score(task, said), status)  # type: ignore[arg-type]
        models = [Pipeline([], Liar(2))] * (1 if status == "stopped" else len(task.splits))
        kept.offer(left(kept.store, of, said, models, task.valid_rows))
    chosen = score_of(task, kept, {"0": 0.2, "1": 0.7, "2": 0.1})
    assert "1" in small_near(task, chosen, kept, (), 0.001).weights
    assert "1" not in small_near(task, chosen, kept, ("1",), 0.001).weights


def test_a_row_is_answered_with_the_weight_of_the_candidate(task: Task) -> None:
    """Also where one of them has a single fold model and the other has two."""
    (_, first), (_, second) = task.splits

    def member(candidate: str, fold: int, index: np.ndarray, weight: float, says: float) -> Member:
        return Member(candidate, "linear", fold, weight, Pipeline([], Liar(2)), index, np.full((len(index), 2), says))

    members = [member("0", 0, first, 0.25, 1.0), member("0", 1, second, 0.25, 1.0), member("1", 0, first, 0.5, 0.0)]
    answered = validation_prediction(task, members)
    np.testing.assert_allclose(answered[first], 0.5)
    assert np.isnan(answered[second]).all()


def test_nothing_is_left_of_a_refused_export(task: Task, tmp_path: Path) -> None:
    index = task.splits[0][1]
    member = Member("9", "linear", 0, 1.0, Pipeline([], Liar(2)), index, np.zeros((len(index), 2)))
    with pytest.raises(ExportError, match="differs from its source"):
        package.export(task, [member], tmp_path / "model", "ensemble", Scores(1.0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["table", "image", "sequence", "text"])
def test_a_shipped_folder_answers_raw_rows_of_its_kind(kind: str, tmp_path: Path) -> None:
    task = make(kind, "multiclass")
    family = {"table": "lightgbm", "image": "conv_stages", "sequence": "recurrent", "text": "tfidf_linear"}[kind]
    kept = kept_in(tmp_path / "trials", task)
    kept.offer(fitted(task, kept, family, "0"))
    ship(task, kept, tmp_path, ShipConfig(compact=False), float("inf"), lambda text: None)
    raw: Any = dict(task.sample)
    answered = load(tmp_path / "model").predict_proba(
        raw.get("x") if kind in ("image", "sequence") else pd.DataFrame(raw)
    )
    assert answered.shape == (len(task.sample_index), 3)
    assert (answered.argmax(axis=1) == task.data.y[task.sample_index]).mean() > 0.4


@pytest.mark.parametrize("names", [["x"], ["lengths"], ["x", "lengths"]])
def test_columns_are_called_as_they_like(names: list[str], tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(80, len(names)))
    task = from_arrays(pd.DataFrame(values, columns=names), values.sum(axis=1) > 0, folds=2)
    kept = kept_in(tmp_path / "trials", task)
    kept.offer(fitted(task, kept, "linear", "0"))
    notes: list[str] = []
    _, (shipped,) = ship(task, kept, tmp_path, ShipConfig(compact=False), float("inf"), notes.append)
    assert shipped.parity["largest_difference"] < 1e-4, notes


def test_it_needs_only_numpy_and_onnxruntime(task: Task, kept: KeptTrials, tmp_path: Path) -> None:
    ship(task, kept, tmp_path, ShipConfig(compact=False), float("inf"), lambda text: None)
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


def test_compression_keeps_the_strongest_that_stays_within_the_loss(task: Task, tmp_path: Path) -> None:
    kept = kept_in(tmp_path, task)
    kept.offer(fitted(task, kept, "random_forest", "0"))
    index, model = task.splits[0][1], kept.model("0", 0)
    member = Member("0", "random_forest", 0, 1.0, model, index, kept.predictions("0")[index])
    before = validation_score(task, [member])
    config = CompressConfig(max_loss=0.5, options=("trim_trees",))
    (smaller,), change = Compression(task, config).apply([member], float("inf"))
    assert smaller.compression == ("trim_trees(share=0.4)",)
    trimmed: Any = smaller.model
    whole: Any = model
    assert trimmed.model.n_trees < whole.model.n_trees
    assert validation_score(task, [smaller]) == pytest.approx(before + change)
    assert change >= -0.5 * before
    perfect = replace(member, prediction=np.eye(2)[task.data.y[index]])
    lossless = CompressConfig(max_loss=0.0, options=("trim_trees",))
    assert Compression(task, lossless).apply([perfect], float("inf")) == ([perfect], 0.0)
    late = Compression(task, config)
    assert late.apply([member], 0.0) == ([member], 0.0), "nothing is tried after the deadline"
    assert late.apply([member], float("inf"))[0][0].compression, "and it is tried where there is time again"


def test_a_compressor_sees_the_rows_of_its_folds_training_part_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where rows are ordered: those after the validation part are the future."""
    frame = pd.DataFrame({"x": np.arange(90.0), "when": np.arange(90)})
    task = from_arrays(frame.assign(target=np.arange(90) % 2), "target", order="when", folds=3)
    np.testing.assert_array_equal(task.data.order, np.arange(90))
    seen = []

    def watch(self: Any, model: Any, train: Batch) -> None:
        assert train.order is not None
        seen.append(train.order)

    monkeypatch.setattr(
        importlib.import_module("automl.search_spaces.compressors.trim_trees").TrimTrees, "compress", watch
    )
    members = [
        Member("0", "liar", fold, 0.5, Pipeline([], Liar(2)), valid, np.full((len(valid), 2), 0.5))
        for fold, (_, valid) in enumerate(task.splits)
    ]
    Compression(task, CompressConfig(options=("trim_trees",))).apply(members, float("inf"))
    for order, (train, valid) in zip(seen, task.splits, strict=False):
        np.testing.assert_array_equal(order, train)
        assert order.max() < valid.min()
    assert len(seen) >= 2


@pytest.mark.parametrize("family", registry.names("tables"))
def test_values_that_are_large_and_vary_little_are_shipped(family: str, tmp_path: Path) -> None:
    task = make("table", "regression")
    y = 1e6 + (task.data.y - task.data.y.mean()) / task.data.y.std()
    far = replace(task, data=replace(task.data, y=y))
    if defaults(far, family) is None:
        pytest.skip(f"{family} is not installed")
    kept = kept_in(tmp_path, far)
    of = fitted(far, kept, family, "0")
    kept.offer(of)
    assert of.score is not None
    assert of.score > -0.9, "root of the mean squared error; the mean alone costs 1"
    index = far.splits[0][1]
    package.check(far, [Member("0", family, 0, 1.0, kept.model("0", 0), index, kept.predictions("0")[index])])


def test_weights_are_normalised(task: Task) -> None:
    index = task.splits[0][1]
    members = [
        Member(str(i), "x", 0, w, Pipeline([], Liar(2)), index, np.zeros((len(index), 2)))
        for i, w in enumerate((1.0, 3.0))
    ]
    assert [m.weight for m in normalised(members)] == [0.25, 0.75]


@pytest.mark.parametrize("kind", ["table", "image"])
def test_bytes_and_latency_of_the_first_fold_are_values_of_the_trial(kind: str) -> None:
    task = make(kind, "binary")
    params = defaults(task, {"table": "linear", "image": "conv_stages"}[kind])
    assert params is not None
    measured = partial(measure.measured, names=LIMITABLE)
    trials = list(FitFolds(task, measure=measured)(Candidate("0", params), 1, None))
    assert set(trials[-1].values) - {"joules"} == {"score", "bytes", "row_ms", "parameters", "multiply_adds"}
    assert trials[-1].values["bytes"] > 300
    assert trials[-1].values["parameters"] > 5
    assert 0 < trials[-1].values["row_ms"] < 1000


class BySize(Pace):
    """Of a machine on which exports take as long as their bytes let expect."""

    def _taken(self, kept: KeptTrials, id: str) -> float:
        return seconds_to_export(kept.n_bytes(id)) - seconds_to_export(0)


def test_without_time_the_largest_member_goes_where_the_others_are_better(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that takes all the time may be worse alone than the others together."""
    monkeypatch.setattr(ensemble, "FEW", 0)  # what one selection comes to is known here
    rng = np.random.default_rng(1)
    truth = np.eye(2, dtype=np.float32)[task.data.y]
    kept = kept_in(tmp_path / "trials", task)
    for id, size in (("large", 2_000_000), ("0", 10), ("1", 10)):
        noise = rng.dirichlet([1, 1], task.n_rows).astype(np.float32)
        model = Liar(2)
        model.ballast = rng.bytes(size)  # type: ignore[attr-defined]
        of = replace(trial(candidate(id, family="linear"), 0.5), values={"score": 0.5})
        share = 0.45 if id == "large" else 0.4
        said = share * truth + (1 - share) * noise
        kept.offer(left(kept.store, of, said, [Pipeline([], model)] * 2, task.valid_rows))
    everything = choose(task, kept, ShipConfig(), print)
    assert next(iter(everything.weights)) == "large"
    assert set(everything.weights) == {"large", "0", "1"}
    pace = BySize(task)
    seconds = AT_LEAST * (pace.seconds(kept, {"0": 2, "1": 2}) + pace.seconds(kept, {"large": 2})) / 2
    notes: list[str] = []
    with pytest.raises(ExportError):  # they predict other than they export
        ship(task, kept, tmp_path, ShipConfig(compact=False), time.time() + seconds, notes.append, pace)
    assert "no time left" in notes[0]
    assert notes[1].startswith("export refused for trial 0, 1:")
