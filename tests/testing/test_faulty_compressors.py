"""Faulty compressors are refused; each trims trees but for one fault."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from automl import registry
from automl.option import Compressor
from automl.testing import check_option
from automl.testing.compressors import families
from tests.testing.faults import refused

TREES = {"tables": ["lightgbm"]}


def compressor(compress: Callable[[Any, Any], Any]) -> Compressor:
    """A compressor of models with trees; ``compress(model, train)``."""

    class Own:
        def compress(self, model: Any, train: Any) -> Any:
            return compress(model, train) if hasattr(model, "n_trees") else None

    return Compressor(space={}, build=lambda params, problem: Own())


class Around:
    """A model of fewer trees, around which something is wrong."""

    def __init__(self, model: Any) -> None:
        self.model, self.smaller = model, model.trimmed(1)

    def fit(self, train: Any, valid: Any) -> Any:
        yield 1.0

    def predict(self, x: Any) -> Any:
        return self.smaller.predict(x)

    def to_onnx(self, graph: Any, inputs: Any) -> str:
        return self.smaller.to_onnx(graph, inputs)


class Wider(Around):
    def predict(self, x: Any) -> Any:
        return np.hstack([super().predict(x)] * 2)


class NotFinite(Around):
    def predict(self, x: Any) -> Any:
        return super().predict(x) * np.nan


class NoProbabilities(Around):
    def predict(self, x: Any) -> Any:
        return super().predict(x) * 2


class OtherGraph(Around):
    def to_onnx(self, graph: Any, inputs: Any) -> str:
        return self.model.to_onnx(graph, inputs)


class Larger(Around):
    def to_onnx(self, graph: Any, inputs: Any) -> str:
        nothing = graph.op("ReduceMax", graph.constant(np.zeros(100_000, np.float32)))
        return graph.op("Add", super().to_onnx(graph, inputs), nothing)


class NotPickled(Around):
    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.function = lambda: None


def in_place(model: Any, train: Any) -> Any:
    smaller = model.trimmed(1)
    model.__dict__ |= smaller.__dict__
    return smaller


def zeroing(model: Any, train: Any) -> Any:
    train.x.numeric[:] = 0
    return model.trimmed(1)


def crashing(model: Any, train: Any) -> Any:
    raise KeyError("leaves")


def by_chance(model: Any, train: Any) -> Any:
    return model.trimmed(int(np.random.default_rng().integers(1, model.n_trees)))


FAULTS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "crashes": (crashing, "on 'lightgbm' of tables for a binary target, with {}: KeyError: 'leaves'"),
    "returns a string": (lambda model, train: "smaller", "returns None or a model.*got 'smaller', without 'fit'"),
    "returns the model": (lambda model, train: model, "returns the model that it was given"),
    "changes the model": (in_place, "leaves the given model as it is"),
    "changes the rows": (zeroing, "leaves the given rows as they are"),
    "another width": (lambda model, train: Wider(model), r"predictions are \(n, 2\); they are \(\d+, 4\)"),
    "not finite": (lambda model, train: NotFinite(model), "predictions are finite"),
    "no probabilities": (lambda model, train: NoProbabilities(model), "sum to 1"),
    "another graph": (lambda model, train: OtherGraph(model), "to_onnx: ExportError: .*differs from its source"),
    "larger": (lambda model, train: Larger(model), "takes no more bytes than the one it came from"),
    "not pickled": (lambda model, train: NotPickled(model), "pickle"),
    "by chance": (by_chance, "does the same again to the same model"),
    "folds only": (lambda model, train: model.trimmed(1) if len(train) < 100 else None, "takes it with all rows"),
    "takes nothing": (lambda model, train: None, "it took none of lightgbm.*models="),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_compressor_is_refused(fault: str) -> None:
    compress, message = FAULTS[fault]
    refused("compressors", compressor(compress), message, models=TREES)


def test_the_compressor_that_the_faulty_ones_are_made_of_is_none() -> None:
    check_option("compressors", compressor(lambda model, train: Around(model)), models=TREES)


def test_a_compressor_of_anything_is_refused() -> None:
    class All:
        def compress(self, model: Any, train: Any) -> Any:
            return model

    refused("compressors", Compressor(space={}, build=lambda params, problem: All()), "what it does not know")


def test_compressors_are_tried_on_trees_a_linear_model_and_networks() -> None:
    tried = families()
    others = [name for name in tried["tables"] if registry.load("tables", name).network is None]
    assert set(others) == {"lightgbm", "linear"}
    assert len(tried["tables"]) > len(others)
    assert [registry.load("images", name).network is not None for name in tried["images"]] == [True]
