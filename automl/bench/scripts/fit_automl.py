"""This project: the command of the README, and the models that it ships."""

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from _peer import folder_bytes, job, leave

from automl.artifact import Artifact, load


@dataclass(frozen=True)
class Arrays:
    """Images, or sequences with their lengths."""

    x: np.ndarray
    lengths: np.ndarray | None

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Any) -> "Arrays":
        return Arrays(self.x[index], None if self.lengths is None else self.lengths[index])


given = job()
run = given.folder / "run"
command = [sys.executable, "-m", "automl.cli", "search", f"data.train={given.folder / given.train}"]
command += [f"metric={given.metric}", f"seed={given.seed}", f"run.dir={run}", "quiet=true", "report=false"]
command += [f"task={'regression' if given.task == 'regression' else 'classification'}"]
test: Any
if given.train.endswith(".npz"):
    with np.load(given.folder / given.test) as parts:
        test = Arrays(parts["x_test"], parts.get("len_test"))
else:
    _, _, test = given.frames()
    roles = ",".join(f"'{name}': categorical" for name in given.categorical)
    command += ["data.target=target", f"data.roles={{{roles}}}"]
code = subprocess.run([*command, f"budget.seconds={given.seconds:g}"], check=False).returncode
if code:  # the command has said why
    sys.exit(code)


def predict(model: Artifact, rows: Any) -> np.ndarray:
    """Return (n, classes) probabilities in the order of the job, or (n, 1) values."""
    asked = (rows.x, rows.lengths) if isinstance(rows, Arrays) else (rows,)
    if given.task == "regression":
        return np.asarray(model.predict(*asked))[:, None]
    classes = [str(name) for name in model.manifest["schema"]["classes"]]
    return np.asarray(model.predict_proba(*asked))[:, [classes.index(name) for name in given.classes]]


for product in ("model", "compact"):
    if (run / product).exists():
        leave(given, partial(predict, load(run / product)), test, folder_bytes(run / product), product)
