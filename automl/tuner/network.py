"""A module of a person's own as a network that our loop trains."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from automl.errors import TrialError
from automl.model_store import ModelStore
from automl.space import Params, scope
from automl.task import Problem, Rows
from automl.training.network import Network
from automl.training.pipeline import Pipeline
from automl.types import FoldRef

BuildModule = Callable[[Params], nn.Module]
# Where the parameters of the training stand beside those of the module.
TRAINING = "training"


class Own(nn.Module):
    """A module of a person's behind what the loop expects of one: named inputs, (b, ``width``) raw scores."""

    def __init__(self, own: nn.Module, field: str, width: int) -> None:
        super().__init__()
        self.own, self.width = own, width
        self.inputs = (field,)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.own(x)
        if self.width == 1 and scores.ndim == 1:
            scores = scores[:, None]
        if scores.shape != (len(x), self.width):
            each = "class" if self.width > 1 else "row"
            raise TrialError(
                f"The module returns raw scores of shape (rows, {self.width}), one for each {each}; got "
                f"{tuple(scores.shape)} for {len(x)} rows."
            )
        return scores


class Weights(ModelStore):
    """Keeps the weights and heads of fold models alone: classes of one's own need not be found again by name."""

    def put(self, trial: str, fold: int, score: float, predictions: np.ndarray, model: Any) -> FoldRef:
        network = model.model
        kept = network.fitted.own.state_dict(), network.head, model.temperature
        return super().put(trial, fold, score, predictions, kept)


def pipeline(build_model: BuildModule, params: Params, problem: Problem) -> Pipeline:
    """Return the unfitted model of a candidate."""
    return Pipeline([], _network(build_model, params, problem))


def fitted(
    build_model: BuildModule, params: Params, problem: Problem, x: Rows, kept: Any
) -> tuple[nn.Module, Pipeline]:
    """Return the module of a candidate, and the fitted model around it, from what ``Weights`` has kept."""
    network, (weights, head, temperature) = _network(build_model, params, problem), kept
    module = _make(build_model, own_params(params), x, problem.target.width).eval()
    module.own.load_state_dict(weights)
    network.head, network.module = head, module
    return module.own, Pipeline([], network, temperature)


def _network(build_model: BuildModule, params: Params, problem: Problem) -> Network:
    return Network(partial(_make, build_model, own_params(params)), scope(params, TRAINING), problem)


def built(build_model: BuildModule, params: Params, weights: Mapping[str, Tensor] | None = None) -> nn.Module:
    """Return the module that a person builds, with ``weights`` where there are some. Raises ``TrialError``."""
    module = build_model(dict(params))
    if not isinstance(module, nn.Module):
        raise TrialError(f"build_model(params) returns a torch.nn.Module; got {module!r}.")
    if weights is not None:
        module.load_state_dict(weights)
    return module


def own_params(params: Params) -> Params:
    """Return the parameters of the module, without those of its training."""
    return {path: value for path, value in params.items() if not path.startswith(f"{TRAINING}.")}


def _make(build_model: BuildModule, params: Params, x: Rows, width: int) -> Own:
    (field,) = x.parts()
    return Own(built(build_model, params), field, width)
