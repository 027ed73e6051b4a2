"""The weighting of terms, in NumPy and in ONNX: shared by text families and feature steps."""

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse as sp

if TYPE_CHECKING:
    from automl.export.graph import Graph


class Tfidf:
    """Counts of terms to unit vectors of term frequency times inverse document frequency.

    Reference: Salton and Buckley, "Term-weighting approaches in automatic text retrieval", 1988. The
    inverse frequency is the smooth one of scikit-learn: ``log((1 + n) / (1 + df)) + 1``.
    """

    def __init__(self, sublinear: bool = True) -> None:
        self.sublinear = sublinear

    def fit(self, counts: sp.csr_matrix, allowed: np.ndarray | None = None, min_documents: int = 1) -> "Tfidf":
        """Learn from (n, v) ``counts``; only ``allowed`` (v,) terms in ``min_documents`` rows or more are kept.

        Where no term is frequent enough, all allowed ones are kept.
        """
        documents = counts.getnnz(axis=0)
        allowed = np.ones(len(documents), bool) if allowed is None else allowed
        frequent = allowed & (documents >= min_documents)
        self.n_terms = len(documents)
        self.kept = np.flatnonzero(frequent if frequent.any() else allowed)
        self.idf = (np.log((1 + counts.shape[0]) / (1 + documents[self.kept])) + 1).astype(np.float32)
        return self

    def transform(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        """Return (n, len(kept)) float32 rows of length 1; a row without known terms stays zero."""
        rows = sp.csr_matrix(counts if len(self.kept) == self.n_terms else counts[:, self.kept], dtype=np.float32)
        data = 1 + np.log(rows.data) if self.sublinear else rows.data
        data = data * self.idf[rows.indices]
        lengths = np.diff(rows.indptr)
        owner = np.repeat(np.arange(len(lengths)), lengths)
        norms = np.sqrt(np.bincount(owner, weights=np.square(data, dtype=np.float64), minlength=len(lengths)))
        data = (data / norms[owner]).astype(np.float32)
        return sp.csr_matrix((data, rows.indices, rows.indptr), shape=rows.shape)

    def write(self, graph: "Graph", counts: str, weight: np.ndarray) -> str:
        """Add ``transform(counts) @ weight`` to ``graph``; ``weight`` is (len(kept), k)."""
        x = counts if len(self.kept) == self.n_terms else graph.columns(counts, self.kept)
        if self.sublinear:
            one = graph.constant(np.float32(1))
            x = graph.op("Add", graph.op("Log", graph.op("Max", x, one)), graph.op("Min", x, one))
        x = graph.op("Mul", x, graph.constant(self.idf))
        norms = graph.op("ReduceL2", x, graph.constant(np.array([1], np.int64)), keepdims=1)
        # The norm is divided out at the end: k columns instead of v.
        product = graph.op("MatMul", x, graph.constant(weight.astype(np.float32)))
        return graph.op("Div", product, graph.op("Max", norms, graph.constant(np.float32(1e-20))))
