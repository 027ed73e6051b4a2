"""A family of one's own: Gaussian naive Bayes, whose classes borrow rows from all (Hand and Yu 2001, "Idiot's Bayes").

automl search ... plugins.tables=[own_family]
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from automl.option import Family
from automl.space import Float, Params
from automl.task import Batch, Problem, Rows

if TYPE_CHECKING:
    from automl.export.graph import Graph

# What is searched over: its own parameters, and those of the feature steps in front of it. These leave numbers only,
# none missing, in columns of like widths.
SPACE = {
    # How many imagined rows, with the mean and the variance of all rows, are added to each class.
    "borrowed": Float(0.1, 100.0, log=True, default=1.0),
    # What the evidence of a column counts: less than 1, as columns tell in part the same.
    "trust": Float(0.02, 1.0, log=True, default=0.3),
}
STEPS = {
    "dates": {},
    "text": {},
    "impute": {"method": {"none": "off"}},
    "encode": {"method": {"native": "off"}},
    "scale": {},
}


def build(params: Params, problem: Problem) -> "NaiveBayes":
    """Make the model, not yet fitted; it sees the problem, but no rows."""
    return NaiveBayes(params["borrowed"], params["trust"], problem)


class NaiveBayes:
    """A normal distribution for each column and class: scores that are quadratic in each column.

    ``center`` (p,), ``quadratic`` and ``linear`` (p, k), and ``bias`` (k,) are float32, as the graph stores them; both
    compute in float64.
    """

    def __init__(self, borrowed: float, trust: float, problem: Problem) -> None:
        self.borrowed, self.trust, self.target = borrowed, trust, problem.target

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Learn means and variances; a model that takes longer yields its progress more often, in (0, 1]."""
        self.head = self.target.head(train.y, train.weights, "scores")
        belongs = self.target.columns(train.y)  # (n, k)
        if train.weights is not None:
            belongs *= (train.weights / train.weights.mean())[:, None]
        self.center = train.x.numeric.mean(axis=0, dtype=np.float64).astype(np.float32)
        x = self._centered(train.x)
        overall = np.maximum(x.var(axis=0), 1e-6)
        mass = belongs.sum(axis=0)[:, None] + self.borrowed
        mean = belongs.T @ x / mass
        variance = (belongs.T @ x**2 + self.borrowed * overall) / mass - mean**2
        self.quadratic = (self.trust * -0.5 / variance).T.astype(np.float32)
        self.linear = (self.trust * mean / variance).T.astype(np.float32)
        evidence = -0.5 * (mean**2 / variance + np.log(variance)).sum(axis=1)
        # The raw outputs that predict each class's share are the logarithms of these: the prior.
        self.bias = (self.trust * evidence + self.head.average).astype(np.float32)
        yield 1.0

    def predict(self, x: Rows) -> np.ndarray:
        """Return the probabilities (n, k)."""
        centered = self._centered(x)
        return self.head.predict(centered**2 @ self.quadratic + centered @ self.linear + self.bias)

    def _centered(self, x: Rows) -> np.ndarray:
        return x.numeric.astype(np.float64) - self.center

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        """Add what ``predict`` does to the graph, tensor by tensor; return the name of the answer, (n, k)."""
        x = graph.op("Sub", graph.cast(inputs["numeric"], np.float64), graph.double(self.center))
        squares = graph.op("MatMul", graph.op("Mul", x, x), graph.double(self.quadratic))
        scores = graph.op("Add", squares, graph.op("MatMul", x, graph.double(self.linear)))
        scores = graph.op("Add", scores, graph.double(self.bias))
        return graph.cast(self.head.emit(graph, scores), np.float32)


OPTION = Family(space=SPACE, build=build, steps=STEPS, targets=("binary", "multiclass"))
