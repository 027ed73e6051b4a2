"""This project as a system of TabArena (https://github.com/autogluon/tabarena).

    generator = SystemConfigGenerator(model_cls=AutoMLSystem, name="automl", manual_configs=[{}])
    TabArenaV0pt1ExperimentBundle(models=[(generator, 0)], system_experiments=True).build_experiments(time_limit=3600)

The command runs in an environment of its own: ``command`` (default: $AUTOML_COMMAND, or ``automl``) names it.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from tabarena.benchmark.exec_models import ExternalSystemModel

METRICS = (
    "roc_auc",
    "log_loss",
    "root_mean_squared_error",
    "accuracy",
    "balanced_accuracy",
    "mean_absolute_error",
    "r2",
)


class AutoMLSystem(ExternalSystemModel):
    """One search within the time limit; the shipped model answers.

    ``overrides``: further keys of ``automl search``, e.g. ``{"space": "small"}``. Classes are learnt by their places
    among the sorted labels, so that they come back as they were.
    """

    def __init__(self, *, command: str | None = None, overrides: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.command = command or os.environ.get("AUTOML_COMMAND", "automl")
        self.overrides = overrides or {}
        self.folder: Path | None = None
        self.labels: list[Any] = []

    def _fit_system(
        self,
        X: pd.DataFrame,
        y: pd.Series,
        *,
        target_name: str,
        problem_type: str,
        eval_metric: Any,
        validation_metadata: Any,
        num_cpus: int | None,
        time_limit: float | None,
        random_state: int | None,
        **unused: Any,
    ) -> "AutoMLSystem":
        self.folder = Path(tempfile.mkdtemp(prefix="automl_"))
        values = problem_type == "regression"
        self.labels = [] if values else sorted(y.unique().tolist())
        X[target_name] = y if values else y.map({label: k for k, label in enumerate(self.labels)}).astype(int)
        X.to_parquet(self.folder / "train.parquet", index=False)
        chosen = {
            "data.train": self.folder / "train.parquet",
            "data.target": target_name,
            "task": "regression" if values else "classification",
            "metric": eval_metric.name if eval_metric.name in METRICS else "auto",
            "budget.seconds": "null" if time_limit is None else f"{time_limit:g}",
            "seed": random_state or 0,
            "run.dir": self.folder / "run",
            "quiet": "true",
            "report": "false",
            **({"runner.workers": num_cpus} if num_cpus else {}),
            **{f"data.{key}": name for key, name in _respected(validation_metadata, X).items()},
            **self.overrides,
        }
        self._do("search", *(f"{key}={value}" for key, value in chosen.items()))
        return self

    def _predict(self, X: pd.DataFrame) -> pd.Series:
        return self._answers(X)["prediction"].astype(float)

    def _predict_proba(self, X: pd.DataFrame) -> pd.DataFrame:
        found = self._answers(X)
        columns = {label: found[f"probability_{k}"] for k, label in enumerate(self.labels)}
        shares = pd.DataFrame(columns, index=X.index).astype(float)
        return shares.div(shares.sum(axis=1), axis=0)  # as exactly as float64 has it

    def cleanup(self) -> None:
        """Remove what the search left."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self, X: pd.DataFrame) -> pd.DataFrame:
        assert self.folder is not None
        asked, answered = self.folder / "test.parquet", self.folder / "predictions.csv"
        X.to_parquet(asked, index=False)
        self._do("predict", str(self.folder / "run" / "model"), str(asked), "-o", str(answered))
        return pd.read_csv(answered).set_index(X.index)

    def _do(self, *arguments: str) -> None:
        done = subprocess.run(
            [self.command, *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip())


def _respected(metadata: Any, X: pd.DataFrame) -> dict[str, str]:
    """Return the columns that splits of the task go by, where each is a single one."""
    wanted = {"group": metadata.group_on, "order": metadata.time_on}
    return {key: name for key, name in wanted.items() if isinstance(name, str) and name in X}
