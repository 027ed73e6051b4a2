"""A leaderboard with a run in it, made without a search: trials of every kind, what the better ones left, a model."""

import math
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from automl import epochs
from automl.epochs import Epoch
from automl.explain.told import Told
from automl.figures.network import Diagram
from automl.leaderboard.records import ArtifactRecord, StoredMetric
from automl.leaderboard.store import Store
from automl.model_store import ModelStore
from automl.task import Column, Rows
from automl.types import Candidate, FoldRef, Report, Trial
from automl.validation import Validation

FAMILIES = ("trees", "net", "lines")
N_ROWS, N_FOLDS = 60, 3
METRIC = StoredMetric("log_loss", greater_is_better=False)


def candidate(i: int, families: Sequence[str], draw: random.Random) -> Candidate:
    """A candidate with a choice that carries parameters of its own."""
    family = families[i % len(families)]
    start = f"family.{family}"
    kernel = draw.choice(["rbf", "linear"])
    params: dict[str, Any] = {"family": family, f"{start}.rate": 10 ** draw.uniform(-4, 0), f"{start}.kernel": kernel}
    if kernel == "rbf":
        params[f"{start}.kernel.rbf.width"] = draw.randint(1, 9)
    return Candidate(str(i), params)


def trials(n: int, families: Sequence[str], began: float) -> list[Trial]:
    """Trials of two workers, one after the other; every fifth was stopped, every seventh failed."""
    draw = random.Random(0)
    found = []
    for i in range(n):
        own = candidate(i, families, draw)
        at = {"worker": f"host:{100 + i % 2}", "started_at": began + 2.0 * (i // 2)}
        if i % 7 == 6:
            failure = "Traceback (most recent call last):\n  File x\nValueError: no such kernel"
            found.append(Trial(own, "failed", seconds=0.5, failure=failure, **at))
            continue
        level = -0.6 + 0.2 * abs(math.log10(own.params[f"family.{own.family}.rate"]) + 2) / -2
        n_folds = 1 if i % 5 == 4 else N_FOLDS
        folds = tuple(FoldRef(f, level + draw.gauss(0, 0.02)) for f in range(n_folds))
        score = float(np.mean([fold.score for fold in folds]))
        learnt = [Epoch(e, level - 0.3 / e, 0.3 / e - level) for e in range(1, 5)] if i % len(families) == 1 else []
        fits = [epochs.told(f, learnt) for f in range(n_folds)]
        reports = tuple(
            Report((f + 1) / N_FOLDS, float(np.mean([one.score for one in folds[: f + 1]])), 0.5 * (f + 1), extra)
            for f, extra in enumerate(fits)
        )
        status: Any = "stopped" if n_folds == 1 else "finished"
        values = {"score": score, "bytes": 1000.0 * (i + 1), "row_ms": 0.1 + 0.01 * i}
        found.append(Trial(own, status, values, folds, reports, 1.5, **at))
    return found


def leave(folder: Path, of: Trial, classes: Sequence[str]) -> Trial:
    """The trial with predictions of all its folds in the run's folder; what is true is mostly likelier."""
    y, store = targets(len(classes)), ModelStore(str(folder / "trials"))
    refs = []
    for fold in of.folds:
        own = y[fold.fold :: N_FOLDS]
        scores = np.random.default_rng(fold.fold).random((len(own), len(classes))) + 0.6 * np.eye(len(classes))[own]
        refs.append(store.put(of.candidate.id, fold.fold, fold.score, scores / scores.sum(axis=1, keepdims=True), None))
    layer = Diagram("Linear", "4 → 2", (2,), 10, 8)
    store.put_diagram(of.candidate.id, Diagram(of.candidate.family, "", (2,), 10, 8, (layer,)))
    return Trial(
        of.candidate, of.status, of.values, tuple(refs), of.reports, of.seconds, None, of.worker, of.started_at
    )


def targets(n_classes: int) -> np.ndarray:
    """The codes of the rows."""
    return np.arange(N_ROWS) % n_classes


def leaderboard(
    folder: Path,
    n: int = 60,
    *,
    name: str = "adult",
    families: Sequence[str] = FAMILIES,
    classes: Sequence[str] = ("no", "yes"),
    goals: Sequence[str] = ("score",),
    limits: Mapping[str, float] | None = None,
    notes: Sequence[str] = ("12 rows lack the target, and are left out",),
    columns: Sequence[str] | None = None,
    at: str = "run",
    end: bool = True,
) -> tuple[Path, int]:
    """Make a run in ``folder/leaderboard.db``, and its folder ``at``; return the database and the run's id.

    ``columns``: of the data, each with its own name as a level; by default one that is called as the run.
    """
    url, run_folder = folder / "leaderboard.db", folder / at
    (run_folder / "trials").mkdir(parents=True, exist_ok=True)
    task = {"kind": "table", "target": "binary", "rows": N_ROWS, "folds": N_FOLDS, "goals": list(goals)}
    task |= {"limits": dict(limits or {}), "baseline": -0.69}
    kernel = {"default": "rbf", "rbf": {"width": {"low": 1, "high": 9, "default": 3}}, "linear": {}}
    space = {
        family: {"rate": {"low": 1e-4, "high": 1, "log": True, "default": 0.01}, "kernel": kernel}
        for family in families
    }
    config = {
        "seed": 0,
        "metric": "log_loss",
        "data": {"target": name},
        "space": {"tables": space},
        "run": {"store": None},
    }
    rows = tuple(np.arange(N_ROWS)[f::N_FOLDS] for f in range(N_FOLDS))
    levels = tuple(Column(column, "categorical", (column, "other")) for column in columns or [name])
    told = Told(levels, Rows(categories=np.repeat(1 + np.arange(N_ROWS)[:, None] % 2, len(levels), axis=1)))
    Validation(targets(len(classes)), None, rows, name, tuple(classes), told).write(run_folder / "validation.npz")
    with Store(url) as store:
        run = store.start_run(
            name=name, folder=run_folder, metric=METRIC, config=config, task={**task, "notes": list(notes)}
        )
        made = trials(n, families, time.time())
        for i, trial in enumerate(made):
            store.add_trial(run, leave(run_folder, trial, classes) if i < 6 and trial.status == "finished" else trial)
        store.save_ensemble(run, [("0", 0.75), ("1", 0.25)], -0.4)
        scores = {"score": -0.4, "compressed_score": -0.41, "test_score": -0.45}
        model = ArtifactRecord(str(run_folder / "model"), "ensemble", 2_000_000, 1.5, 2.0, 9.0, 9.9, **scores)
        compact = ArtifactRecord(str(run_folder / "compact"), "compact", 40_000, 0.5, candidates=("0",))
        store.save_artifacts(run, [model, compact])
        if end:
            store.finish_run(run)
    return url, run
