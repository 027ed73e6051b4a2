"""Nearest neighbours: the mean target of the training rows that are closest.

Rows tied with the k-th nearest count too, so the answer does not depend on the order of the training
rows or on the last digit of a distance; distances are float64 for the same reason. Reference: Cover
and Hart, "Nearest neighbor pattern classification", 1967.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from automl.option import Family
from automl.search_spaces.tables.blocks import NUMERIC_FEATURES
from automl.space import Choice, Float, Int, Params, Space
from automl.task import Batch, Problem, Rows, present
from automl.training.linear import sample
from automl.training.unvalidated import Unvalidated
from automl.types import Model

if TYPE_CHECKING:
    from automl.export.graph import Graph

SPACE: Space = {
    "k": Int(1, 100, log=True, default=15),
    "weights": Choice(["distance", "uniform"]),
    # The exponent of the Minkowski distance: 1 sums differences, 2 their squares.
    "p": Choice([2, 1]),
    # How many imagined neighbours with the overall mean are added.
    "prior": Float(1e-3, 5.0, log=True, default=0.2),
    # The artifact keeps this many training rows at most.
    "max_rows": Int(500, 20_000, log=True, default=8_000),
}
# Distances within this share of the squared lengths (or of the sums) are the same distance.
_TIE = 1e-5
_TINY = 1e-12
# A neighbour at distance 0 weighs this many times less than infinitely: 1 / sqrt(_SOFT) times the k-th.
_SOFT = 0.01
_CHUNK_NUMBERS = 4_000_000


def build(params: Params, problem: Problem) -> Model:
    """Make the model."""
    return Neighbors(
        params["k"], params["weights"] == "distance", params["p"], params["prior"], params["max_rows"], problem
    )


class Neighbors(Unvalidated):
    """Keeps ``max_rows`` random training rows (classes in proportion) and compares every row with all of them.

    ``weights``: "uniform", or "distance", where a neighbour counts by one over its distance, softened
    near zero. Row weights of the training part count as so many rows.
    """

    def __init__(self, k: int, by_distance: bool, p: int, prior: float, max_rows: int, problem: Problem) -> None:
        self.k, self.by_distance, self.p, self.prior, self.max_rows = k, by_distance, p, prior, max_rows
        self.target, self.seed = problem.target, problem.seed

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Keep the rows; yields once."""
        index = sample(train.y, self.max_rows, self.target.n_classes, self.seed)
        self.head = self.target.head(train.y, train.weights, "means")
        x, values = present(train.x.numeric)[index], self.target.columns(self.head.encode(train.y[index]))
        self.center = x.mean(axis=0, dtype=np.float64).astype(np.float32)
        self.rows = x - self.center
        mass = np.ones(len(x)) if train.weights is None else train.weights[index] / train.weights[index].mean()
        # The last column counts: a weighted sum of all columns, divided by its last, is a mean.
        targets = np.hstack([values, np.ones((len(x), 1))]) * mass[:, None]
        self.mean = (targets[:, :-1].sum(axis=0) / targets[:, -1].sum()).astype(np.float32)
        targets[:, :-1] -= self.mean * targets[:, -1:]
        self.targets = targets.astype(np.float32)
        yield 1.0

    def predict(self, x: Rows) -> np.ndarray:
        """Return (n, width) probabilities or values."""
        step = max(1, _CHUNK_NUMBERS // len(self.rows))
        parts = [self._predict(present(x.numeric)[i : i + step]).astype(np.float32) for i in range(0, len(x), step)]
        return self.head.predict(np.concatenate(parts))

    def _predict(self, x: np.ndarray) -> np.ndarray:
        d, size = self._distances((x - self.center).astype(np.float64))
        k = min(self.k, d.shape[1])
        edge = np.partition(d, k - 1, axis=1)[:, k - 1 : k]
        tie = _TIE * (edge + size) + _TINY
        weights = (d <= edge + tie).astype(np.float64)
        if self.by_distance:
            soft = _SOFT * edge + tie
            ratio = (edge + soft) / (d + soft)
            weights *= np.sqrt(ratio) if self.p == 2 else ratio
        sums = weights @ self.targets
        return self.mean + sums[:, :-1] / (sums[:, -1:] + self.prior)

    def _distances(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return squared (p = 2) or plain (p = 1) distances (n, rows), and the sizes of x (n, 1)."""
        if self.p == 1:
            from scipy.spatial.distance import cdist

            return cdist(x, self.rows, "cityblock"), np.abs(x).sum(axis=1, keepdims=True)
        rows = self.rows.astype(np.float64)
        size = np.square(x).sum(axis=1, keepdims=True)
        d = size + np.square(rows).sum(axis=1) - 2 * (x @ rows.T)
        return np.maximum(d, 0, out=d), size

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        """Add the model; distances are made column by column for p = 1, by one product for p = 2."""
        x = graph.op("Sub", inputs["numeric"], graph.constant(self.center))
        rows = graph.double(self.rows.T)
        d, size = self._write_distances(graph, graph.cast(x, np.float64), rows)
        k = min(self.k, len(self.rows))
        nearest, _ = graph.ops("TopK", d, graph.constant(np.array([k], np.int64)), n_outputs=2, largest=0, axis=1)
        edge = graph.columns(nearest, [k - 1])
        tie = graph.op("Add", graph.op("Mul", graph.op("Add", edge, size), graph.double(_TIE)), graph.double(_TINY))
        weights = graph.cast(graph.op("LessOrEqual", d, graph.op("Add", edge, tie)), np.float64)
        if self.by_distance:
            soft = graph.op("Add", graph.op("Mul", edge, graph.double(_SOFT)), tie)
            ratio = graph.op("Div", graph.op("Add", edge, soft), graph.op("Add", d, soft))
            weights = graph.op("Mul", weights, graph.op("Sqrt", ratio) if self.p == 2 else ratio)
        sums = graph.op("MatMul", weights, graph.double(self.targets))
        k_outputs = self.targets.shape[1] - 1
        mass = graph.op("Add", graph.columns(sums, [k_outputs]), graph.double(self.prior))
        means = graph.op("Div", graph.columns(sums, range(k_outputs)), mass)
        return self.head.emit(graph, graph.cast(graph.op("Add", means, graph.double(self.mean)), np.float32))

    def _write_distances(self, graph: "Graph", x: str, rows: str) -> tuple[str, str]:
        """Return the names of ``_distances``' tensors; ``x`` is (n, p) and ``rows`` (p, n_rows), both float64."""
        across, down = graph.constant(np.array([1], np.int64)), graph.constant(np.array([0], np.int64))
        if self.p == 1:
            size = graph.op("ReduceL1", x, across, keepdims=1)
            total = ""
            for j in range(self.rows.shape[1]):
                column = graph.op("Gather", rows, graph.constant(np.array([j], np.int64)), axis=0)
                away = graph.op("Abs", graph.op("Sub", graph.columns(x, [j]), column))
                total = graph.op("Add", total, away) if total else away
            return total, size
        size = graph.op("ReduceSumSquare", x, across, keepdims=1)
        lengths = graph.op("Add", graph.op("ReduceSumSquare", rows, down, keepdims=1), size)
        products = graph.op("MatMul", x, rows)
        d = graph.op("Sub", lengths, graph.op("Add", products, products))
        return graph.op("Max", d, graph.op("Sub", size, size)), size


OPTION = Family(space=SPACE, build=build, steps=NUMERIC_FEATURES, order=60)
