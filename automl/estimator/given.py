"""X and y as a person gives them: made a task by ``fit``, and later put as that task knows them."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import validate_data

from automl.data import from_arrays
from automl.data.classes import as_given
from automl.data.source import named_columns, to_array
from automl.errors import DataError
from automl.runtime.arrays import as_array
from automl.task import Column, Task

# The parameters of an estimator that say how its data is read, named as ``automl.data.from_arrays`` has them.
_OPTIONS = (
    *("kind", "quantiles", "roles", "metric", "folds", "seed"),
    *("drop", "missing", "decimal", "levels", "rows"),
)

# Of which JSON, and so a schema, keeps the type; and gaps.
_AS_THEY_ARE = {str, bool, int, float, type(None)}


def read_task(
    estimator: BaseEstimator,
    X: Any,
    y: Any,
    target_kind: str,
    validation: tuple[Any, ...] | None = None,
    *,
    sample_weight: Any = None,
    **beside: Any,
) -> Task:
    """Return the task of (X, y), as the parameters of ``estimator`` say; it remembers the columns of ``X``.

    ``beside``: ``lengths``, ``group``, ``order`` and ``until`` of ``automl.data.from_arrays``. Raises ``DataError``,
    ``ConfigError``.
    """
    if y is None or isinstance(y, str):
        raise DataError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is {y}. Give one value for each "
            "row, as in fit(frame.drop(columns='target'), frame['target'])."
        )
    if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Use y.ravel().",
            DataConversionWarning,
            stacklevel=3,
        )
    return from_arrays(
        checked(estimator, X, reset=True),
        y,
        target_kind=target_kind,
        sample_weight=None if sample_weight is None else np.asarray(sample_weight),
        validation=validation and (checked(estimator, validation[0], reset=False), *validation[1:]),
        **{name: getattr(estimator, name) for name in _OPTIONS},
        **beside,
    )


def classes_of(task: Task, y: Any) -> np.ndarray | None:
    """Return the classes in the type of ``y``, None for values; whole numbers that gaps made floats stay whole."""
    if not task.target.is_classification:
        return None
    values = np.asarray(y)
    dtype = values.dtype
    if dtype.kind == "S" or (dtype.kind == "O" and not {*map(type, values.ravel().tolist())} <= _AS_THEY_ARE):
        return as_given(task.schema.classes, values.ravel())
    found = np.array(task.schema.classes, dtype=object if dtype.kind == "O" else None)
    numbers = {found.dtype.kind, dtype.kind} <= {"i", "u"}
    return found.astype(dtype) if numbers or found.dtype.kind == dtype.kind else found


def checked(estimator: BaseEstimator, X: Any, reset: bool) -> Any:
    """Return X as a frame, matrix or array; remember, or check, its columns as scikit-learn does."""
    if sparse.issparse(X):  # one of its formats is a mapping
        X = X.tocsr()
    elif isinstance(X, Mapping) or hasattr(X, "column_names"):
        X = _by_position(named_columns(X))
    elif hasattr(X, "columns"):
        X = _named_by_strings(X, named_columns(X))
    else:
        X = to_array(X)
        if X.ndim == 1:
            raise DataError(
                f"Expected 2D array, got 1D array instead: shape {X.shape}. Reshape your data: "
                "X.reshape(-1, 1) if it is one column, X.reshape(1, -1) if it is one row."
            )
    if getattr(X, "ndim", 2) == 2:
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    return X


def in_order(estimator: BaseEstimator, X: Any, columns: Sequence[Column]) -> Any:
    """Return X as the task that ``estimator`` was fitted on knows it; ``columns``: of its schema."""
    X = checked(estimator, X, reset=False)
    if hasattr(X, "columns") and not hasattr(estimator, "feature_names_in_"):
        # Fitted on an array: the columns of a frame are taken in their order, as scikit-learn does.
        X = {column.name: X[name] for column, name in zip(columns, X.columns, strict=True)}
    return X


def _by_position(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return columns as a frame; the index of a Series says nothing about the others."""
    arrow = {name: as_array(values) for name, values in columns.items() if hasattr(values, "to_pylist")}
    try:
        return pd.DataFrame({name: getattr(values, "array", values) for name, values in {**columns, **arrow}.items()})
    except ValueError as error:
        raise DataError(f"Every column must hold one value for each row ({error}).") from None


def _named_by_strings(frame: Any, columns: Mapping[str, Any]) -> Any:
    """Return a frame whose names are strings, as they are in what is exported: 0 is called "0"."""
    is_named = all(isinstance(name, str) for name in frame.columns)
    return frame if is_named else frame.set_axis(list(columns), axis=1)
