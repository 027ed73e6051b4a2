"""AutoGluon with one of its presets, within its time limit."""

import numpy as np
from _peer import folder_bytes, job, leave
from autogluon.tabular import TabularPredictor

METRICS = {"rmse": "root_mean_squared_error", "mae": "mean_absolute_error"}

given = job()
x, y, test = given.frames()
metric = METRICS.get(given.metric, given.metric)
predictor = TabularPredictor("target", problem_type=given.task, eval_metric=metric, path=given.folder / "model")
predictor.fit(x.assign(target=y), presets=given.setting, time_limit=given.seconds, num_cpus=given.cores, verbosity=1)
n_bytes = folder_bytes(given.folder / "model")
if given.task == "regression":
    leave(given, lambda rows: predictor.predict(rows).to_numpy()[:, None], test, n_bytes)
else:
    leave(given, lambda rows: np.asarray(predictor.predict_proba(rows)[given.classes]), test, n_bytes)
