"""Categories to numbers: one column per level, one number per level, or left for models that take them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from automl import option
from automl.search_spaces.features.blocks import Identity, append_numeric, append_tensor, has_columns
from automl.space import Choice, Float, Int, Params
from automl.task import Problem, Rows, present
from automl.types import FeatureStep

if TYPE_CHECKING:
    from automl.export.graph import Graph

SPACE = {
    "method": Choice(
        {
            "onehot": {
                "max_levels": Int(4, 128, log=True, default=32),
                "min_frequency": Int(1, 50, log=True, default=2),
                # Missing, unseen and rare levels: all zeros, or a column of their own.
                "others": Choice(["own", "zeros"]),
            },
            "target": {
                "smoothing": Float(0.1, 200.0, log=True, default=10.0),
                # A level's number beside its mean: trees can then tell levels of the same mean apart.
                "codes": Choice([False, True]),
            },
            "frequency": {},
            "ordinal": {},
            "native": {},
        }
    )
}
_CROSS_FITS = 5
_COMMON = 100  # rows of a level whose mean hardly depends on any one of them


def build(params: Params, problem: Problem) -> FeatureStep:
    """Make the step; ``native`` keeps the codes."""
    method = params["method"]
    if method == "native":
        return Identity()
    if method == "onehot":
        max_levels, min_frequency = params["method.onehot.max_levels"], params["method.onehot.min_frequency"]
        return OneHot(max_levels, min_frequency, params["method.onehot.others"] == "own")
    if method == "target":
        smoothing, codes = params["method.target.smoothing"], params["method.target.codes"]
        return TargetMean(smoothing, codes, problem.target.n_classes, problem.seed)
    return Lookup(method)


class OneHot:
    """One 0/1 column per frequent level; at least one level of a column is always kept."""

    def __init__(self, max_levels: int, min_frequency: int, own: bool) -> None:
        self.max_levels, self.min_frequency, self.own = max_levels, min_frequency, own
        self.owner: list[int] = []  # the input column of each output column

    def fit_transform(self, x: Rows, y: np.ndarray) -> Rows:
        if not has_columns(x.categories):
            return x
        self.offsets = _offsets(x.cardinalities)
        # The output column of every (column, code), counted over all columns; -1 is all zeros.
        self.positions = np.full(sum(x.cardinalities), -1, np.int64)
        for j, cardinality in enumerate(x.cardinalities):
            counts = np.bincount(x.categories[:, j], minlength=cardinality)[1:]
            order = np.argsort(-counts, kind="stable")[: self.max_levels]
            kept = 1 + np.sort(order[counts[order] >= min(self.min_frequency, max(counts.max(initial=1), 1))])
            start, here = len(self.owner), self.positions[self.offsets[j] : self.offsets[j] + cardinality]
            here[kept] = start + np.arange(len(kept))
            here[here < 0] = start + len(kept) if self.own or not len(kept) else -1
            self.owner += [j] * (here.max() + 1 - start)
        return self.transform(x)

    def transform(self, x: Rows) -> Rows:
        if not self.owner:
            return x
        positions = self.positions[present(x.categories) + self.offsets]
        n_before = x.numeric.shape[1] if has_columns(x.numeric) else 0
        out = np.zeros((len(positions), n_before + len(self.owner)), np.float32)
        if n_before:
            out[:, :n_before] = x.numeric
        rows, columns = np.nonzero(positions >= 0)
        out[rows, n_before + positions[rows, columns]] = 1
        return _without_categories(replace(x, numeric=out))

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> dict[str, str]:
        if not self.owner:
            return dict(inputs)
        codes = graph.op("Add", inputs["categories"], graph.constant(self.offsets))
        positions = graph.columns(graph.op("Gather", graph.constant(self.positions), codes), self.owner)
        equal = graph.op("Equal", positions, graph.constant(np.arange(len(self.owner))))
        return _encoded(graph, inputs, graph.cast(equal, np.float32))


class Lookup:
    """``width`` numbers per level, read from a table: its code, or its share of the training rows."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.table: np.ndarray | None = None  # (sum of cardinalities, width)

    def fit_transform(self, x: Rows, y: np.ndarray) -> Rows:
        if not has_columns(x.categories):
            return x
        self.offsets = _offsets(x.cardinalities)
        if self.method == "ordinal":
            table = _level_codes(x)
        else:
            flat = (x.categories + self.offsets).ravel()
            table = np.bincount(flat, minlength=sum(x.cardinalities)) / len(x.categories)
        self.table = table[:, None].astype(np.float32)
        return self.transform(x)

    def transform(self, x: Rows) -> Rows:
        if self.table is None:
            return x
        values = self.table[present(x.categories) + self.offsets]  # (n, c, width)
        return _without_categories(append_numeric(x, values.reshape(len(values), -1)))

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> dict[str, str]:
        if self.table is None:
            return dict(inputs)
        codes = graph.op("Add", inputs["categories"], graph.constant(self.offsets))
        values = graph.op("Gather", graph.constant(self.table), codes)
        width = len(self.offsets) * self.table.shape[1]
        return _encoded(graph, inputs, graph.op("Reshape", values, graph.constant(np.array([-1, width]))))


