"""The ids of the terms and subwords of all rows, and how many rows are padded at once."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from automl.runtime.arrays import as_array
from automl.runtime.schema import Columns, Schema
from automl.runtime.subwords import Subwords
from automl.runtime.terms import Terms

CHUNK_VALUES = 8_000_000  # values held at once while predicting
_VALUES_PER_SUBWORD = 128  # what a network has of each of them at once
TextReaders = Mapping[str, Mapping[str, Any]]


def text_readers(schema: Schema) -> TextReaders:
    """Return what reads each text column, by its name, for the inputs ``tokens`` and ``subwords``.

    Vocabularies are large: keep it between calls.
    """
    terms: dict[str, Terms] = {}
    subwords: dict[str, Subwords] = {}
    n_terms, first = 0, 2
    for column in schema["columns"]:
        if column["role"] == "text":
            vocabulary, known = column.get("terms", ()), column.get("subwords", ())
            terms[column["name"]] = Terms({term: i + n_terms for i, term in enumerate(vocabulary)})
            if known:
                subwords[column["name"]] = Subwords(known, first)
            n_terms, first = n_terms + len(vocabulary), first + len(known)
    return {"tokens": terms, "subwords": subwords}


def tokenize(readers: Mapping[str, Any], columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of all rows one after the other, (m,) int64, and how many each row has, (n,) int64."""
    rows: list[list[int]] = []
    for name, reader in readers.items():
        own = [reader.of(text) for text in as_array(columns[name]).tolist()]
        rows = [a + b for a, b in zip(rows, own, strict=True)] if rows else own
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    return np.fromiter(itertools.chain.from_iterable(rows), np.int64, int(counts.sum())), counts


def padded_ids(name: str, ids: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return what ``tokenize`` gives as (n, longest) int64: the input ``tokens`` or ``subwords`` of a graph."""
    tokens = np.full((len(counts), max(1, int(counts.max(initial=0)))), 0 if name == "subwords" else -1, np.int64)
    tokens[np.arange(tokens.shape[1]) < counts[:, None]] = ids
    return tokens


def ids_of_rows(ids: np.ndarray, counts: np.ndarray, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what ``tokenize`` gave for the rows from ``a`` to ``b``."""
    start = int(counts[:a].sum())
    return ids[start : start + int(counts[a:b].sum())], counts[a:b]


def ids_per_row(counts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what the texts of rows take, (n,), as ``even_spans`` wants it: one long text must not widen others.

    ``counts``: of each input of text, how many ids each row has, (n,).
    """
    weights = {"tokens": 1, "subwords": _VALUES_PER_SUBWORD}
    return np.max([counts[name] * weights[name] for name in counts], axis=0)


def even_spans(counts: np.ndarray, most: int = CHUNK_VALUES) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of rows that padded to the longest of them have up to ``most`` values, or are one row."""
    start = longest = 0
    for end, count in enumerate(counts.tolist()):
        longest = max(longest, count)
        if end > start and longest * (end + 1 - start) > most:
            yield start, end
            start, longest = end, count
    yield start, len(counts)
