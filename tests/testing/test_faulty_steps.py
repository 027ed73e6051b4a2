"""Faulty feature steps are refused; each doubles numbers but for one fault."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from automl.errors import NotApplicable
from automl.option import Step
from automl.space import Float
from automl.testing import check_option
from tests.testing.faults import refused


class Doubles:
    def fit_transform(self, x: Any, y: Any) -> Any:
        return self.transform(x)

    def transform(self, x: Any) -> Any:
        return x if x.numeric is None else replace(x, numeric=2 * x.numeric)

    def to_onnx(self, graph: Any, inputs: Any) -> dict[str, str]:
        if "numeric" not in inputs:
            return dict(inputs)
        return {**inputs, "numeric": graph.op("Mul", inputs["numeric"], graph.constant(np.float32(2)))}


class OverwritesY(Doubles):
    def fit_transform(self, x: Any, y: Any) -> Any:
        y[:] = 0
        return self.transform(x)


class OverwritesX(Doubles):
    def fit_transform(self, x: Any, y: Any) -> Any:
        x.numeric[:] = np.nan_to_num(x.numeric) * 2
        return x


class OverwritesXLater(Doubles):
    def transform(self, x: Any) -> Any:
        if x.numeric is not None:
            np.multiply(x.numeric, 2, out=x.numeric)
        return x


class DiffersInTraining(Doubles):
    def fit_transform(self, x: Any, y: Any) -> Any:
        return x


class FewerRows(Doubles):
    def fit_transform(self, x: Any, y: Any) -> Any:
        return self.transform(x.take(slice(1, None)))


class OtherGraph(Doubles):
    def transform(self, x: Any) -> Any:
        return x if x.numeric is None else replace(x, numeric=x.numeric[:, ::-1])


class OtherParts(Doubles):
    def to_onnx(self, graph: Any, inputs: Any) -> dict[str, str]:
        return {**super().to_onnx(graph, inputs), "sequence": next(iter(inputs.values()))}


class Crashes(Doubles):
    def fit_transform(self, x: Any, y: Any) -> Any:
        return x.nosuch


def never(params: Any, problem: Any) -> Any:
    raise NotApplicable("It is for other data.")


def step(make: Any, **more: Any) -> Step:
    return Step(**{"space": {}, "build": lambda params, problem: make(), "reads": ("numeric",), **more})


FAULTS: dict[str, tuple[Step, str]] = {
    "overwrites y": (step(OverwritesY), "'fit_transform' leaves y as it is"),
    "overwrites x": (step(OverwritesX), "'fit_transform' leaves the rows that it is given as they are; numeric is"),
    "overwrites x when it transforms": (step(OverwritesXLater), "leaves the rows that it is given as they are"),
    "differs in training": (step(DiffersInTraining), "'fit_transform' gives what 'transform' gives where nothing is"),
    "fewer rows": (step(FewerRows), "gives as many rows as it is given"),
    "another graph": (step(OtherGraph), "the graph gives what 'transform' gives as numeric"),
    "other parts": (step(OtherParts), "the graph gives the parts that 'transform' gives"),
    "reads nothing": (step(Doubles, reads=()), r"works on some data; no data .* has a column that it reads: \(\)"),
    "is never applicable": (step(Doubles, build=never), "works on some data; it is never applicable: It is for other"),
    "runs after what is unknown": (
        step(Doubles, after=("imputed",)),
        "the part 'after': .*'imputed'.*Did you mean 'im",
    ),
    "runs after itself": (step(Doubles, after=("this step",)), "the part 'after': .*in a circle"),
    "crashes": (step(Crashes), "on a table with a binary target, with {}: AttributeError: .*'nosuch'"),
    "makes None": (step(lambda: None), "a feature step has the methods fit_transform, transform, to_onnx; got None"),
    "raises": (
        step(Doubles, space={"p": Float(1, 2)}, build=lambda params, problem: params["power"]),
        "with {'p': 1.*}: KeyError: 'power'",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_step_is_refused(fault: str) -> None:
    option, message = FAULTS[fault]
    refused("features", option, message)


def test_the_step_that_the_faulty_ones_are_made_of_is_none() -> None:
    check_option("features", step(Doubles))
