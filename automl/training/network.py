"""A neural network as a ``Model``: its training space, fitting, prediction and export.

PyTorch is imported when a network is used, so that its space can be read without it.
"""

from __future__ import annotations

import copy
import importlib
import io
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from automl import registry
from automl.errors import TrialError
from automl.space import Choice, Float, Int, Params, scope

if TYPE_CHECKING:
    import onnx
    import torch

    from automl.export.graph import Graph
    from automl.target import Head
    from automl.task import Batch, Problem, Rows
    from automl.training.loop import Loss

# The loop's own parameters; the optimizer brings learning rate and weight decay.
SPACE = {
    "batch_size": Int(16, 1024, log=True, default=256),
    "epochs": Int(1, 200, log=True, default=40),
    "patience": Int(3, 40, default=10),
    "clip": Choice({"none": {}, "norm": {"limit": Float(0.1, 10, log=True, default=1.0)}}, default="norm"),
    "l1": Choice({"none": {}, "weights": {"strength": Float(1e-7, 1e-3, log=True)}}),
    "mixup": Choice({"none": {}, "inputs": {"alpha": Float(0.05, 1.0, default=0.2)}}),
    "average": Choice({"none": {}, "ema": {"decay": Float(0.9, 0.9999, default=0.99)}}),
}
# A network's parts, and the kinds of option they are chosen from.
PARTS = {"loss": "losses", "optimizer": "optimizers", "schedule": "schedules"}
_GENTLE = 0.3  # of the learning rate, for weights that are good already


