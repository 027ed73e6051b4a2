"""Feature steps in front of a model, and behind it the temperature of its probabilities: together a model again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from automl import temperature
from automl.task import Batch, Rows
from automl.types import FeatureStep, Model

if TYPE_CHECKING:
    from automl.export.graph import Graph


class Pipeline:
    """Fits ``steps`` on the training part of a fold, then ``model`` on what they make of it.

    ``temperature``: see ``automl.temperature``; 1 leaves what the model says as it is.
    """

    def __init__(self, steps: Sequence[FeatureStep], model: Model, temperature: float = 1.0) -> None:
        self.steps = list(steps)
        self.model = model
        self.temperature = temperature

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Fit steps and model; yields the model's progress."""
        x = train.x
        for step in self.steps:
            x = step.fit_transform(x, train.y)
        yield from self.model.fit(replace(train, x=x), replace(valid, x=self.transform(valid.x)))

    @property
    def refits(self) -> bool:
        """Whether the model can be fitted without validation rows."""
        return hasattr(self.model, "refit")

    def refit(self, data: Batch, like: Sequence["Pipeline"], growth: float) -> Iterator[float]:
        """Fit on all of ``data`` as ``like`` were fitted on parts of it; ``growth``: how many times more rows it has.

        For a model that ``refits`` (see ``types.Model``).
        """
        x = data.x
        for step in self.steps:
            x = step.fit_transform(x, data.y)
        yield from self.model.refit(replace(data, x=x), [one.model for one in like], growth)  # type: ignore[attr-defined]
        self.temperature = float(np.exp(np.mean(np.log([one.temperature for one in like]))))

    def transform(self, x: Rows) -> Rows:
        """Return the rows as the model sees them."""
        for step in self.steps:
            x = step.transform(x)
        return x

    def predict(self, x: Rows) -> np.ndarray:
        """Return (n, width) probabilities or values."""
        return self.answer(self.transform(x))

    def answer(self, x: Rows) -> np.ndarray:
        """Return (n, width) probabilities or values for rows as the model sees them."""
        return temperature.apply(self.model.predict(x), self.temperature)

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        """Add steps and model to ``graph``; return the output's name."""
        tensors = dict(inputs)
        for step in self.steps:
            tensors = step.to_onnx(graph, tensors)
        return temperature.emit(graph, self.model.to_onnx(graph, tensors), self.temperature)

    def continue_from(self, other: "Pipeline", progress: float) -> None:
        """Begin the next fit where ``other`` stands, if the model can: the steps learn the same again."""
        if hasattr(self.model, "continue_from"):
            self.model.continue_from(other.model, progress)

    def with_model(self, model: Model) -> "Pipeline":
        """Return the same with another fitted model."""
        return Pipeline(self.steps, model, self.temperature)
