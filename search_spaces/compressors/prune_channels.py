"""Whole channels are removed by the network's dependency graph, then what is left is fine-tuned.

DepGraph (Fang et al. 2023, arXiv:2301.12900), as Torch-Pruning implements it: channels that belong
together (shortcuts, norms) are scored and removed together.
"""

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.option import Compressor
from automl.space import Choice, Int, Params, Space
from automl.training.network import FINE_TUNING

if TYPE_CHECKING:
    from torch import Tensor, nn

    from automl.task import Batch, Problem, Rows
    from automl.training.network import Network
    from automl.types import Model

SPACE: Space = {
    "share": Choice([0.6, 0.4, 0.2], default=0.4),
    "importance": Choice(["taylor", "magnitude"]),
    "scope": Choice(["layer", "network"]),
    "epochs": Int(1, 20, log=True, default=5),
}
_N_EXAMPLES = 256
_ROUND_TO = 8  # kernels are made for such widths


def build(params: Params, problem: "Problem") -> "PruneChannels":
    """Return the compressor for ``params``."""
    return PruneChannels(params, problem)


class PruneChannels:
    """Removes ``share`` of the channels of a fitted ``Network``; see ``types.ModelCompressor``."""

    def __init__(self, params: Params, problem: "Problem") -> None:
        self.params = params
        self.seed = problem.seed

    def compress(self, model: "Model", train: "Batch") -> "Model | None":
        """Return the pruned, fine-tuned network; None where it does not apply.

        It applies to networks whose every weight sits in a convolution, linear layer or norm.
        """
        from automl.training.network import Network

        if not isinstance(model, Network) or not _is_sound(model.fitted):
            return None
        index = np.random.default_rng(self.seed).permutation(len(train))[:_N_EXAMPLES]
        module = self._pruned(model, train.take(index))
        return None if module is None else model.with_module(module).fine_tune(train, self.params["epochs"])

    def _pruned(self, network: "Network", batch: "Batch") -> "nn.Module | None":
        import torch_pruning as tp

        module = copy.deepcopy(network.fitted).eval()
        inputs = _tensors(module, batch.x)
        shape = module(*inputs).shape
        taylor = self.params["importance"] == "taylor"
        importance = tp.importance.GroupTaylorImportance() if taylor else tp.importance.GroupMagnitudeImportance(p=2)
        pruner = tp.BasePruner(
            module,
            inputs,
            importance,
            global_pruning=self.params["scope"] == "network",
            pruning_ratio=self.params["share"],
            max_pruning_ratio=0.8,
            round_to=_round_to(module),
            ignored_layers=_outputs(module, shape[-1]),
            forward_fn=lambda net, tensors: net(*tensors),
        )
        if taylor:
            network.loss(batch)(module(*inputs), _tensor(network.targets(batch))).mean().backward()
        pruner.step()
        module.zero_grad(set_to_none=True)
        smaller = _n_weights(module) < _n_weights(network.fitted)
        return module if smaller and _answers(module, inputs, shape) else None


def _answers(module: "nn.Module", inputs: "tuple[Tensor, ...]", shape: tuple[int, ...]) -> bool:
    """Whether the pruned module still fits together: a shortcut past all layers is outside the dependency graph."""
    try:
        scores = module(*inputs)
    except RuntimeError:
        return False
    return scores.shape == shape and bool(scores.isfinite().all())


def _is_sound(module: "nn.Module") -> bool:
    """Whether every weight sits in a layer that the dependency graph handles without known faults."""
    from torch import nn

    known = (nn.Conv1d, nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)
    return all(isinstance(m, known) for m in module.modules() if any(True for _ in m.parameters(recurse=False)))


def _round_to(module: "nn.Module") -> int | None:
    """Return the multiple that widths keep to; group norm has its own, which the dependency graph sees."""
    from torch import nn

    return None if any(isinstance(m, nn.GroupNorm) for m in module.modules()) else _ROUND_TO


def _outputs(module: "nn.Module", width: int) -> "list[nn.Module]":
    """Return the linear layers that could be the output: what has its width must keep it."""
    from torch import nn

    return [m for m in module.modules() if isinstance(m, nn.Linear) and m.out_features == width]


def _tensors(module: "nn.Module", x: "Rows") -> "tuple[Tensor, ...]":
    from automl.training.feed import Feed

    return tuple(part.cpu() for part in Feed(module, x)[slice(None)])


def _tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(array)


def _n_weights(module: "nn.Module") -> int:
    return sum(p.numel() for p in module.parameters())


# Nearly all of its time is fine-tuning.
OPTION = Compressor(space=SPACE, build=build, order=10, costs=FINE_TUNING)
