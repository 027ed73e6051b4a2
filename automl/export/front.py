"""The first nodes of every shipped graph: from raw inputs to the tensors that models take."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import csr_matrix

from automl.export.graph import ML, Graph
from automl.runtime.tokens import even_spans, ids_per_row, padded_ids
from automl.task import Rows, Schema


def declare_inputs(graph: Graph, schema: Schema, rows: Rows) -> dict[str, str]:
    """Declare the raw inputs that ``rows`` has and return the tensors of ``Rows`` by field name.

    Raw inputs: ``numeric`` float32 (n, p), ``categories`` strings (n, c), ``tokens`` int64 (n, length)
    padded with -1, ``subwords`` int64 (n, length) padded with 0, ``image`` (n, h, w, channels), ``sequence`` (n, steps,
    channels), ``lengths`` (n,).
    """
    parts = rows.parts()
    tensors: dict[str, str] = {}
    if "numeric" in parts and parts["numeric"].shape[1]:
        tensors["numeric"] = graph.input("numeric", np.float32, [parts["numeric"].shape[1]])
    if "categories" in parts and parts["categories"].shape[1]:
        levels = [c.levels for c in schema.columns if c.role == "categorical"]
        tensors["categories"] = _codes(graph, graph.input("categories", str, [len(levels)]), levels)
    if "sparse" in parts:
        tensors["sparse"] = _counts(graph, graph.input("tokens", np.int64, ["tokens"]), parts["sparse"].shape[1])
    if "subwords" in parts:
        tensors["subwords"] = graph.input("subwords", np.int64, ["subwords"])
    if "image" in parts:
        tensors["image"] = graph.input("image", np.float32, list(schema.shape))
    if "sequence" in parts:
        tensors["sequence"] = graph.input("sequence", np.float32, list(schema.shape))
        tensors["lengths"] = graph.input("lengths", np.int64, [])
    return tensors


def _codes(graph: Graph, strings: str, levels: Sequence[Sequence[str]]) -> str:
    """Known levels become 1..k, everything else 0."""
    encoded = []
    for i, known in enumerate(levels):
        column = graph.columns(strings, [i])
        values = list(range(1, len(known) + 1))
        keys = {"keys_strings": list(known), "values_int64s": values, "default_int64": 0}
        encoded.append(graph.op("LabelEncoder", column, domain=ML, **keys))
    return graph.concat(encoded)


def _counts(graph: Graph, tokens: str, n_terms: int) -> str:
    """Count each term of a row: scatter-add ones into zeros, with one spare column for the padding."""
    rows = graph.op("Shape", tokens, start=0, end=1)
    shape = graph.op("Concat", rows, graph.constant(np.array([n_terms + 1], np.int64)), axis=0)
    zeros = graph.op("Expand", graph.constant(np.zeros(1, np.float32)), shape)
    index = graph.op(
        "Where",
        graph.op("Less", tokens, graph.constant(np.array(0, np.int64))),
        graph.constant(np.array(n_terms, np.int64)),
        tokens,
    )
    ones = graph.op("Expand", graph.constant(np.ones(1, np.float32)), graph.op("Shape", tokens))
    counted = graph.op("ScatterElements", zeros, index, ones, axis=1, reduction="add")
    start, end, axis = (graph.constant(np.array([v], np.int64)) for v in (0, n_terms, 1))
    return graph.op("Slice", counted, start, end, axis)


def chunks(rows: Rows, n_rows: int) -> Iterator[Rows]:
    """Yield ``rows`` in parts of up to ``n_rows``; a long text, whose tokens widen its part, is in a small one."""
    for start in range(0, len(rows), n_rows):
        part = rows.take(slice(start, start + n_rows))
        counts = {}
        if part.sparse is not None:
            counts["tokens"] = np.asarray(part.sparse.sum(axis=1)).ravel().astype(np.int64)
        if part.subwords is not None:
            counts["subwords"] = np.diff(part.subwords.indptr)
        if not counts:
            yield part
            continue
        yield from (part.take(slice(a, b)) for a, b in even_spans(ids_per_row(counts)))


def raw_inputs(schema: Schema, rows: Rows) -> dict[str, np.ndarray]:
    """Return the raw inputs of the graph for some ``rows``: the way back from ``declare_inputs``."""
    inputs = {name: value for name, value in rows.parts().items() if name in ("numeric", "sequence", "lengths")}
    if rows.numeric is not None and not rows.numeric.shape[1]:
        del inputs["numeric"]
    if rows.image is not None:
        inputs["image"] = rows.image.astype(np.float32)
    if rows.categories is not None and rows.categories.shape[1]:
        levels = [np.array(["", *c.levels], object) for c in schema.columns if c.role == "categorical"]
        inputs["categories"] = np.stack([known[rows.categories[:, i]] for i, known in enumerate(levels)], axis=1)
    if rows.sparse is not None:
        inputs["tokens"] = _tokens(rows.sparse)
    if rows.subwords is not None:
        inputs["subwords"] = padded_ids("subwords", rows.subwords.data, np.diff(rows.subwords.indptr))
    return inputs


def _tokens(counts: csr_matrix) -> np.ndarray:
    """Write each term as often as it was counted, padded with -1."""
    times = counts.data.astype(np.int64)
    terms = np.repeat(counts.indices.astype(np.int64), times)
    owner = np.repeat(np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr)), times)
    return padded_ids("tokens", terms, np.bincount(owner, minlength=counts.shape[0]))
