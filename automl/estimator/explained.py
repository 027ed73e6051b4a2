"""What a fitted estimator can be understood by: explanations of its models, on its own rows where none are given."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from automl import metrics
from automl.estimator import given
from automl.estimator.fitted import Fitted
from automl.explain.face import Explained
from automl.explain.mixed import Subject
from automl.explain.task_rows import out_of_fold
from automl.metrics import Metric


class ExplainedEstimator(Explained, BaseEstimator):
    """Adds the explanations to an estimator that keeps what was fitted."""

    fitted_: Fitted

    def importance(
        self, X: Any = None, y: Any = None, *, lengths: Any = None, metric: Any = None, repeats: int = 5, seed: int = 0
    ) -> pd.DataFrame:
        """Return the permutation importance of each feature, greatest first (``Explained.importance``).

        Without ``X`` and ``y``: on up to 2,000 training rows, each answered by the models that had not seen it. Raises
        ``DataError`` for an estimator that was pickled, which has them no longer.
        """
        check_is_fitted(self)
        if X is not None:
            return super().importance(X, y, lengths=lengths, metric=metric, repeats=repeats, seed=seed)
        self.fitted_.need_rows("importance without X goes by")
        task = self.fitted_.task
        judged = replace(task, problem=replace(task.problem, metric=self._metric(metric)))
        return out_of_fold(judged, self.fitted_.members, repeats, seed).frame()

    def _subject(self) -> Subject:
        check_is_fitted(self)
        return self.fitted_.subject

    def _given(self, x: Any) -> Any:
        return given.in_order(self, x, self.fitted_.task.schema.columns)

    def _answer(self, x: Any, lengths: Any) -> np.ndarray:
        """Return (n, width) probabilities, values or quantiles of rows as a person gives them."""
        check_is_fitted(self)
        return self.fitted_.answer(self._given(x), lengths)

    def _kept_rows(self) -> tuple[Any, Any]:
        sample = self.fitted_.task.sample
        is_array = "x" in sample and not self.fitted_.task.schema.columns
        return (sample["x"], sample.get("lengths")) if is_array else (sample, None)

    def _metric(self, name: Any) -> Metric:
        task = self.fitted_.task
        return task.metric if name is None else metrics.get(name, task.target.kind, task.target.quantiles)
