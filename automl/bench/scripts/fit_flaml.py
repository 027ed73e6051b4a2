"""FLAML within its time budget."""

import pickle

import numpy as np
from _peer import job, leave
from flaml import AutoML

METRICS = {"roc_auc": "roc_auc", "log_loss": "log_loss", "rmse": "rmse", "mae": "mae", "accuracy": "accuracy"}

given = job()
x, y, test = given.frames()
model = AutoML()
model.fit(
    x,
    y,
    task="regression" if given.task == "regression" else "classification",
    metric=METRICS[given.metric],
    time_budget=given.seconds,
    n_jobs=given.cores,
    seed=given.seed,
    verbose=0,
)
n_bytes = len(pickle.dumps(model))
if given.task == "regression":
    leave(given, lambda rows: np.asarray(model.predict(rows))[:, None], test, n_bytes)
else:
    order = [list(model.classes_).index(name) for name in given.classes]
    leave(given, lambda rows: np.asarray(model.predict_proba(rows))[:, order], test, n_bytes)
