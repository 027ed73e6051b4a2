"""LightGBM with its defaults."""

import numpy as np
from _peer import job, leave
from lightgbm import LGBMClassifier, LGBMRegressor

given = job()
x, y, test = given.frames()
options = {"n_jobs": given.cores, "random_state": given.seed, "verbosity": -1}
if given.task == "regression":
    model = LGBMRegressor(**options).fit(x, y)
    leave(given, lambda rows: np.asarray(model.predict(rows))[:, None], test, len(model.booster_.model_to_string()))
else:
    classifier = LGBMClassifier(**options).fit(x, y)
    order = [list(classifier.classes_).index(name) for name in given.classes]
    n_bytes = len(classifier.booster_.model_to_string())
    leave(given, lambda rows: np.asarray(classifier.predict_proba(rows))[:, order], test, n_bytes)
