"""Forests of scikit-learn, grown in chunks and kept as flat arrays."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.export.trees import TreeEnsemble, floor32
from automl.task import Batch, Rows, Task

if TYPE_CHECKING:
    from automl.export.graph import Graph

_CHUNK_SECONDS = 0.5


class Forest:
    """A model that averages trees; ``make(regression)`` returns the unfitted scikit-learn forest.

    The trees are turned into a ``TreeEnsemble`` as they grow, which predicts exactly as
    scikit-learn does and is several times smaller than its estimators.
    """

    def __init__(self, make: Callable[[bool], Any], n_trees: int, task: Task) -> None:
        self.make = make
        self.wanted = n_trees
        self.task_classes = task.n_classes
        self.ensemble: TreeEnsemble | None = None

    @property
    def n_trees(self) -> int:
        """The number of trees grown so far."""
        return 0 if self.ensemble is None else self.ensemble.n_trees

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Grow the forest in chunks; yields the share of its trees. ``valid`` is not used."""
        x, y, base = train.x.numeric, train.y, np.zeros(self.task_classes)
        if not self.task_classes:
            # Leaves around zero keep their digits in float32.
            base = np.array([np.average(y, weights=train.weights)])
            y = y - base
        forest = self.make(not self.task_classes).set_params(warm_start=True)
        chunk = 1
        while self.n_trees < self.wanted:
            started, done = time.perf_counter(), self.n_trees
            forest.set_params(n_estimators=min(done + chunk, self.wanted)).fit(x, y, sample_weight=train.weights)
            grown = ensemble_of([tree.tree_ for tree in forest.estimators_[done:]], base, _codes(forest))
            self.ensemble = TreeEnsemble.join([self.ensemble, grown]) if self.ensemble else grown
            seconds_per_tree = (time.perf_counter() - started) / (self.n_trees - done)
            chunk = max(1, min(4 * chunk, int(_CHUNK_SECONDS / seconds_per_tree)))
            yield self.n_trees / self.wanted

    def predict(self, x: Rows) -> np.ndarray:
        """Return (n, n_classes) probabilities or (n,) values."""
        prediction = self.ensemble.predict(x.numeric)
        return prediction if self.task_classes else prediction[:, 0]

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        """Add the forest to ``graph``; return its output, (n, n_classes) or (n, 1)."""
        return self.ensemble.emit(graph, inputs["numeric"])

    def trimmed(self, n_trees: int) -> "Forest":
        """Return a forest of the first ``n_trees`` trees."""
        smaller = object.__new__(type(self))
        smaller.__dict__ |= self.__dict__ | {"ensemble": self.ensemble.trimmed(n_trees)}
        return smaller


def _codes(forest: Any) -> np.ndarray:
    return getattr(forest, "classes_", np.zeros(1, int)).astype(np.int32)


def ensemble_of(trees: Sequence[Any], base: np.ndarray, codes: np.ndarray) -> TreeEnsemble:
    """Return scikit-learn's fitted ``tree_`` objects as one mean of trees.

    ``codes``: the target that each column of the trees' values belongs to.
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
        base=base,
        aggregate="mean",
    )
