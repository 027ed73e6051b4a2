"""The main job on many data sets: in time, verified, and better than LightGBM's defaults on the same split?

    python benchmarks/main_job.py --data FOLDER [--sets adult,letter] [--seconds 120] [--seed 0] [--out runs/benchmark]

Tables are split 80/20 with the seed; npz files bring their own test part. LightGBM gets the same rows, its
defaults, categories as its own categorical type, and all cores. The score is that of the exported model, on the
test rows.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from common import AUTOML, DataSet, data_set, run, table

from automl import load
from automl.metrics import get

SETS = "adult,credit_g,letter,soybean,cnae9,california_housing,diamonds,sign_digits,spoken_digits,sms_spam"


def main() -> None:
    """Run every set, one after the other, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    parser.add_argument("overrides", nargs="*", help="further KEY=VALUE for automl search")
    given = parser.parse_args()
    rows = []
    for name in given.sets.split(","):
        rows.append(one(data_set(given.data, name), given))
        print(table(rows), flush=True)


def one(data: DataSet, given: argparse.Namespace) -> dict[str, Any]:
    """Search on one set; return its row of the table."""
    folder = given.out / f"{data.name}-{given.seed}-{time.strftime('%H%M%S')}"
    arguments = data.arguments(folder, given.seed)
    command = [
        *AUTOML,
        "search",
        *arguments,
        f"budget.seconds={given.seconds:g}",
        f"run.dir={folder / 'run'}",
        f"seed={given.seed}",
    ]
    done = run([*command, *given.overrides], folder / "log.txt")
    row: dict[str, Any] = {"set": data.name, "seconds": round(done.seconds, 1), "exit": done.returncode}
    if done.returncode:
        return row | {"note": done.output.strip().splitlines()[-1][:80]}
    row["metric"] = data.meta["metric"]
    for kind in ("model", "compact"):
        row |= {kind: None, f"{kind} accuracy": None, f"{kind} kB": None, f"{kind} ms": None}
        if (folder / "run" / kind).exists():
            manifest = json.loads((folder / "run" / kind / "manifest.json").read_text())
            score, accuracy = test_scores(data, folder, folder / "run" / kind)
            row |= {kind: score, f"{kind} accuracy": accuracy, f"{kind} kB": manifest["bytes"]["total"] // 1000}
            row[f"{kind} ms"] = manifest["latency_ms"]["one_row_p50"]
    row["lightgbm"] = lightgbm_score(data, folder) if data.is_table and data.name != "sms_spam" else None
    return row


def test_scores(data: DataSet, folder: Path, model: Path) -> tuple[float, float | None]:
    """Return the metric and, for classes, the accuracy of a shipped model on the test rows."""
    artifact = load(model)
    if data.is_table:
        frame = pd.read_csv(folder / "test.csv", low_memory=False)
        x, y, lengths = frame.drop(columns="target"), frame["target"].to_numpy(), None
    else:
        arrays = np.load(data.file)
        x, y = arrays["x_test"], arrays["y_test"]
        lengths = arrays.get("len_test")
    metric = get(data.meta["metric"], data.meta["task"])
    if data.meta["task"] == "regression":
        return metric.shown(metric.score(y, artifact.predict(x, lengths)[:, None])), None
    codes = pd.Index(artifact.manifest["schema"]["classes"]).get_indexer(y)
    probabilities = artifact.predict_proba(x, lengths)
    return metric.shown(metric.score(codes, probabilities)), float((probabilities.argmax(axis=1) == codes).mean())


def lightgbm_score(data: DataSet, folder: Path) -> float:
    """Return the test score of LightGBM with its defaults."""
    train, test = (pd.read_csv(folder / f"{part}.csv", low_memory=False) for part in ("train", "test"))
    for name in train.columns.drop("target"):
        if (
            name in data.meta["categorical"]
            or train[name].dtype == object
            or isinstance(train[name].dtype, pd.StringDtype)
        ):
            levels = pd.CategoricalDtype(sorted(train[name].dropna().unique(), key=str))
            train[name], test[name] = train[name].astype(levels), test[name].astype(levels)
    x, x_test = train.drop(columns="target"), test.drop(columns="target")
    metric = get(data.meta["metric"], data.meta["task"])
    options: dict[str, Any] = {"n_jobs": os.cpu_count(), "verbosity": -1, "random_state": 0}
    if data.meta["task"] == "regression":
        fitted = lightgbm.LGBMRegressor(**options).fit(x, train["target"])
        return metric.shown(metric.score(test["target"].to_numpy(), np.reshape(fitted.predict(x_test), (-1, 1))))
    fitted = lightgbm.LGBMClassifier(**options).fit(x, train["target"])
    codes = pd.Index(fitted.classes_).get_indexer(test["target"])
    return metric.shown(metric.score(codes, np.asarray(fitted.predict_proba(x_test))))


if __name__ == "__main__":
    main()
