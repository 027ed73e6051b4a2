"""Faulty families are refused; each predicts a mean but for one fault."""

from typing import Any

import numpy as np
import pytest

from automl.option import Family
from automl.space import Float
from automl.testing import check_option
from automl.training.linear import Linear
from tests.testing.faults import refused


class Means:
    def __init__(self, problem: Any) -> None:
        self.problem = problem

    def fit(self, train: Any, valid: Any) -> Any:
        n_columns = train.x.numeric.shape[1]
        self.linear = Linear.constant(n_columns, self.problem.target.head(train.y, train.weights, "odds"))
        yield 1.0

    def predict(self, x: Any) -> Any:
        return self.linear.predict(np.nan_to_num(x.numeric))

    def to_onnx(self, graph: Any, inputs: Any) -> str:
        nothing = graph.op(
            "Where", graph.op("IsNaN", inputs["numeric"]), graph.constant(np.float32(0)), inputs["numeric"]
        )
        return self.linear.write(graph, graph.op("MatMul", nothing, graph.constant(self.linear.weight)))


class Wider(Means):
    def predict(self, x: Any) -> Any:
        return np.hstack([super().predict(x)] * 2)


class Crashes(Means):
    def fit(self, train: Any, valid: Any) -> Any:
        yield self.problem.nosuch


class OtherGraph(Means):
    def predict(self, x: Any) -> Any:
        p = super().predict(x)
        return 0.5 * p + 0.5 / p.shape[1]


def family(make: Any, **more: Any) -> Family:
    parts = {"space": {}, "build": lambda params, problem: make(problem), "steps": {"encode": {}}}
    return Family(**{**parts, "targets": ("multiclass",), **more})


FAULTS: dict[str, tuple[Family, str]] = {
    "for nobody": (family(Means, targets=()), r"it is for one kind of target at least, .*; got \(\)"),
    "without a space": (family(Means, adapt=lambda space, task: None), "there is no space of it for one"),
    "another width": (family(Wider), r"on a multiclass target, with .*: predictions are \(n, 3\); they are \(120, 6\)"),
    "crashes": (family(Crashes), "on a multiclass target, with .*: .*nosuch"),
    "another graph": (family(OtherGraph), "ExportError: The exported model differs from its source"),
    "raises": (
        family(Means, space={"p": Float(1, 2)}, build=lambda params, problem: params["power"]),
        "with {'p': 1.*}: KeyError: 'power'",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_family_is_refused(fault: str) -> None:
    option, message = FAULTS[fault]
    refused("tables", option, message, targets=("multiclass",))


def test_the_family_that_the_faulty_ones_are_made_of_is_none() -> None:
    check_option("tables", family(Means), ["multiclass"])
