"""One fold of a task: its files are given to the command line, which needs none of the harness's libraries."""

import logging
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from amlb.results import save_predictions
from amlb.utils import Timer

log = logging.getLogger(__name__)
HERE = Path(__file__).parent
COMMAND = os.environ.get("AUTOML_COMMAND", str(HERE / "venv" / "bin" / "automl"))
METRICS = {
    "auc": "roc_auc",
    "auc_ovr": "roc_auc",
    "auc_ovo": "roc_auc",
    "logloss": "log_loss",
    "acc": "accuracy",
    "balacc": "balanced_accuracy",
    "pr_auc": "average_precision",
    "f1": "f1",
    "f2": "fbeta@2",
    "f05": "fbeta@0.5",
    "mae": "mae",
    "mse": "mse",
    "rmse": "rmse",
    "rmsle": "rmsle",
    "msle": "rmsle",
    "r2": "r2",
}


def run(dataset: Any, config: Any) -> "dict[str, Any]":
    """Search within the harness's time, predict the test rows with the shipped model, and save what it says."""
    classes = config.type == "classification"
    with tempfile.TemporaryDirectory(prefix="automl_", dir=config.output_dir) as folder:
        with Timer() as training:
            n_trials = _search(dataset, config, Path(folder))
        with Timer() as predict:
            found = _predicted(dataset, Path(folder))
        prefix = "probability_"
        labels = [name[len(prefix) :] for name in found if name.startswith(prefix)]
        save_predictions(
            dataset=dataset,
            output_file=config.output_predictions_file,
            predictions=found["prediction"].to_numpy() if classes else found["prediction"].to_numpy(float),
            truth=dataset.test.y,
            probabilities=found[[prefix + name for name in labels]].to_numpy(float) if classes else None,
            probabilities_labels=labels if classes else None,
        )
    return {"models_count": n_trials, "training_duration": training.duration, "predict_duration": predict.duration}


def _search(dataset: Any, config: Any, folder: Path) -> int:
    """Search, and return how many trials there were."""
    train, target = folder / "train.csv", dataset.target.name
    dataset.train.data.to_csv(train, index=False)
    roles = {f.name: "categorical" for f in dataset.predictors if f.is_categorical()}
    chosen = {
        "data.train": train,
        "data.target": target,
        "data.roles": "{" + ",".join(f"{_quoted(name)}: {role}" for name, role in roles.items()) + "}",
        "task": config.type,
        "metric": METRICS.get(config.metric, "auto"),
        "budget.seconds": config.max_runtime_seconds,
        "runner.workers": config.cores,
        "seed": config.seed,
        "run.dir": folder / "run",
        "quiet": "true",
        "report": "false",
        **{name: value for name, value in config.framework_params.items() if not name.startswith("_")},
    }
    _do("search", *(f"{key}={value}" for key, value in chosen.items()))
    listed = _do("leaderboard", str(folder / "run"), "--csv")
    return max(0, len(listed.splitlines()) - 1)


def _predicted(dataset: Any, folder: Path) -> pd.DataFrame:
    dataset.test.data.drop(columns=dataset.target.name).to_csv(folder / "test.csv", index=False)
    _do("predict", str(folder / "run" / "model"), str(folder / "test.csv"), "-o", str(folder / "predictions.csv"))
    return pd.read_csv(folder / "predictions.csv", dtype={"prediction": object}, keep_default_na=False)


def _do(*arguments: str) -> str:
    # What the harness sets for its own Python is not for another one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    log.info("%s\n%s", done.stderr, done.stdout)
    return done.stdout


def _quoted(name: str) -> str:
    """Return a name in the quotes that are not in it."""
    mark = "'" if '"' in name else '"'
    return f"{mark}{name}{mark}"
