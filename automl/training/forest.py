"""Forests of scikit-learn, grown in chunks and kept as flat arrays."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl import clock
from automl.export.trees import TreeEnsemble, floor32
from automl.target import Head
from automl.task import Batch, Problem, Rows, present
from automl.training.chunks import next_chunk
from automl.training.unvalidated import Unvalidated

if TYPE_CHECKING:
    from automl.export.graph import Graph


class Forest(Unvalidated):
    """A model that averages trees; ``make(regression)`` returns the unfitted scikit-learn forest.

    For quantiles, trees that are grown for the mean answer with those of the training rows in the leaf.

    The trees are turned into a ``TreeEnsemble`` as they grow, which predicts exactly as
    scikit-learn does and is several times smaller than its estimators.
    """

    def __init__(self, make: Callable[[bool], Any], n_trees: int, problem: Problem) -> None:
        self.make = make
        self.wanted = n_trees
        self.target = problem.target
        self.n_trees = 0
        self.ensemble: TreeEnsemble
        self.head: Head

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Grow the forest in chunks; yields the share of its trees. ``valid`` is not used."""
        # Values around zero keep their digits in float32 leaves, and penalties mean the same for any target.
        self.head = self.target.head(train.y, train.weights, "means")
        x, y = present(train.x.numeric), self.head.encode(train.y)
        forest = self.make(not self.target.is_classification).set_params(warm_start=True)
        chunk = 1
        while self.n_trees < self.wanted:
            started, done = clock.stopwatch(), self.n_trees
            forest.set_params(n_estimators=min(done + chunk, self.wanted)).fit(x, y, sample_weight=train.weights)
            grown = ensemble_of(
                [tree.tree_ for tree in forest.estimators_[done:]], _codes(forest), self.target.n_classes or 1
            )
            if self.target.quantiles:
                grown = with_quantiles(grown, x, y, train.weights, self.target.quantiles)
            self.ensemble = TreeEnsemble.join([self.ensemble, grown]) if done else grown
            self.n_trees = self.ensemble.n_trees
            seconds_per_tree = (clock.stopwatch() - started) / (self.n_trees - done)
            chunk = next_chunk(chunk, seconds_per_tree)
            yield self.n_trees / self.wanted

    def predict(self, x: Rows) -> np.ndarray:
        """Return (n, width) probabilities or values."""
        return self.head.predict(self.ensemble.predict(present(x.numeric)))

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        """Add the forest to ``graph``; return its output, (n, width)."""
        return self.head.emit(graph, self.ensemble.emit(graph, inputs["numeric"]))

    def trimmed(self, n_trees: int) -> "Forest":
        """Return a forest of the first ``n_trees`` trees."""
        smaller = object.__new__(type(self))
        smaller.__dict__ |= self.__dict__ | {"n_trees": n_trees, "ensemble": self.ensemble.trimmed(n_trees)}
        return smaller


def _codes(forest: Any) -> np.ndarray:
    return getattr(forest, "classes_", np.zeros(1, int)).astype(np.int32)


def with_quantiles(
    trees: TreeEnsemble, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None, quantiles: Sequence[float]
) -> TreeEnsemble:
    """Return the trees with the quantiles, (k,), of the rows (x, y) that are in each leaf as its values.

    A quantile is the first of a leaf's values, in order, up to which that share of its rows (of their weights) lies.
    """
    leaf = trees.leaves(x).ravel()
    values, own = (np.tile(part, trees.n_trees) for part in (y, np.ones(len(y)) if weights is None else weights))
    order = np.lexsort((values, leaf))
    leaf, values, mass = leaf[order], values[order], np.cumsum(own[order])
    nodes, first, n_rows = np.unique(leaf, return_index=True, return_counts=True)
    last = first + n_rows - 1
    before = mass[first] - own[order][first]
    wanted = before[:, None] + np.outer(mass[last] - before, quantiles)
    found = np.clip(np.searchsorted(mass, wanted), first[:, None], last[:, None])
    k = len(quantiles)
    return replace(
        trees,
        value_node=np.repeat(nodes, k).astype(np.int32),
        value_target=np.tile(np.arange(k), len(nodes)).astype(np.int32),
        value=values[found].ravel().astype(np.float32),
        base=np.zeros(k),
    )


def ensemble_of(trees: Sequence[Any], codes: np.ndarray, n_targets: int) -> TreeEnsemble:
    """Return scikit-learn's fitted ``tree_`` objects as the mean of the trees.

    ``codes``: the target, one of ``n_targets``, that each column of the trees' values belongs to.
    """
    starts = np.cumsum([0, *(tree.node_count for tree in trees)]).astype(np.int32)

    def stack(name: str) -> np.ndarray:
        return np.concatenate([getattr(tree, name) for tree in trees])

    left, right = stack("children_left"), stack("children_right")
    shift = np.repeat(starts[:-1], np.diff(starts))
    leaf = left < 0
    values = np.concatenate([tree.value[:, 0, :] for tree in trees])
    node, column = np.nonzero(np.where(leaf[:, None], values, 0))
    return TreeEnsemble(
        starts=starts,
        feature=np.where(leaf, 0, stack("feature")).astype(np.int32),
        threshold=np.where(leaf, np.float32(0), floor32(stack("threshold"))),
        left=np.where(leaf, -1, left + shift).astype(np.int32),
        right=np.where(leaf, -1, right + shift).astype(np.int32),
        missing_left=stack("missing_go_to_left").astype(bool) & ~leaf,
        value_node=node.astype(np.int32),
        value_target=codes[column],
        value=values[node, column].astype(np.float32),
        base=np.zeros(n_targets),
        aggregate="mean",
    )
