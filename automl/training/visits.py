"""The loop of networks over many of them in turn, whose weights are shared."""

from torch import Tensor, nn

from automl.task import Batch
from automl.training import averages
from automl.training.feed import place
from automl.training.loop import Training, optimizer_of
from automl.training.network import Network
from automl.training.shared_weights import SharedWeights

# The time alone ends such a training: its epochs may be stretched so much.
_ANY_LENGTH = 1e9


class Visits(Training):
    """Steps of many networks in turn, on one schedule: that of the network it is made with, whose steps are timed.

    All have its loss and its training parameters. ``seconds``: None for its epochs.
    """

    def __init__(self, network: Network, rows: Batch, seconds: float | None) -> None:
        super().__init__(network, rows, network.loss(rows), network.params["epochs"], 1.0, seconds, _ANY_LENGTH)
        self.own, self.average = self.optimizer, averages.Live()
        self.own.step()  # without gradients: it is there for the schedule alone, which expects a step of it
        self._batches: list[Tensor] = []

    def visit(self, network: Network, shared: SharedWeights, n_steps: int) -> nn.Module:
        """Take ``n_steps`` of ``network`` with the weights it is lent, which come back; return its module.

        Raises ``FloatingPointError`` on divergence: then nothing comes back.
        """
        self.take(network.fitted.to(place()))
        self.optimizer = optimizer_of(network, self.live, 1.0)
        shared.lend(self.live, self.optimizer)
        peaks = [group["lr"] for group in self.optimizer.param_groups]
        self.live.train()
        for _ in range(n_steps):
            if self.over:
                break
            own = max(self.own.param_groups, key=lambda group: group["lr"])
            for group, peak in zip(self.optimizer.param_groups, peaks, strict=True):
                scheduled = {name: own[name] for name in ("betas", "momentum") if name in own}
                group.update(scheduled, lr=own["lr"] / self.learning_rate * peak)
            self._batches = self._batches or list(self.feed.batches(self.n_steps, self.rng))
            self._step(self._batches.pop(0))
            self._advance()
        shared.take_back(self.live, self.optimizer)
        return self.live

    def some(self, n_batches: int) -> list[tuple[Tensor, ...]]:
        """Return the inputs of some random batches, as they are when predicting."""
        return [self.feed[index] for index in self.feed.batches(self.n_steps, self.rng)[:n_batches]]
