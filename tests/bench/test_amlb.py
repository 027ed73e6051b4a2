"""The extension for the AutoML Benchmark does its part; it was tried with the harness itself, which is not here."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
EXTENSION = ROOT / "benchmarks" / "amlb"
N = 120


class Timer:
    """The harness's."""

    duration = 1.0

    def __enter__(self) -> "Timer":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def extension(saved: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """``exec.py`` with what it takes of the harness, and this checkout's command."""
    results, utils = ModuleType("amlb.results"), ModuleType("amlb.utils")
    results.save_predictions = lambda **given: saved.update(given)  # type: ignore[attr-defined]
    utils.Timer = Timer  # type: ignore[attr-defined]
    for module in (ModuleType("amlb"), results, utils):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    command = tmp_path / "automl"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m automl.cli "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("AUTOML_COMMAND", str(command))
    spec = importlib.util.spec_from_file_location("exec", EXTENSION / "extensions" / "automl" / "exec.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def split(frame: pd.DataFrame) -> SimpleNamespace:
    return SimpleNamespace(data=frame, y=frame[["y"]])


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_a_fold_is_fitted_and_its_answers_are_saved(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a's": rng.normal(size=N), "code": rng.choice([1, 2, 3], N)})
    signal = frame["a's"] + frame["code"]
    frame["y"] = np.where(signal > 2, "yes", "no") if kind == "classification" else signal
    features = [
        SimpleNamespace(name=name, is_categorical=lambda is_one=is_one: is_one)
        for name, is_one in (("a's", False), ("code", True))
    ]
    dataset = SimpleNamespace(
        train=split(frame.head(80)), test=split(frame.tail(40)), target=SimpleNamespace(name="y"), predictors=features
    )
    config = SimpleNamespace(
        type=kind,
        metric="auc" if kind == "classification" else "rmse",
        max_runtime_seconds=40,
        cores=1,
        seed=5,
        output_dir=str(tmp_path),
        output_predictions_file=str(tmp_path / "predictions.csv"),
        framework_params={"budget.trials": 1, "_ignored": 1},
    )
    saved: dict[str, Any] = {}
    told = extension(saved, monkeypatch, tmp_path).run(dataset, config)
    assert told["models_count"] >= 1
    y = dataset.test.y["y"].to_numpy()
    if kind == "classification":
        assert saved["probabilities_labels"] == ["no", "yes"]
        assert saved["probabilities"].shape == (40, 2)
        assert (saved["predictions"] == y).mean() > 0.7
    else:
        assert saved["probabilities"] is None
        assert np.corrcoef(saved["predictions"], y)[0, 1] > 0.8
    assert not list(tmp_path.glob("automl_*")), "what was made on the way is removed"


def test_its_definitions_name_what_is_there() -> None:
    found = yaml.safe_load((EXTENSION / "frameworks.yaml").read_text())
    for definition in found.values():
        assert (EXTENSION / definition["module"].replace(".", "/") / "exec.py").exists()
        assert "extends" not in definition  # which the harness takes for an argument
