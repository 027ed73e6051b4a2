"""Models are fitted on all rows in the end, where their families can be and the time does."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl import load
from automl.data.splits import Layout, make_splits
from automl.export.choose import score_of
from automl.export.compact import small_near
from automl.export.config import CompressConfig, ShipConfig
from automl.export.member import members_of, validation_prediction
from automl.export.refit import SHARE_OF_GROWTH, Refits, Refitted, joined, unfitted
from automl.export.ship import ship
from automl.kept import KeptTrials
from automl.search_spaces.compressors.trim_trees import TrimTrees
from automl.task import Batch, Task
from automl.types import Model
from tests.tasks import kept_trials, make

ALL_ROWS = "fitted on all rows"


def refitted(task: Task, kept: KeptTrials, until: float = math.inf) -> Refitted | None:
    return Refits(task, unfitted(task, kept, ["0"]), min(until, time.time() + 60), pytest.fail).models().get("0")


@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
def test_boosting_takes_its_rounds_from_the_fold_models(target: str, tmp_path: Path) -> None:
    task = make("table", target)
    kept = kept_trials(task, tmp_path, "lightgbm")
    whole = refitted(task, kept)
    assert whole is not None
    model: Any = whole.model.model
    usual = np.mean([kept.model("0", fold).model.n_trees for fold in range(2)])
    assert model.rounds == round(2 * usual), "two folds: twice the rows of one"
    assert 0 < model.n_trees <= model.rounds, "fewer where no further tree can be grown"


def test_all_weight_stays_with_its_candidate(tmp_path: Path) -> None:
    task = make("table", "regression")
    kept = kept_trials(task, tmp_path, "lightgbm", "linear")
    members = members_of(task, kept, {"0": 0.7, "1": 0.3})
    whole = refitted(task, kept)
    assert whole is not None
    for instead, answering in ((False, [0, 1, None]), (True, [None])):
        together = joined(members, {"0": whole}, instead)
        assert [m.fold for m in together if m.candidate_id == "0"] == answering
        assert [m.fold for m in together if m.candidate_id == "1"] == [0, 1]
        weights = [sum(m.weight for m in together if m.candidate_id == id) for id in "01"]
        assert weights == pytest.approx([0.7, 0.3])
    six = replace(task, splits=make_splits(Layout(task.data.y), 6)[0])
    kept = kept_trials(six, tmp_path / "six", "lightgbm", "linear")
    members = members_of(six, kept, {"0": 0.7, "1": 0.3})
    together = joined(members, {"0": replace(whole, growth=6 / 5)})
    (alone,) = (m for m in together if m.fold is None)
    assert alone.weight == pytest.approx(0.7 * SHARE_OF_GROWTH / 5), "a sixth of the rows is new to a fold model"
    said, before = (validation_prediction(six, some) for some in (together, members))
    assert said == pytest.approx(before), "rows are answered by those that have not seen them"


def test_there_is_none_without_time_rows_or_a_family_that_can(tmp_path: Path) -> None:
    task = make("table", "binary")
    kept = kept_trials(task, tmp_path / "a", "lightgbm")
    assert refitted(task, kept, until=time.time() - 1) is None
    # What was held out for good is not learned from: each fold model has seen all rows that there are to learn from.
    train, valid = task.splits[0]
    holdout = replace(task, splits=((train, valid),))
    assert refitted(holdout, kept_trials(holdout, tmp_path / "b", "lightgbm")) is None
    assert refitted(task, kept_trials(task, tmp_path / "c", "mlp")) is None


def test_of_a_network_all_fold_models_are_compact(tmp_path: Path) -> None:
    task = make("table", "binary")
    kept = kept_trials(task, tmp_path, "mlp", "extra_trees")

    def answering(weights: dict[str, float], refused: str) -> dict[str, int]:
        return dict(small_near(task, score_of(task, kept, weights), kept, {refused}, 1.0).n_folds)

    assert answering({"0": 0.5, "1": 0.5}, "1") == {"0": 2}
    # Where it is what is shipped, half of them are smaller.
    assert answering({"0": 1.0}, "1") == {"0": 1}
    assert answering({"1": 1.0}, "0") == {"1": 1}
    _, shipped = ship(task, kept, tmp_path, ShipConfig(max_members=1), math.inf, lambda text: None)
    folds = [member["fold"] for member in shipped[-1].members]
    assert folds == ([None] if shipped[-1].members[0]["trial"] == "1" else [0])


@pytest.mark.parametrize("compressors", [(), ("trim_trees",)])
def test_it_is_what_is_shipped_as_compact(compressors: tuple[str, ...], tmp_path: Path) -> None:
    task = make("table", "regression")
    kept = kept_trials(task, tmp_path, "lightgbm", "extra_trees")
    config = ShipConfig(compress=CompressConfig(max_loss=100.0, options=compressors))
    _, (model, compact) = ship(task, kept, tmp_path, config, math.inf, pytest.fail)
    manifest = json.loads((compact.path / "manifest.json").read_text())
    (member,) = manifest["members"]
    assert member["fold"] is None
    assert any(ALL_ROWS in text for text in manifest["remarks"])
    assert bool(member["compression"]) == bool(compressors)
    remarks = json.loads((model.path / "manifest.json").read_text())["remarks"]
    assert any(f"75% of it was {ALL_ROWS}" in text for text in remarks)
    scores = compact.scores
    before = scores.validation if scores.uncompressed is None else scores.uncompressed
    assert before == pytest.approx(kept.trial(member["trial"]).score, rel=1e-3), "that of the fold models"
    assert np.isfinite(load(compact.path).predict(dict(task.sample))).all()


def test_where_a_compressor_fails_on_it_it_is_shipped_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make("table", "regression")
    kept = kept_trials(task, tmp_path, "lightgbm")
    trim = TrimTrees.compress

    def only_of_folds(self: TrimTrees, model: Any, train: Batch) -> Model | None:
        if len(train.y) == len(task.training_rows):
            raise KeyError("tree")
        return trim(self, model, train)

    monkeypatch.setattr(TrimTrees, "compress", only_of_folds)
    config = ShipConfig(compress=CompressConfig(max_loss=100.0, options=("trim_trees",)))
    notes: list[str] = []
    _, (_, compact) = ship(task, kept, tmp_path, config, math.inf, notes.append)
    assert any("trim_trees failed on trial" in note for note in notes)
    (member,) = compact.members
    assert (member["fold"], member["compression"]) == (None, [])


def test_without_refits_fold_models_alone_answer_for_the_model(tmp_path: Path) -> None:
    task = make("table", "regression")
    kept = kept_trials(task, tmp_path, "lightgbm", "linear")
    _, (model, *_) = ship(task, kept, tmp_path, ShipConfig(refit=False), math.inf, lambda text: None)
    assert {member["fold"] for member in model.members} == {0, 1}


def test_each_of_several_candidates_is(tmp_path: Path) -> None:
    two_folds = make("table", "regression")
    splits, _ = make_splits(Layout(two_folds.data.y), 6)
    task = replace(two_folds, splits=splits)
    kept = kept_trials(task, tmp_path, "lightgbm", "extra_trees", "linear")
    nothing_to_lose = ShipConfig(compress=CompressConfig(max_loss=1e-9, options=()))
    chosen, (model, compact) = ship(task, kept, tmp_path, nothing_to_lose, math.inf, pytest.fail)
    assert len(chosen.weights) > 1
    assert {m["trial"]: m["weight"] for m in compact.members} == pytest.approx(dict(chosen.weights))
    assert all(m["fold"] is None for m in compact.members)
    assert len(model.members) == (len(task.splits) + 1) * len(chosen.weights)
    alone = [member["weight"] for member in model.members if member["fold"] is None]
    assert alone == pytest.approx([SHARE_OF_GROWTH / 5 * weight for weight in chosen.weights.values()], abs=1e-6)
    answers = load(compact.path).predict(dict(task.sample))
    assert np.corrcoef(answers, load(model.path).predict(dict(task.sample)))[0, 1] > 0.9


def test_where_it_fails_the_fold_model_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make("table", "binary")
    kept = kept_trials(task, tmp_path, "linear", "lightgbm")

    def broken(*_: object) -> None:
        raise FloatingPointError("singular")

    for family in ("lightgbm", "linear"):
        monkeypatch.setattr(type(kept.model(str(["linear", "lightgbm"].index(family)), 0).model), "refit", broken)
    notes: list[str] = []
    chosen, shipped = ship(task, kept, tmp_path, ShipConfig(max_members=2), math.inf, notes.append)
    said = [note for note in notes if "could not be fitted on all rows: FloatingPointError: singular" in note]
    assert len(said) == len(set(said)) >= len(chosen.weights), "each of them once"
    assert all(member["fold"] is not None for one in shipped for member in one.members)
