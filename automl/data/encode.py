"""Raw input -> ``Rows``, by the very code that predicts in production (``automl.runtime``)."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from scipy import sparse as sp

from automl.data.source import data_errors
from automl.runtime.columns import to_columns
from automl.runtime.encode import encode
from automl.runtime.encode_array import encode_array
from automl.runtime.subwords import MOST_SUBWORDS
from automl.runtime.tokens import TextReaders, text_readers, tokenize
from automl.task import Rows, Schema

_PREPARED: WeakKeyDictionary[Schema, tuple[dict[str, Any], TextReaders]] = WeakKeyDictionary()


def rows(schema: Schema, x: Any, lengths: Any = None, row_numbers: Sequence[int] | None = None) -> Rows:
    """Encode a table (frame, columns, array), images or sequences as the schema says.

    ``lengths``: (n,) steps of each sequence. ``row_numbers``: how errors call the rows (default: 1, 2, ...). Raises
    ``DataError`` that names the column, the row and the value.
    """
    plain, read = _prepared(schema)
    with data_errors():
        if schema.kind in ("image", "sequence"):
            arrays = encode_array(plain, x, lengths, row_numbers)
            return Rows(image=arrays.get("image"), sequence=arrays.get("sequence"), lengths=arrays.get("lengths"))
        columns = to_columns(plain, x)
        parts = encode(plain, columns, row_numbers, wanted=("numeric", "categories"), read=read)
        counts = _term_counts(schema, *tokenize(read["tokens"], columns)) if _terms(schema) else None
        subwords = _subwords(schema, *tokenize(read["subwords"], columns)) if read["subwords"] else None
    levels = [c.levels for c in schema.columns if c.role == "categorical"]
    return Rows(
        numeric=parts.get("numeric"),
        categories=_codes(parts["categories"], levels) if levels else None,
        sparse=counts,
        subwords=subwords,
        cardinalities=tuple(len(known) + 1 for known in levels),
    )


def _prepared(schema: Schema) -> tuple[dict[str, Any], TextReaders]:
    """Return what the runtime needs of a schema; it is kept as long as the schema is, for the next prediction."""
    found = _PREPARED.get(schema)
    if found is None:
        plain = schema.to_dict()
        found = _PREPARED[schema] = plain, text_readers(plain)
    return found


def _codes(categories: np.ndarray, levels: list[tuple[str, ...]]) -> np.ndarray:
    """Return (n, c) int32: 1..k for the known levels, 0 for anything else."""
    codes = np.empty(categories.shape, dtype=np.int32)
    for j, known in enumerate(levels):
        code = {level: i for i, level in enumerate(known, 1)}
        codes[:, j] = [code.get(value, 0) for value in categories[:, j].tolist()]
    return codes


def _terms(schema: Schema) -> int:
    return sum(len(c.terms) for c in schema.columns)


def _term_counts(schema: Schema, ids: np.ndarray, counts: np.ndarray) -> sp.csr_matrix:
    """Return (n, v) float32: how often each row has each term."""
    starts = np.concatenate([[0], np.cumsum(counts)])
    shape = (len(counts), _terms(schema))
    matrix = sp.csr_matrix((np.ones(len(ids), dtype=np.float32), ids, starts), shape=shape)
    matrix.sum_duplicates()
    return matrix


def _subwords(schema: Schema, ids: np.ndarray, counts: np.ndarray) -> sp.csr_matrix:
    """Return (n, longest) int32: the ids of each row in their order, at its first places."""
    starts = np.concatenate([[0], np.cumsum(counts)])
    places = np.arange(len(ids)) - np.repeat(starts[:-1], counts)
    longest = MOST_SUBWORDS * sum(bool(c.subwords) for c in schema.columns)
    return sp.csr_matrix((ids.astype(np.int32), places, starts), shape=(len(counts), longest))
