"""scikit-learn with its defaults: gradient boosting over histograms; of texts, a linear model over TF-IDF."""

import pickle
from typing import Any

import numpy as np
from _peer import job, leave
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

MOST_LEVELS = 255  # of a column, that it takes as categories

given = job()
x, y, test = given.frames()
values = given.task == "regression"
for name in x.select_dtypes("category"):
    if len(x[name].cat.categories) > MOST_LEVELS:
        x[name], test[name] = x[name].cat.codes, test[name].cat.codes
model: Any
texts = list(x.select_dtypes(["object", "string"]))
if texts:
    x[texts], test[texts] = x[texts].fillna(""), test[texts].fillna("")
    words = make_column_transformer(*((TfidfVectorizer(), name) for name in texts))
    model = make_pipeline(words, Ridge() if values else LogisticRegression())
else:
    boosted = HistGradientBoostingRegressor if values else HistGradientBoostingClassifier
    model = boosted(random_state=given.seed)
model.fit(x, y)
n_bytes = len(pickle.dumps(model))
if values:
    leave(given, lambda rows: np.asarray(model.predict(rows))[:, None], test, n_bytes)
else:
    order = [list(model.classes_).index(name) for name in given.classes]
    leave(given, lambda rows: np.asarray(model.predict_proba(rows))[:, order], test, n_bytes)
