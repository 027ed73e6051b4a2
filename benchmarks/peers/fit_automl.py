"""This project: the command of the README, and the models that it ships."""

import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
from _peer import folder_bytes, job, leave

from automl.artifact import Artifact, load

given = job()
_, _, test = given.frames()
run = given.folder / "run"
roles = ",".join(f"'{name}': categorical" for name in given.categorical)
command = [sys.executable, "-m", "automl.cli", "search", f"data.train={given.folder / 'train.csv'}"]
command += ["data.target=target", f"data.roles={{{roles}}}", f"metric={given.metric}", f"seed={given.seed}"]
command += [f"task={'regression' if given.task == 'regression' else 'classification'}", f"run.dir={run}", "quiet=true"]
subprocess.run([*command, f"budget.seconds={given.seconds:g}"], check=True)


def predict(model: Artifact, rows: pd.DataFrame) -> np.ndarray:
    """Return (n, classes) probabilities in the order of the job, or (n, 1) values."""
    if given.task == "regression":
        return np.asarray(model.predict(rows))[:, None]
    classes = [str(name) for name in model.manifest["schema"]["classes"]]
    return np.asarray(model.predict_proba(rows))[:, [classes.index(name) for name in given.classes]]


for product in ("model", "compact"):
    if (run / product).exists():
        leave(given, partial(predict, load(run / product)), test, folder_bytes(run / product), product)
