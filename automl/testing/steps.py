"""What every feature step keeps: it learns from training rows alone, changes none, and its graph says the same."""

import itertools
import pickle
from collections.abc import Collection
from typing import Any

import numpy as np
from scipy import sparse as sp

from automl import registry
from automl.assemble import has_input, in_order
from automl.errors import NotApplicable
from automl.export.graph import Graph
from automl.option import Step
from automl.runtime.session import open_session
from automl.space import Params
from automl.task import Batch, Rows, TargetKind, Task
from automl.testing.rules import N_BUILDS, about, check_close, check_methods, drawn_with, draws
from automl.testing.tasks import make_task


def check_step(step: Step, targets: Collection[TargetKind]) -> None:
    """Check a feature step on tables and texts with each of the ``targets``."""
    every = {name: registry.load("features", name) for name in registry.loadable("features")}
    with about("the part 'after'"):
        in_order({**every, "this step": step})
    checked, reason = 0, f"no data of this check has a column that it reads: {tuple(step.reads)}"
    for kind, target in itertools.product(("table", "text"), targets):
        task = make_task(kind, target)
        for params in draws(step.space, N_BUILDS) if has_input(step, task.problem) else ():
            with about(f"on a {kind} with a {target} target, {drawn_with(params)}"):
                try:
                    made = step.build(params, task.problem)
                except NotApplicable as error:
                    reason = f"it is never applicable: {error}"
                    continue
                _check_made(step, params, made, task)
                checked += 1
    assert checked, f"a feature step works on some data; {reason}"


def _check_made(step: Step, params: Params, made: Any, task: Task) -> None:
    check_methods(made, ("fit_transform", "transform", "to_onnx"), "a feature step")
    train, valid = task.fold(0)
    before = _copied(train)
    seen = made.fit_transform(train.x, train.y)
    assert len(seen) == len(train), f"a step gives as many rows as it is given, {len(train)}; got {len(seen)}"
    _check_unchanged(train, before, "fit_transform")
    fitted = pickle.loads(pickle.dumps(made))
    for x in (valid.x, valid.x.take(slice(0, 1))):
        expected = _dense(fitted.transform(x))
        answer = _run_step(fitted, x)
        assert answer.keys() == expected.keys(), (
            f"the graph gives the parts that 'transform' gives, {sorted(expected)}; it gives {sorted(answer)}"
        )
        for part, values in expected.items():
            check_close(answer[part], values, f"the graph gives what 'transform' gives as {part}")
    again = fitted.transform(train.x)
    _check_unchanged(train, before, "transform")
    if not _learns_from_y(step, params, fitted, task):
        _check_same(seen, again, "'fit_transform' gives what 'transform' gives where nothing is learned from y")


def _learns_from_y(step: Step, params: Params, fitted: Any, task: Task) -> bool:
    """Whether targets of other rows make another step: such a one may cross-fit, and tell training rows less."""
    train, valid = task.fold(0)
    other = step.build(params, task.problem)
    other.fit_transform(train.x, train.y[::-1].copy())
    one, two = _dense(fitted.transform(valid.x)), _dense(other.transform(valid.x))
    return one.keys() != two.keys() or any(not _equal(values, two[part]) for part, values in one.items())


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-5, atol=1e-6, equal_nan=True))


def _check_same(one: Rows, other: Rows, rule: str) -> None:
    first, second = _dense(one), _dense(other)
    assert first.keys() == second.keys(), f"{rule}; the parts are {sorted(first)} and {sorted(second)}"
    for part, values in first.items():
        check_close(values, second[part], rule)


def _copied(rows: Batch) -> tuple[dict[str, np.ndarray], np.ndarray]:
    return _dense(rows.x), rows.y.copy()


def _check_unchanged(rows: Batch, before: tuple[dict[str, np.ndarray], np.ndarray], method: str) -> None:
    parts, y = before
    assert np.array_equal(rows.y, y), f"'{method}' leaves y as it is"
    for part, values in _dense(rows.x).items():
        same = np.array_equal(values, parts[part], equal_nan=values.dtype.kind == "f")
        assert same, f"'{method}' leaves the rows that it is given as they are; {part} is another"


def _run_step(step: Any, x: Rows) -> dict[str, np.ndarray]:
    """Answer with the graph of a step alone."""
    graph, given = Graph(), _dense(x)
    inputs = {part: graph.input(part, values.dtype, values.shape[1:]) for part, values in given.items()}
    outputs = {f"{part}_out": graph.cast(tensor, np.float32) for part, tensor in step.to_onnx(graph, inputs).items()}
    session = open_session(graph.model(outputs).SerializeToString(), threads=1)
    answers = session.run(None, {i.name: given[i.name] for i in session.get_inputs()})
    return {name.removesuffix("_out"): answer for name, answer in zip(outputs, answers, strict=True)}


def _dense(x: Rows) -> dict[str, np.ndarray]:
    parts = {part: values.toarray() if sp.issparse(values) else values for part, values in x.parts().items()}
    whole = ("categories", "subwords")
    return {part: values.astype(np.int64 if part in whole else np.float32) for part, values in parts.items()}
