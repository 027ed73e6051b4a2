"""What scikit-learn, pickle and notebooks ask an estimator."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, RegressorTags

from automl.estimator.fitted import Fitted
from automl.leaderboard.plots import summary


class ScikitLearnSide(BaseEstimator):
    """Adds the answers to an estimator that keeps what was fitted. ``_target_kind``: "auto" where ``fit`` infers it."""

    _target_kind = "auto"
    fitted_: Fitted

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: all but the training rows, of which it keeps those that an export is replayed on."""
        state: dict[str, Any] = super().__getstate__()
        if "fitted_" not in state:
            return state
        fitted = self.fitted_.without_rows()
        return {**state, "fitted_": fitted, "task_": fitted.task}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "fitted_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = self._estimator_type()
        if tags.estimator_type == "classifier":
            tags.classifier_tags = ClassifierTags()
        elif tags.estimator_type == "regressor":
            tags.regressor_tags = RegressorTags()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        tags.target_tags.required = True
        return tags

    def _estimator_type(self) -> str | None:
        """Return "classifier" or "regressor"; None until ``fit`` has inferred it."""
        kind = self.fitted_.task.target.kind if self.__sklearn_is_fitted__() else self._target_kind
        return None if kind == "auto" else "regressor" if kind in ("regression", "quantiles") else "classifier"

    def _html_repr(self) -> str:
        """Return what notebooks show: the parameters, and once it is fitted what the search came to."""
        own = str(super()._html_repr())
        if not self.__sklearn_is_fitted__():
            return own
        return own + summary(self.fitted_.board, self.fitted_.weights, self.fitted_.score)
