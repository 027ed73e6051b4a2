"""What the scripts of all peers share: the job they are given, and what they leave. Needs numpy and pandas alone."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ONE_ROW_REPEATS, BATCH_REPEATS = 20, 3
BATCH_ROWS = 1000


@dataclass(frozen=True)
class PeerJob:
    """The files ``train`` and ``test`` (without the target) in ``folder``; what ``leave`` writes goes there too.

    ``task``: binary, multiclass or regression. ``categorical``: columns of categories. ``seconds``: None where the
    system has no budget. ``classes``: in the order that probabilities are to have.
    """

    folder: Path
    train: str
    test: str
    task: str
    metric: str
    categorical: list[str]
    classes: list[str]
    seconds: float | None
    seed: int
    setting: str
    cores: int

    def frames(self) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
        """Return training rows, their target, and test rows; categories as such, arrays as a column for each value."""
        if self.train.endswith(".npz"):
            return self._flat()
        train, test = (pd.read_csv(self.folder / name, low_memory=False) for name in (self.train, self.test))
        y = train.pop("target")
        y = y if self.task == "regression" else y.astype(str)
        for name in self.categorical:
            levels = pd.CategoricalDtype(sorted(train[name].dropna().astype(str).unique()))
            train[name], test[name] = (f[name].astype(str).where(f[name].notna()).astype(levels) for f in (train, test))
        return train, y, test

    def _flat(self) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
        with np.load(self.folder / self.train) as train, np.load(self.folder / self.test) as test:
            x, y, asked = train["x_train"], pd.Series(train["y_train"]), test["x_test"]
        flat, flat_asked = (pd.DataFrame(v.reshape(len(v), -1)).add_prefix("x") for v in (x, asked))
        return flat, y if self.task == "regression" else y.astype(str), flat_asked


def job() -> PeerJob:
    """Return the job that the first argument names."""
    given: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    return PeerJob(**{**given, "folder": Path(given["folder"])})


def leave(
    given: PeerJob,
    predict: Callable[[Any], np.ndarray],
    test: Any,
    n_bytes: int,
    product: str = "model",
) -> None:
    """Predict the test rows, measure the latency of one row and of many, and write all of it.

    ``test``: a frame, or something that ``test[index]`` takes rows of. ``predict``: returns (n, classes) probabilities
    or (n, 1) values. ``product``: which model of the system it is.
    """
    np.save(given.folder / f"{product}.npy", np.asarray(predict(test), np.float64))
    rows = test.iloc if isinstance(test, pd.DataFrame) else test
    one, many = rows[:1], rows[np.arange(BATCH_ROWS) % len(test)]
    measured = {
        "row_ms": 1000 * _median_seconds(predict, one, ONE_ROW_REPEATS),
        "rows_1000_ms": 1000 * _median_seconds(predict, many, BATCH_REPEATS),
        "bytes": n_bytes,
    }
    (given.folder / f"{product}.json").write_text(json.dumps(measured))


def folder_bytes(folder: Path) -> int:
    """Return the size of all files below ``folder``."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _median_seconds(predict: Callable[[Any], np.ndarray], rows: Any, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        predict(rows)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))
