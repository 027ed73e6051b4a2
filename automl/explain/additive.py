"""Whether a shipped graph is a sum of trees, perhaps under one link, and what its trees add to each answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import onnx

from automl.explain import tree_shap
from automl.explain.mixed import RowPool, Subject, plain
from automl.export.reading import Reading
from automl.export.tree_reading import read_trees
from automl.export.trees import TreeEnsemble
from automl.runtime.encode import encode
from automl.runtime.session import open_session

Link = Literal["none", "softmax", "exp"]
# Nodes of all trees times background rows. With more, sampling is faster and close enough.
MOST_WORK = 200_000_000
# For each row, how many background rows are asked which numbers each column makes.
PROBES = 8


@dataclass(frozen=True)
class Term:
    """Trees, the tensor of numbers that they ask about, and what their raw outputs weigh in the scores, (k, width)."""

    trees: TreeEnsemble
    numeric: str
    weight: np.ndarray


@dataclass(frozen=True)
class Additive:
    """A model whose scores are a constant plus the ``terms``; its answers are ``link`` of the scores."""

    terms: tuple[Term, ...]
    link: Link

    @property
    def n_nodes(self) -> int:
        """The number of nodes of all trees: the work for a row and a background row grows with it."""
        return sum(term.trees.n_nodes for term in self.terms)


def read(model: onnx.ModelProto) -> Additive | None:
    """Return the trees of a shipped model; None where its answers are no sum of trees under one link."""
    reading = Reading(model)
    tensor, link = model.graph.output[0].name, "none"
    node = reading.maker(tensor, "Cast", "Mul")
    while node is not None and (node.op_type == "Cast" or _is_one(reading, node)):
        tensor = node.input[0]
        node = reading.maker(tensor, "Cast", "Mul")
    node = reading.maker(tensor, "Softmax", "Exp")
    if node is not None:
        tensor, link = node.input[0], node.op_type.lower()
    terms = _terms(reading, tensor)
    return None if not terms else Additive(tuple(terms), link)  # type: ignore[arg-type]


def _is_one(reading: Reading, node: Any) -> bool:
    return reading.is_constant(node.input[1]) and bool((reading.constant(node.input[1]) == 1).all())


def _terms(reading: Reading, tensor: str) -> list[Term] | None:
    """Return the trees that ``tensor`` is a linear function of; None where it is no such function."""
    found = read_trees(reading, tensor)
    if found is not None:
        return [Term(*found, np.eye(found[0].n_targets))]
    node = reading.maker(tensor)
    if node is None or node.op_type not in ("Cast", "Add", "Sum", "Mul", "MatMul"):
        return None
    if node.op_type in ("Mul", "MatMul"):
        terms = _terms(reading, node.input[0]) if reading.is_constant(node.input[1]) else None
        return None if terms is None else _scaled(terms, reading.constant(node.input[1]), node.op_type)
    parts = [_terms(reading, name) for name in node.input if not reading.is_constant(name)]
    return None if None in parts else [term for part in parts for term in part or ()]


def _scaled(terms: Sequence[Term], by: np.ndarray, how: str) -> list[Term]:
    return [replace(term, weight=term.weight @ by if how == "MatMul" else term.weight * by) for term in terms]


def shapley_values(
    subject: Subject, model: Additive, pool: RowPool, rows: np.ndarray, background: np.ndarray
) -> np.ndarray | None:
    """Return what each feature adds to the scores of each row, (n, p, width), exactly.

    None where the numbers that trees ask about cannot each be put down to one feature of the pool, as those of a
    projection. ``rows``, ``background``: rows of the pool.
    """
    numbers = _Numbers(subject, [term.numeric for term in model.terms])
    at_rows, at_background = (numbers.of(pool, plain(len(pool.features), index)) for index in (rows, background))
    groups = _groups(numbers, pool, rows, background, at_rows, at_background)
    if groups is None:
        return None
    width = model.terms[0].weight.shape[1]
    total = np.zeros((len(rows), len(pool.features), width))
    for term in model.terms:
        group = groups[term.numeric]
        found = tree_shap.shapley_values(term.trees, group, at_rows[term.numeric], at_background[term.numeric])
        total[:, : found.shape[1]] += found @ term.weight
    return total


class _Numbers:
    """The numbers that the trees of a graph ask about."""

    def __init__(self, subject: Subject, tensors: Sequence[str]) -> None:
        self.subject, self.tensors = subject, list(dict.fromkeys(tensors))
        model = onnx.load_from_string(subject.graph())
        del model.graph.output[:]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in self.tensors)
        self.session = open_session(model.SerializeToString(), threads=1)
        self.inputs = {given.name for given in self.session.get_inputs()}

    def of(self, pool: RowPool, source: np.ndarray) -> dict[str, np.ndarray]:
        """Return the numbers, (m, q) by tensor, of the rows that ``source`` says."""
        columns, _ = pool.mixed(source)
        feed = {n: v for n, v in encode(self.subject.schema, columns).items() if n in self.inputs}
        return dict(zip(self.tensors, self.session.run(self.tensors, feed), strict=True))


def _groups(
    numbers: _Numbers,
    pool: RowPool,
    rows: np.ndarray,
    background: np.ndarray,
    at_rows: dict[str, np.ndarray],
    at_background: dict[str, np.ndarray],
) -> dict[str, np.ndarray] | None:
    """Return the feature that each number belongs to, by tensor; None where one follows two, or not one alone.

    Found by asking: row z with feature j of row x has to have the numbers of x that are j's, and those of z else.
    """
    p = len(pool.features)
    x = np.repeat(np.arange(len(rows)), min(PROBES, len(background)))
    z = (np.arange(len(x)) * 7919) % len(background)
    owner = {name: np.full(array.shape[1], -1) for name, array in at_rows.items()}
    for j in range(p):
        source = plain(p, background[z])
        source[:, j] = rows[x]
        for name, array in numbers.of(pool, source).items():
            changed = ~_same(array, at_background[name][z])
            own = changed.any(axis=0)
            if (own & (owner[name] >= 0)).any() or not _same(array, at_rows[name][x])[:, own].all():
                return None
            owner[name][own] = j
    for name, group in owner.items():
        # What no feature changes alone must be alike in both rows.
        if not _same(at_rows[name][x], at_background[name][z])[:, group < 0].all():
            return None
    return {name: np.where(group < 0, 0, group) for name, group in owner.items()}


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a == b) | (np.isnan(a) & np.isnan(b))
