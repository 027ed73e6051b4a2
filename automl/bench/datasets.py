"""A folder of data sets: one folder each, with a table or arrays and a ``meta.json``, split into what systems get.

NAME/meta.json   {"task": "binary", "metric": "roc_auc", "file": "data.csv", "categorical": [...]}
NAME/data.csv    with a column ``target``; also .csv.gz, or .npz with x_train, y_train, x_test, y_test
                 (and len_train, len_test of sequences)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl import files
from automl.errors import DataError, unknown_name
from automl.runtime.fault import fault

TARGET = "target"
# Of a table, what is the test part; arrays bring their own.
TEST_SHARE = 0.25
_META = {"task": str, "metric": str, "file": str, ...: object}


@dataclass(frozen=True)
class DataSet:
    """One data set. ``task``: binary, multiclass or regression. ``categorical``: columns of categories."""

    name: str
    file: Path
    task: str
    metric: str
    categorical: tuple[str, ...] = ()

    def split(self, folder: Path, seed: int) -> tuple[dict[str, Any], np.ndarray]:
        """Write train and test (without the target) into ``folder``.

        Return the names of the two files and of the classes, and the target of the test rows, as codes or values. The
        split is stratified, and the same for all systems.
        """
        return self._arrays(folder) if self.file.suffix == ".npz" else self._table(folder, seed)

    def _table(self, folder: Path, seed: int) -> tuple[dict[str, Any], np.ndarray]:
        import pandas as pd
        from sklearn.model_selection import train_test_split

        frame = pd.read_csv(self.file, low_memory=False)
        stratify = None if self.task == "regression" else frame[TARGET]
        train, test = train_test_split(frame, test_size=TEST_SHARE, random_state=seed, stratify=stratify)
        train.to_csv(folder / "train.csv", index=False)
        test.drop(columns=TARGET).to_csv(folder / "test.csv", index=False)
        classes, y = self._coded(train[TARGET].to_numpy(), test[TARGET].to_numpy())
        known = [name for name in self.categorical if name in frame]
        return {"train": "train.csv", "test": "test.csv", "classes": classes, "categorical": known}, y

    def _arrays(self, folder: Path) -> tuple[dict[str, Any], np.ndarray]:
        with np.load(self.file) as given:
            parts = {name: given[name] for name in given.files}
        for part in ("train", "test"):
            kept = {name: parts[name] for name in (f"x_{part}", f"len_{part}") if name in parts}
            np.savez(folder / f"{part}.npz", **kept, **({"y_train": parts["y_train"]} if part == "train" else {}))
        classes, y = self._coded(parts["y_train"], parts["y_test"])
        return {"train": "train.npz", "test": "test.npz", "classes": classes, "categorical": []}, y

    def _coded(self, train: np.ndarray, test: np.ndarray) -> tuple[list[str], np.ndarray]:
        if self.task == "regression":
            return [], test.astype(np.float64)
        classes = sorted(set(train.astype(str)))
        return classes, np.searchsorted(classes, test.astype(str))


def found(folder: Path, names: list[str] | None = None) -> list[DataSet]:
    """Return the data sets below ``folder``, all or those called ``names``. Raises ``DataError`` for damaged ones."""
    known = sorted(path.parent.name for path in folder.glob("*/meta.json"))
    if not known:
        raise DataError(f"A folder of data sets holds NAME/meta.json for each; '{folder}' holds none.")
    for name in names or ():
        if name not in known:
            raise unknown_name("data set", name, known)
    return [_opened(folder / name) for name in names or known]


def _opened(folder: Path) -> DataSet:
    try:
        meta = files.read_json(folder / "meta.json")
        wrong = fault(meta, _META)
    except ValueError as error:
        wrong = str(error)
    if wrong:
        raise DataError(f"'{folder / 'meta.json'}' must say task, metric and file: {wrong}.")
    categorical = tuple(map(str, meta.get("categorical") or ()))
    return DataSet(folder.name, folder / meta["file"], meta["task"], meta["metric"], categorical)
