"""A neural network as a ``Model``: its training space and fitting.

PyTorch is imported when a network is used, so that its space can be read without it.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from automl import registry
from automl.epochs import Epoch
from automl.space import Choice, Float, Int, Params, scope
from automl.training.torch_model import TorchModel

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from automl.target import Head
    from automl.task import Batch, Problem, Rows
    from automl.training.loop import Loss

    RawLoss = Callable[[Tensor], Tensor]

# The loop's own parameters; the optimizer brings learning rate and weight decay.
SPACE = {
    "batch_size": Int(16, 1024, log=True, default=256),
    "epochs": Int(1, 200, log=True, default=40),
    "patience": Int(3, 40, default=10),
    "clip": Choice({"none": {}, "norm": {"limit": Float(0.1, 10, log=True, default=1.0)}}, default="norm"),
    "l1": Choice({"none": {}, "weights": {"strength": Float(1e-7, 1e-3, log=True)}}),
    "mixup": Choice({"none": {}, "inputs": {"alpha": Float(0.05, 1.0, default=0.2)}}),
    "average": Choice(
        {
            "none": {},
            "ema": {"decay": Float(0.9, 0.9999, default=0.99)},
            "swa": {"start": Float(0.3, 0.95, default=0.7)},
        }
    ),
}
# A network's parts, and the kinds of option they are chosen from.
PARTS = {"loss": "losses", "optimizer": "optimizers", "schedule": "schedules"}
# What the epochs of fits in this process came to: no part of a model, and so of nothing that is stored of it.
_JUDGED: WeakKeyDictionary[Network, list[Epoch]] = WeakKeyDictionary()
_GENTLE = 0.3  # of the learning rate, for weights that are good already
# Fine-tuning takes no more than this share of what the fit took.
FINE_TUNING = 0.3


class Network(TorchModel):
    """A PyTorch module that is trained by the engine's loop.

    A method ``augment(*tensors)`` of the module, where there is one, changes training batches; a method
    ``blend(other, *tensors)`` mixes their rows with the rows ``other`` (b,), and returns the tensors and the share of
    its own that each row keeps. Any part of it may have ``lr_factors``, by how much the learning rates of its own
    parameters differ, by their names, and a method ``anneal(done)`` that is told before each step what share of the
    training is over. One that answers with the training rows has a method ``remember(inputs, targets, weights)``, which
    is told of these before the training begins, and a method ``leave_out(index)``, which is told before each step which
    of them (b,) its batch has.

    ``params``: what ``SPACE`` draws, and ``loss``, ``optimizer`` and ``schedule`` with what is below
    them, among others.
    """

    def __init__(self, make_module: Callable[[Rows, int], torch.nn.Module], params: Params, problem: Problem) -> None:
        # What a process loads once, here and for its first optimizer, is no part of a fit that is given some seconds.
        importlib.import_module("torch._dynamo")
        super().__init__(make_module, problem)
        self.params = dict(params)
        self.done, self.reached = 0.0, 1.0  # the share of the epochs that is done before a fit, and after it

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Train with early stopping on the problem's metric; the best weights seen are the ones kept.

        Yields after every epoch, and about twice a second inside long ones; the last progress is less than 1 where
        ``problem.fit_seconds`` do not suffice for all epochs. Where they suffice for more, there are up to
        ``problem.stretch`` times as many. Raises ``TrialError`` when the loss is not finite before
        a first epoch is over.
        """
        self.begin(train)
        epochs = max(1, round((1 - self.done) * self.params["epochs"]))
        for progress in self._train(train, valid, epochs):
            self.reached = self.done + progress * (1 - self.done)
            yield self.reached

    def begin(self, train: Batch) -> None:
        """Make what a fit on ``train`` begins with: the head, and the module, where it has none to go on with."""
        self._prepare(seed=True)
        self.head = self._head(train)
        self.example = train.x.take(np.arange(min(4, len(train))))
        if not self.done:
            self.module = self.make_module(train.x, self.n_outputs)
            self._check_sizes(self.example)

    @property
    def n_outputs(self) -> int:
        """How many raw outputs the module has; see ``option.Loss``."""
        return max(super().n_outputs, self._outputs_of_loss())

    def untrained(self, train: Batch, n_rows: int) -> tuple[torch.nn.Module, tuple[Tensor, ...], RawLoss]:
        """Return the module as a fit on ``train`` begins, the inputs of ``n_rows`` of its rows, and the loss of these.

        All on the CPU; the loss takes raw outputs and gives a number for each row.
        """
        from automl.training.feed import Feed, tensor

        fresh = Network(self.make_module, self.params, self.problem)
        fresh._prepare(seed=True)
        fresh.head = fresh._head(train)
        module = fresh.make_module(train.x, fresh.n_outputs)
        some = train.take(slice(0, len(train), -(-len(train) // n_rows)))
        inputs = tuple(part.cpu() for part in Feed(module, some.x)[slice(None)])
        loss, targets = fresh.loss(train), tensor(fresh.targets(some)).cpu()
        return module, inputs, lambda raw: loss(raw, targets)

    def judged(self, epochs: float, score: float, loss: float) -> None:
        """Note what weights came to on the validation rows after so many epochs of this fit, until ``take_epochs``."""
        before = self.done * self.params["epochs"]
        _JUDGED.setdefault(self, []).append(Epoch(before + epochs, score, loss))

    def take_epochs(self) -> list[Epoch]:
        """Return what was noted, and keep it no longer."""
        return _JUDGED.pop(self, [])

    def _head(self, train: Batch) -> Head:
        return self.problem.target.head(train.y, train.weights, outputs=self._outputs_of_loss())

    def _outputs_of_loss(self) -> int:
        return int(registry.load(PARTS["loss"], self.params["loss"]).outputs)

    def continue_from(self, other: Network, progress: float) -> None:
        """Begin the next ``fit`` with ``other``'s weights, ``progress`` (0 to 1) of the epochs being done.

        For population-based training, where weights go on under changed training parameters.
        """
        self.module, self.done = copy.deepcopy(other.fitted), min(progress, 0.99)

    def fine_tune(self, train: Batch, epochs: int) -> Network:
        """Train the fitted module on in place, gently and without early stopping, and return this network.

        For ``epochs``, but no longer than ``FINE_TUNING`` of what the fit got through in its time.
        """
        self._prepare(seed=True)
        epochs = min(epochs, round(FINE_TUNING * self.reached * self.params["epochs"]))
        for _ in self._train(train, None, epochs, _GENTLE) if epochs else ():
            pass
        return self

    def _train(self, train: Batch, valid: Batch | None, epochs: int, lr_factor: float = 1.0) -> Iterator[float]:
        from automl.training import loop

        self._remember(train)
        return loop.train(
            self,
            train,
            valid,
            self.loss(train),
            epochs=epochs,
            lr_factor=lr_factor,
            seconds=None if valid is None else self.problem.fit_seconds,
            stretch=self.problem.stretch,
        )

    def _remember(self, train: Batch) -> None:
        from automl.training.feed import Feed, tensor

        if hasattr(self.fitted, "remember"):
            inputs = tuple(part.cpu() for part in Feed(self.fitted, train.x)[slice(None)])
            weights = None if train.weights is None else tensor(train.weights).cpu()
            self.fitted.remember(inputs, tensor(self.targets(train)).cpu(), weights)  # type: ignore[operator]

    def loss(self, rows: Batch) -> Loss:
        """Return the loss to train on ``rows``: of raw outputs and ``targets`` (b,), a number for each row."""
        return partial(self.head.loss, self.part("loss", self.problem.on(rows)))

    def targets(self, rows: Batch) -> np.ndarray:
        """Return what losses compare with: int64 codes, or the standardised target as float32."""
        encoded = self.head.encode(rows.y)
        return encoded if encoded.dtype == np.int64 else encoded.astype(np.float32)

    def part(self, part: str, *given: Any) -> Any:
        """Build the chosen option of a part ("loss", "optimizer" or "schedule") from its parameters."""
        name = self.params[part]
        return registry.load(PARTS[part], name).build(scope(self.params, f"{part}.{name}"), *given)
