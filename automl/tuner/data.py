"""Rows of any shape as a task: nothing about them is inferred, and a module takes them as they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl import metrics
from automl.data import splits
from automl.data.target import TargetColumn, infer_target
from automl.errors import DataError
from automl.task import Batch, Problem, Rows, Schema, Task

Part = tuple[np.ndarray, np.ndarray]


def rows_of(x: Any) -> Rows:
    """Return (n, ...) floats, uint8 or whole numbers as rows: in the field whose batches have the type that is due.

    Floats, truth values and uint8 are float32 to a module, other whole numbers int64.
    """
    array = as_array(x)
    if array.dtype.kind not in "biuf":
        raise DataError(f"x holds numbers, shape (n, ...); got an array of {array.dtype}. Encode it first.")
    if array.dtype.kind in "fb":
        return Rows(numeric=array)
    return Rows(image=array) if array.dtype == np.uint8 else Rows(categories=array)


def as_array(values: Any) -> np.ndarray:
    """Return what may be a tensor as an array."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)


@dataclass(frozen=True)
class Given:
    """Rows with their target, as a person gave them. ``n_valid``: how many at the end are to validate on."""

    x: np.ndarray
    y: np.ndarray
    n_valid: int = 0

    @classmethod
    def of(cls, x: Any, y: Any, validation: tuple[Any, Any] | None) -> "Given":
        """Put (x, y) and the rows to validate on together. Raises ``DataError`` where rows are missing."""
        given = [(x, y)] if validation is None else [(x, y), validation]
        parts = [(as_array(a), np.ravel(as_array(b))) for a, b in given]
        for a, b in parts:
            if not a.ndim or not len(a) or len(a) != len(b):
                raise DataError(f"x and y hold one row for each other; x has shape {a.shape} and y {b.shape}.")
        xs, ys = zip(*parts, strict=True)
        return cls(np.concatenate(xs), np.concatenate(ys), 0 if validation is None else len(ys[1]))

    def task(self, metric: Any, target: str, folds: int | float, seed: int) -> Task:
        """Return what a search with our loop is about."""
        learnt = self._learnt(target)
        batch = Batch(rows_of(self.x), learnt.encode(self.y))
        schema = Schema("table", learnt.kind, "y", classes=learnt.classes, shape=self.x.shape[1:])
        problem = Problem.of(schema, metrics.get(metric, learnt.kind), batch, seed)
        return Task(problem, batch, self._splits(batch.y, folds, seed))

    def holdout(self, share: float, seed: int) -> tuple[Part, Part]:
        """Return the rows to train on and those to validate on, as they were given."""
        ((train, valid),) = self._splits(self._learnt("auto").encode(self.y), share, seed)
        return (self.x[train], self.y[train]), (self.x[valid], self.y[valid])

    def _learnt(self, target: str) -> TargetColumn:
        return infer_target("y", self.y, target)

    def _splits(self, y: np.ndarray, folds: int | float, seed: int) -> tuple[splits.Split, ...]:
        if self.n_valid:
            return splits.given(np.arange(len(y)) >= len(y) - self.n_valid)[0]
        return splits.make_splits(splits.Layout(y, seed=seed), splits.folds_for(folds, "table", len(y)))[0]