class TargetMean(Lookup):
    """The mean target of a level, shrunk to the overall mean by ``smoothing`` imagined rows.

    One column per class (one alone for binary targets and regression), and one more with ``codes``.
    Training rows of a rare level get a mean that was learned without them, so that the model does
    not trust it too much. Rows of a common level get its mean as it is: five slightly different
    ones would tell a tree which part a row is in, and that gives its target away.
    Reference: Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes", 2001.
    """

    def __init__(self, smoothing: float, codes: bool, n_classes: int, seed: int) -> None:
        super().__init__("target")
        self.smoothing, self.codes, self.n_classes, self.seed = smoothing, codes, n_classes, seed

    def fit_transform(self, x: Rows, y: np.ndarray) -> Rows:
        if not has_columns(x.categories):
            return x
        self.offsets = _offsets(x.cardinalities)
        targets = np.eye(self.n_classes)[y] if self.n_classes > 2 else np.asarray(y, np.float64)[:, None]
        codes = x.categories + self.offsets
        n_parts = min(_CROSS_FITS, len(y))
        part = np.random.default_rng(self.seed).permutation(len(y)) % n_parts
        sums, counts = zip(*(self._sums(codes[part == i], targets[part == i], x) for i in range(n_parts)), strict=True)
        total_sum, total_count = reduce(np.add, sums), reduce(np.add, counts)
        self.table = self._table(total_sum, total_count, x)
        common = (total_count >= _COMMON)[:, None]
        values = np.empty((*codes.shape, self.table.shape[1]), np.float32)
        for i in range(n_parts):
            without = self._table(total_sum - sums[i], total_count - counts[i], x)
            values[part == i] = np.where(common, self.table, without)[codes[part == i]]
        return _without_categories(append_numeric(x, values.reshape(len(y), -1)))

    @staticmethod
    def _sums(codes: np.ndarray, targets: np.ndarray, x: Rows) -> tuple[np.ndarray, np.ndarray]:
        n, c = sum(x.cardinalities), codes.shape[1]
        flat = codes.ravel()
        sums = [np.bincount(flat, weights=np.repeat(t, c), minlength=n) for t in targets.T]
        return np.stack(sums, axis=1), np.bincount(flat, minlength=n)

    def _table(self, sums: np.ndarray, counts: np.ndarray, x: Rows) -> np.ndarray:
        prior = sums.sum(axis=0) / max(counts.sum(), 1)
        means = (sums + self.smoothing * prior) / (counts[:, None] + self.smoothing)
        beside = [_level_codes(x)[:, None]] if self.codes else []
        return np.hstack([means, *beside]).astype(np.float32)


def _level_codes(x: Rows) -> np.ndarray:
    """Return the code of every (column, level), columns one after the other."""
    return np.concatenate([np.arange(c) for c in x.cardinalities])


def _offsets(cardinalities: tuple[int, ...]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(cardinalities)[:-1]]).astype(np.int64)


def _without_categories(x: Rows) -> Rows:
    return replace(x, categories=None, cardinalities=())


def _encoded(graph: "Graph", inputs: Mapping[str, str], columns: str) -> dict[str, str]:
    others = {name: tensor for name, tensor in inputs.items() if name != "categories"}
    return {**others, "numeric": append_tensor(graph, inputs, columns)}


OPTION = option.Step(space=SPACE, build=build, reads=("categorical",), after=("impute",))
