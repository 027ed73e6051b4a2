"""What every compressor keeps: a smaller model that still is one, of a model and rows that stay as they are."""

import itertools
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from automl import registry
from automl.assemble import build
from automl.export.compress import settings
from automl.export.graph import Graph
from automl.export.member import Member, to_onnx
from automl.export.package import check as check_export
from automl.option import Option
from automl.space import Params
from automl.task import FAMILY_FOLDER, Batch, Rows, TargetKind, Task
from automl.testing.families import KIND_OF, check_answer, quick_params, space_of
from automl.testing.rules import N_BUILDS, about, check_close, check_methods, drawn_with, draws
from automl.testing.tasks import make_task
from automl.training.pipeline import Pipeline

TARGETS: tuple[TargetKind, ...] = ("binary", "regression")
KINDS = (FAMILY_FOLDER["table"], FAMILY_FOLDER["image"])
# Of tables all networks, and so many others, the first in their order: boosted trees and a linear model.
N_OTHERS = 2


class _Unknown:
    """A model that no compressor knows."""

    def fit(self, train: Any, valid: Any) -> Iterator[float]:
        yield 1.0

    def predict(self, x: Rows) -> np.ndarray:
        return np.zeros(len(x))

    def to_onnx(self, graph: Graph, inputs: Mapping[str, str]) -> str:
        return ""


@dataclass(frozen=True)
class _Fitted:
    """A pipeline that was fitted on the training part of the first fold of a task."""

    family: str
    task: Task
    pipeline: Pipeline

    def rows(self, index: np.ndarray) -> Batch:
        """Return rows as the model sees them; those of the task stay as they are, whatever becomes of these."""
        rows = self.task.data.take(index)
        return replace(rows, x=self.pipeline.transform(rows.x))

    def member(self, model: Any) -> Member:
        valid = self.task.splits[0][1]
        pipeline = self.pipeline.with_model(model)
        return Member("0", self.family, 0, 1.0, pipeline, valid, pipeline.predict(self.task.data.x.take(valid)))


def check_compressor(option: Option, models: Mapping[str, Sequence[str]]) -> None:
    """Check a compressor on fitted ``models``, names of families by kind, or where there are none on some of each sort.

    It has to take one of them, and leave alone what it does not know.
    """
    names = [(kind, name) for kind, own in (models or families()).items() for name in own]
    task = make_task("table", "regression")
    for params in draws(option.space, N_BUILDS):
        with about(drawn_with(params)):
            compressor = option.build(params, task.problem)
            check_methods(compressor, ("compress",), "what 'build' of a compressor returns")
            taken = compressor.compress(_Unknown(), task.data.take(np.arange(task.n_rows)))
            assert taken is None, f"a compressor leaves alone what it does not know, by None; it made {taken!r} of it"
    n_taken = 0
    for target, (kind, name) in itertools.product(TARGETS, names):
        if target in registry.load(kind, name).targets:
            for params in settings(option.space):
                with about(f"on '{name}' of {kind} for a {target} target, {drawn_with(params)}"):
                    n_taken += _check_model(option, params, _fitted(kind, name, target))
    assert n_taken, (
        f"a compressor makes some model smaller; it took none of {', '.join(name for _, name in names)}. Name a family "
        "that it is for: check_option('compressors', ..., models={'tables': ['my_family']})"
    )


def families() -> dict[str, list[str]]:
    """Return the families that compressors are tried on: of tables networks and the first others, one of images."""
    tables, images = (registry.available(kind) for kind in KINDS)
    networks = [name for name, family in tables.items() if family.network is not None]
    others = [name for name in tables if name not in networks]
    convolutions = [name for name, family in images.items() if family.network is not None]
    return dict(zip(KINDS, ([*others[:N_OTHERS], *networks], convolutions[:1]), strict=True))


@cache
def _pickled(kind: str, name: str, target: TargetKind) -> bytes:
    """Fit a family's defaults; pickled, so that what becomes of one copy is nothing to the next check."""
    task = make_task(KIND_OF[kind], target)
    space = space_of(kind, name, task)
    assert space is not None, f"there is no space of the family for a {target} target"
    pipeline = build(quick_params(kind, name, space), task.problem)
    for _ in pipeline.fit(*task.fold(0)):
        pass
    return pickle.dumps(pipeline)


def _fitted(kind: str, name: str, target: TargetKind) -> _Fitted:
    return _Fitted(name, make_task(KIND_OF[kind], target), pickle.loads(_pickled(kind, name, target)))


def _check_model(option: Option, params: Params, fitted: _Fitted) -> bool:
    """Compress a fitted model by one setting; return whether it applies."""
    train, valid = fitted.task.splits[0]
    smaller = _compressed(option, params, fitted, fitted.rows(train))
    if smaller is None:
        return False
    answer = _check_answers(fitted, smaller, valid)
    again = _compressed(option, params, fitted, fitted.rows(train))
    assert again is not None, "a compressor that took a model takes it again; the second time it gave None"
    check_close(again.predict(fitted.rows(valid).x), answer, "a compressor does the same again to the same model")
    whole = _compressed(option, params, fitted, fitted.rows(fitted.task.training_rows))
    assert whole is not None, (
        "a compressor that took a model with the rows of a fold takes it with all rows; it gave None"
    )
    _check_answers(fitted, whole, valid)
    _check_graph(fitted, smaller)
    return True


def _compressed(option: Option, params: Params, fitted: _Fitted, train: Batch) -> Any:
    """Compress the model, and check that it and its rows are what they were before."""
    model, valid = fitted.pipeline.model, fitted.rows(fitted.task.splits[0][1]).x
    answer, rows = model.predict(valid), pickle.dumps(train)
    smaller = option.build(params, fitted.task.problem).compress(model, train)
    check_close(model.predict(valid), answer, "a compressor leaves the given model as it is", 1e-6)
    assert pickle.dumps(train) == rows, "a compressor leaves the given rows as they are; it changes them"
    if smaller is not None:
        check_methods(smaller, ("fit", "predict", "to_onnx"), "'compress' returns None or a model; a model")
        assert smaller is not model, (
            "'compress' returns a smaller model, or None; it returns the model that it was given"
        )
    return smaller


def _check_answers(fitted: _Fitted, smaller: Any, valid: np.ndarray) -> np.ndarray:
    """Check what a smaller model says; return it."""
    x = fitted.rows(valid).x
    answer: np.ndarray = smaller.predict(x)
    check_answer(fitted.task, answer)
    assert len(answer) == len(valid), f"a smaller model answers each row, {len(valid)}; got {len(answer)}"
    again = pickle.loads(pickle.dumps(smaller)).predict(x)
    check_close(again, answer, "a smaller model predicts the same after it was pickled")
    return answer


def _check_graph(fitted: _Fitted, smaller: Any) -> None:
    task, member = fitted.task, fitted.member(smaller)
    with about("to_onnx"):
        check_export(task, [member])
    before, after = (len(to_onnx(task, [m])) for m in (fitted.member(fitted.pipeline.model), member))
    assert after <= before, f"a smaller model takes no more bytes than the one it came from; {before} became {after}"
