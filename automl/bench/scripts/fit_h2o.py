"""H2O AutoML within its time budget: a Java server on this machine, ended with the fit."""

import math
import os
import shutil
import sys
import tempfile
from contextlib import closing

import numpy as np
import pandas as pd
from _peer import PeerJob, folder_bytes, job, leave

if shutil.which("java") is None:
    sys.exit("H2O needs Java: install default-jre-headless (Debian, Ubuntu), or put a Java on the PATH.")
os.environ["DO_NOT_TRACK"] = "1"  # or the server reports each of its starts to its makers
import h2o
from h2o.automl import H2OAutoML
from h2o.backend import H2OLocalServer

# What the leaderboard is sorted by: it knows no accuracy, and no area under the curve of several classes.
METRICS = {"roc_auc": "AUC", "log_loss": "logloss", "rmse": "RMSE", "mae": "MAE", "accuracy": "mean_per_class_error"}
SEVERAL = METRICS | {"roc_auc": "logloss"}
STOPPING = {"accuracy": "misclassification"}


def fit(given: PeerJob) -> None:
    """Fit, predict and measure with the server that is connected to."""
    x, y, test = given.frames()
    kinds = dict.fromkeys(given.categorical, "enum")
    kinds |= {} if given.task == "regression" else {"target": "enum"}
    train = h2o.H2OFrame(x.assign(target=y), column_types=kinds)
    types = {name: kind for name, kind in train.types.items() if name != "target"}
    metric = (SEVERAL if given.task == "multiclass" else METRICS)[given.metric]
    search = H2OAutoML(
        max_runtime_secs=math.ceil(given.seconds or 0),
        sort_metric=metric,
        stopping_metric=STOPPING.get(given.metric, metric),
        seed=given.seed,
        verbosity=None,
    )
    search.train(y="target", training_frame=train)
    if search.leader is None:
        sys.exit(f"H2O made no model in {given.seconds:g} seconds.")
    saved = given.folder / "model"
    h2o.save_model(search.leader, str(saved))
    # Columns of the answer: the label, then the classes in the order of the target's levels; or the value alone.
    order = [0] if given.task == "regression" else [1 + train["target"].levels()[0].index(c) for c in given.classes]

    def predict(rows: pd.DataFrame) -> np.ndarray:
        answer = search.leader.predict(h2o.H2OFrame(rows, column_types=types))
        lines = answer.as_data_frame(use_pandas=False, header=False)
        return np.array([[float(line[i]) for i in order] for line in lines])

    leave(given, predict, test, folder_bytes(saved))


given = job()
half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
# Its own folder has a path without spaces, which the server refuses.
with (
    tempfile.TemporaryDirectory(prefix="h2o-") as own,
    H2OLocalServer.start(nthreads=given.cores, max_mem_size=half, ice_root=own, verbose=False) as server,
    closing(h2o.connect(server=server, verbose=False)),
):
    h2o.no_progress()
    fit(given)
