"""The compact model is fitted on all rows in the end, where its family can be and the time does."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl import load
from automl.export.choose import score_of
from automl.export.compact import last_fit, small_near
from automl.export.config import CompressConfig, ShipConfig
from automl.export.refit import Refit
from automl.export.ship import ship
from automl.kept import KeptTrials
from automl.task import Task
from tests.tasks import kept_trials, make

ALL_ROWS = "fitted on all rows"


def refit(task: Task, kept: KeptTrials, until: float = math.inf) -> Refit:
    return last_fit(task, kept, "0", min(until, time.time() + 60), pytest.fail)


@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
def test_boosting_takes_its_rounds_from_the_fold_models(target: str, tmp_path: Path) -> None:
    task = make("table", target)
    kept = kept_trials(task, tmp_path, "lightgbm")
    whole = refit(task, kept).model()
    assert whole is not None
    model: Any = whole.model
    usual = np.mean([kept.model("0", fold).model.n_trees for fold in range(2)])
    assert model.rounds == round(2 * usual), "two folds: twice the rows of one"
    assert 0 < model.n_trees <= model.rounds, "fewer where no further tree can be grown"


def test_there_is_none_without_time_rows_or_a_family_that_can(tmp_path: Path) -> None:
    task = make("table", "binary")
    kept = kept_trials(task, tmp_path / "a", "lightgbm")
    assert refit(task, kept, until=time.time() - 1).model() is None
    # What was held out for good is not learned from: each fold model has seen all rows that there are to learn from.
    train, valid = task.splits[0]
    holdout = replace(task, splits=((train, valid),))
    assert refit(holdout, kept_trials(holdout, tmp_path / "b", "lightgbm")).model() is None
    assert refit(task, kept_trials(task, tmp_path / "c", "mlp")).model() is None


def test_of_a_network_all_fold_models_are_compact(tmp_path: Path) -> None:
    task = make("table", "binary")
    kept = kept_trials(task, tmp_path, "mlp", "extra_trees")
    chosen = score_of(task, kept, {"0": 0.5, "1": 0.5})
    assert small_near(chosen, kept, {"1"}, 1.0) == ("0", 2)
    # Where it is what is shipped, half of them are smaller.
    assert small_near(score_of(task, kept, {"0": 1.0}), kept, {"1"}, 1.0) == ("0", 1)
    assert small_near(score_of(task, kept, {"1": 1.0}), kept, {"0"}, 1.0) == ("1", 1)
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
    assert not any(ALL_ROWS in text for text in model.remarks)
    scores = compact.scores
    before = scores.validation if scores.uncompressed is None else scores.uncompressed
    assert before == pytest.approx(kept.trial(member["trial"]).score, rel=1e-3), "that of the fold models"
    assert np.isfinite(load(compact.path).predict(dict(task.sample))).all()


def test_where_it_fails_the_fold_model_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make("table", "binary")
    kept = kept_trials(task, tmp_path, "linear", "lightgbm")

    def broken(*_: object) -> None:
        raise FloatingPointError("singular")

    for family in ("lightgbm", "linear"):
        monkeypatch.setattr(type(kept.model(str(["linear", "lightgbm"].index(family)), 0).model), "refit", broken)
    notes: list[str] = []
    _, shipped = ship(task, kept, tmp_path, ShipConfig(max_members=2), math.inf, notes.append)
    if len(shipped) == 2:
        assert any("could not be fitted on all rows: FloatingPointError: singular" in note for note in notes)
        assert shipped[1].members[0]["fold"] is not None
