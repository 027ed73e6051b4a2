"""The system for TabArena does its part; it was tried with TabArena itself, which is not here."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

FILE = Path(__file__).parent.parent.parent / "benchmarks" / "tabarena" / "automl_system.py"
N = 120


class ExternalSystemModel:
    """As far as TabArena's own is asked here."""


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Any:
    models = ModuleType("tabarena.benchmark.exec_models")
    models.ExternalSystemModel = ExternalSystemModel  # type: ignore[attr-defined]
    for module in (ModuleType("tabarena"), ModuleType("tabarena.benchmark"), models):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    spec = importlib.util.spec_from_file_location("automl_system", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.AutoMLSystem


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_a_task_is_learnt_and_answered(kind: str, system: Any, tmp_path: Path) -> None:
    command = tmp_path / "automl"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m automl.cli "$@"\n')
    command.chmod(0o755)
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"a": rng.normal(size=N), "level": pd.Categorical(rng.choice(["u", "v"], N))})
    x.index = pd.Index(np.arange(N) * 3 + 1)
    x["group"] = np.arange(N) // 2
    signal = x["a"] + (x["level"] == "u")
    y = pd.Series(np.where(signal > 0.5, 2.5, -1.0), x.index) if kind == "binary" else signal
    made = system(command=str(command), overrides={"budget.trials": 1})
    made._fit_system(
        x.iloc[:80].copy(),
        y.iloc[:80],
        target_name="the target",
        problem_type=kind,
        eval_metric=SimpleNamespace(name="roc_auc" if kind == "binary" else "root_mean_squared_error"),
        validation_metadata=SimpleNamespace(group_on="group", time_on=None),
        num_cpus=1,
        num_gpus=0,
        memory_limit=None,
        time_limit=40.0,
        random_state=3,
    )
    asked, true = x.iloc[80:], y.iloc[80:]
    if kind == "binary":
        found = made._predict_proba(asked)
        assert list(found.columns) == [-1.0, 2.5]
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
        assert (found.idxmax(axis=1) == true).mean() > 0.7
    else:
        found = made._predict(asked)
        assert np.corrcoef(found, true)[0, 1] > 0.8
    assert list(found.index) == list(asked.index)
    folder = made.folder
    assert "group: group" in (folder / "run" / "config.yaml").read_text()
    made.cleanup()
    assert not folder.exists()
