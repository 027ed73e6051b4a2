"""Columns of text to a few numbers: TF-IDF, then the strongest directions (latent semantic analysis)."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse as sp

from automl import option
from automl.errors import NotApplicable
from automl.search_spaces.features.blocks import append_numeric, append_tensor, has_columns
from automl.space import Choice, Int, Params
from automl.task import Problem, Rows
from automl.training.tfidf import Tfidf
from automl.types import FeatureStep

if TYPE_CHECKING:
    from automl.export.graph import Graph

SPACE = {"method": Choice({"svd": {"n_components": Int(4, 128, log=True, default=32)}, "none": {}})}
_OTHER = ("numeric", "categorical", "boolean", "datetime")

_LEAST_SPREAD = 1e-3  # of a direction's singular value, relative to the largest


def build(params: Params, problem: Problem) -> FeatureStep:
    """Make the step. ``none`` drops the text; ``NotApplicable`` where there is nothing else."""
    if params["method"] == "none":
        if not any(c.role in _OTHER for c in problem.schema.columns):
            raise NotApplicable("The text step 'none' drops all text columns, and this data has no others: use 'svd'.")
        return Drop()
    return Svd(params["method.svd.n_components"], problem.seed)


class Drop:
    """Takes the counts of terms away."""

    def fit_transform(self, x: Rows, y: np.ndarray) -> Rows:
        return self.transform(x)

    def transform(self, x: Rows) -> Rows:
        return replace(x, sparse=None)

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> dict[str, str]:
        return {name: tensor for name, tensor in inputs.items() if name != "sparse"}


# The newest fits of this process: trials fit the same text of the same folds, most with the same number of components.
_recent: dict[tuple[bytes, int, int], tuple[Tfidf, np.ndarray]] = {}
_MOST_RECENT = 8


def _fitted(counts: sp.csr_matrix, n_components: int, seed: int) -> tuple[Tfidf, np.ndarray]:
    """Return ``_fit``'s result, or the one there is for the same numbers."""
    key = (_digest(counts), n_components, seed)
    known = _recent.pop(key, None)
    _recent[key] = known or _fit(counts, n_components, seed)  # at the end, as the newest
    if len(_recent) > _MOST_RECENT:
        del _recent[next(iter(_recent))]
    return _recent[key]


def _digest(counts: sp.csr_matrix) -> bytes:
    hashed = hashlib.blake2b(repr(counts.shape).encode())
    for part in (counts.indptr, counts.indices, counts.data):
        hashed.update(part.data)
    return hashed.digest()


def _fit(counts: sp.csr_matrix, n_components: int, seed: int) -> tuple[Tfidf, np.ndarray]:
    """Return the weighting of (n, v) ``counts`` and at most ``n_components`` directions, (v, m) float32."""
    from sklearn.decomposition import TruncatedSVD

    tfidf = Tfidf().fit(counts)
    terms = tfidf.transform(counts)
    fitted = TruncatedSVD(min(n_components, *terms.shape), n_iter=3, random_state=seed).fit(terms)
    # A direction without spread is rounding noise, which scaling would blow up.
    strong = fitted.singular_values_ > _LEAST_SPREAD * fitted.singular_values_[0]
    return tfidf, fitted.components_[strong].T.astype(np.float32)


class Svd:
    """Moves ``Rows.sparse`` (n, v) into at most ``n_components`` numeric columns.

    Reference: Deerwester et al., "Indexing by latent semantic analysis", 1990; the factorisation is
    scikit-learn's randomised ``TruncatedSVD``.
    """

    def __init__(self, n_components: int, seed: int) -> None:
        self.n_components, self.seed = n_components, seed
        self.components: np.ndarray | None = None  # (v, m), None while there is no text

    def fit_transform(self, x: Rows, y: np.ndarray) -> Rows:
        if has_columns(x.sparse):
            self.tfidf, self.components = _fitted(x.sparse, self.n_components, self.seed)
        return self.transform(x)

    def transform(self, x: Rows) -> Rows:
        return x if self.components is None else self._with(x, self.tfidf.transform(x.sparse) @ self.components)

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> dict[str, str]:
        if self.components is None:
            return dict(inputs)
        numbers = self.tfidf.write(graph, inputs["sparse"], self.components)
        others = {name: tensor for name, tensor in inputs.items() if name != "sparse"}
        return {**others, "numeric": append_tensor(graph, inputs, numbers)}

    @staticmethod
    def _with(x: Rows, numbers: np.ndarray) -> Rows:
        return replace(append_numeric(x, np.asarray(numbers, np.float32)), sparse=None)


OPTION = option.Step(space=SPACE, build=build, reads=("text",), after=("dates",))