class Network:
    """A model around a PyTorch module.

    ``make_module(x, width)``: a picklable callable that builds the module from the training
    rows. The module names the fields of ``Rows`` it takes in ``inputs``; ``forward(*tensors)`` returns
    raw outputs (b, width), or (b, members, width) of members that answer each for itself. Tensors:
    numeric, sparse, image (b, h, w, c) and sequence float32 in their raw range; categories and
    lengths int64. A method ``augment(*tensors)`` of the module, where there is one, changes training
    batches. Any part of it may have ``lr_factors``, by how much the learning rates of its own parameters differ, by
    their names, and a method ``anneal(done)`` that is told before each step what share of the training is over.

    ``params``: what ``SPACE`` draws, and ``loss``, ``optimizer`` and ``schedule`` with what is below
    them, among others. ``module`` stays on the CPU; ``head`` makes predictions of its raw outputs;
    ``example`` keeps four training rows, which the exporter needs.
    """

    def __init__(self, make_module: Callable[[Rows, int], torch.nn.Module], params: Params, problem: Problem) -> None:
        # What a process loads once, here and for its first optimizer, is no part of a fit that is given some seconds.
        importlib.import_module("torch._dynamo")
        self.make_module = make_module
        self.params = dict(params)
        self.problem = problem
        self.module: torch.nn.Module | None = None
        self.head: Head
        self.example: Rows | None = None
        self.done = 0.0

    @property
    def fitted(self) -> torch.nn.Module:
        """The module; raises ``RuntimeError`` before ``fit``."""
        if self.module is None:
            raise RuntimeError("The network has no weights yet: call fit first.")
        return self.module

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Train with early stopping on the problem's metric; the best weights seen are the ones kept.

        Yields after every epoch, and about twice a second inside long ones; the last progress is less than 1 where
        ``problem.fit_seconds`` do not suffice for all epochs. Raises ``TrialError`` when the loss is not finite before
        a first epoch is over.
        """
        self._prepare(seed=True)
        self.head = self.problem.target.head(train.y, train.weights)
        self.example = train.x.take(np.arange(min(4, len(train))))
        if not self.done:
            self.module = self.make_module(train.x, self.problem.target.width)
            self._check_sizes(self.example)
        epochs = max(1, round((1 - self.done) * self.params["epochs"]))
        for progress in self._train(train, valid, epochs):
            yield self.done + progress * (1 - self.done)

    def sizes(self, x: Rows) -> dict[str, float]:
        """Return what the module costs, or would before a fit, for rows like those of ``x``; see ``training.sizes``."""
        from automl.training import sizes

        row = x.take(slice(0, 1))
        if self.module is not None:
            return sizes.of_module(self.module, row)
        return sizes.planned(lambda: self.make_module(x, self.problem.target.width), row)

    def _check_sizes(self, x: Rows) -> None:
        """Raise ``TrialError`` where the module is larger than is allowed."""
        if not self.problem.limits:
            return
        for name, value in self.sizes(x).items():
            if value > self.problem.limits.get(name, math.inf):
                raise TrialError(
                    f"limits.{name} is {self.problem.limits[name]:,.6g}; this network has {value:,.6g}, and was not "
                    "trained. Raise the limit, or narrow the space."
                )

    def continue_from(self, other: Network, progress: float) -> None:
        """Begin the next ``fit`` with ``other``'s weights, ``progress`` (0 to 1) of the epochs being done.

        For population-based training, where weights go on under changed training parameters.
        """
        self.module, self.done = copy.deepcopy(other.fitted), min(progress, 0.99)

    def fine_tune(self, train: Batch, epochs: int) -> Network:
        """Train the fitted module on in place, gently and without early stopping, and return this network."""
        self._prepare(seed=True)
        for _ in self._train(train, None, epochs, _GENTLE):
            pass
        return self

    def _train(self, train: Batch, valid: Batch | None, epochs: int, lr_factor: float = 1.0) -> Iterator[float]:
        from automl.training import loop

        seconds = None if valid is None else self.problem.fit_seconds
        return loop.train(self, train, valid, self.loss(train), epochs=epochs, lr_factor=lr_factor, seconds=seconds)

    def loss(self, rows: Batch) -> Loss:
        """Return the loss to train on ``rows``: of raw outputs and ``targets`` (b,), a number for each row."""
        return partial(self.head.loss, self.part("loss", self.problem.on(rows)))

    def targets(self, rows: Batch) -> np.ndarray:
        """Return what losses compare with: int64 codes, or the standardised target as float32."""
        encoded = self.head.encode(rows.y)
        return encoded if encoded.dtype == np.int64 else encoded.astype(np.float32)

    def scores(self, x: Rows) -> np.ndarray:
        """Return the module's raw outputs, float32; see ``Head``."""
        from automl.training import feed

        self._prepare()
        return feed.scores(self.fitted, x)

    def predict(self, x: Rows) -> np.ndarray:
        """Return (n, width) probabilities, or values on the target's own scale."""
        return self.head.predict(self.scores(x))

    def with_module(self, module: torch.nn.Module | None) -> Network:
        """Return a network that is the same but for its fitted module."""
        other = object.__new__(type(self))  # copy.copy would pack the module
        other.__dict__ |= self.__dict__ | {"module": module}
        return other

    def module_onnx(self) -> onnx.ModelProto:
        """Return the module alone as ONNX: inputs named by the fields of ``Rows``, one output of raw scores."""
        from automl.training import torch_onnx

        assert self.example is not None
        return torch_onnx.export(self.fitted, self.example)

    def to_onnx(self, graph: Graph, inputs: Mapping[str, str]) -> str:
        """Add the network to ``graph``; see ``types.Model``."""
        return self.inline(graph, self.module_onnx(), inputs)

    def inline(self, graph: Graph, module: onnx.ModelProto, inputs: Mapping[str, str]) -> str:
        """Add the module as ONNX, and the head behind it; return the output's name."""
        (raw,) = graph.inline(module, inputs)
        members = len(module.graph.output[0].type.tensor_type.shape.dim) == 3
        return self.head.emit(graph, raw, members)

    def part(self, part: str, *given: Any) -> Any:
        """Build the chosen option of a part ("loss", "optimizer" or "schedule") from its parameters."""
        name = self.params[part]
        return registry.load(PARTS[part], name).build(scope(self.params, f"{part}.{name}"), *given)

    def _prepare(self, seed: bool = False) -> None:
        import torch

        torch.set_num_threads(max(1, self.problem.threads))
        if seed:
            torch.manual_seed(self.problem.seed)

    def __getstate__(self) -> dict[str, Any]:
        """Save the module as one archive: pickling its tensors one by one costs a kilobyte each."""
        state = dict(self.__dict__)
        if self.module is not None:
            import torch

            buffer = io.BytesIO()
            torch.save(self.module, buffer)
            state["module"] = buffer.getvalue()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self.module, bytes):
            import torch

            self.module = torch.load(io.BytesIO(self.module), map_location="cpu", weights_only=False)
