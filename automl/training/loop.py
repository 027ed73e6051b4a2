"""The training loop of networks: batches by index, best weights kept, early stopping on the metric."""

import copy
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from automl import clock
from automl.errors import TrialError
from automl.training.feed import Feed, evaluate, place, tensor

if TYPE_CHECKING:
    from automl.task import Batch
    from automl.training.network import Network

Loss = Callable[[Tensor, Tensor], Tensor]
# Small data gets smaller batches, so that an epoch has this many steps.
_LEAST_STEPS = 16
_LEAST_BATCH = 16


def train(
    network: "Network",
    rows: "Batch",
    valid: "Batch | None",
    loss: Loss,
    *,
    epochs: int,
    lr_factor: float = 1.0,
) -> Iterator[float]:
    """Train ``network.module`` and yield progress in (0, 1].

    ``network.module`` always holds the best weights so far (the newest ones until a first epoch is
    over, or when there is no ``valid``), so that the network can predict after each yield.
    """
    run = _Run(network, rows, loss, epochs, lr_factor)
    judge = _Judge(network, valid, loss) if valid is not None and len(valid) else None
    clock = _Clock()
    learned = False
    try:
        for epoch in range(epochs):
            for done in run.epoch():
                if clock.due():
                    if judge is None or not learned:
                        run.publish()
                    yield (epoch + done) / epochs
            if judge is not None:
                for _ in judge.judge(run.candidate()):
                    if clock.due():
                        yield (epoch + 1) / (epochs + 1e-3)
            if judge is None or judge.waited == 0:
                run.publish()
                learned = True
            if judge is not None and judge.waited >= network.params["patience"]:
                break
            if epoch + 1 < epochs:
                yield (epoch + 1) / epochs
    except FloatingPointError:
        pass  # diverged: the best weights so far stay
    if not learned:
        raise TrialError(
            f"Training diverged in its first epoch (learning rate {run.learning_rate:.2g}): scores are not finite. "
            "Lower the learning rate, or clip gradients."
        )
    yield 1.0


class _Run:
    """The live weights and all that changes them."""

    def __init__(self, network: "Network", rows: "Batch", loss: Loss, epochs: int, lr_factor: float) -> None:
        params = network.params
        self.network = network
        self.loss = loss
        self.live = copy.deepcopy(network.fitted).to(place())
        self.feed = Feed(self.live, rows.x)
        self.targets = tensor(network.targets(rows))
        self.weights = None if rows.weights is None else tensor(_mean_one(rows.weights))
        largest = max(_LEAST_BATCH, len(rows) // _LEAST_STEPS)
        self.n_steps = math.ceil(len(rows) / min(params["batch_size"], largest))
        self.optimizer = network.part("optimizer", _groups(self.live))
        for group in self.optimizer.param_groups:
            group["lr"] *= lr_factor * group["lr_factor"]
            if "weight_decay" in group:  # a share of the rate: it stays what it would be at the whole rate
                group["weight_decay"] /= group["lr_factor"]
        self.learning_rate = max(group["lr"] for group in self.optimizer.param_groups)
        self.schedule = network.part("schedule", self.optimizer, epochs * self.n_steps)
        self.clip = params.get("clip.norm.limit")
        self.l1 = params.get("l1.weights.strength")
        self.mixup: float | None = (
            params.get("mixup.inputs.alpha") if set(self.feed.names) <= {"numeric", "image"} else None
        )
        self.average = _Average(self.live, params["average.ema.decay"]) if "average.ema.decay" in params else None
        self.augment = getattr(self.live, "augment", None)
        self.annealed = [part for part in self.live.modules() if hasattr(part, "anneal")]
        self.n_done, self.n_all = 0, epochs * self.n_steps
        self.rng = np.random.default_rng(network.problem.seed)

    def epoch(self) -> Iterator[float]:
        """Take one pass over the rows; yield the part that is done. Raises ``FloatingPointError`` on divergence."""
        self.live.train()
        # Nearly equal batches: none is left with a single row, which batch normalisation refuses.
        batches = torch.from_numpy(self.rng.permutation(self.feed.n_rows)).to(place()).tensor_split(self.n_steps)
        for step, index in enumerate(batches, 1):
            self._step(index)
            yield step / (self.n_steps + 1)

    def _step(self, index: Tensor) -> None:
        inputs = self.feed[index]
        for part in self.annealed:
            part.anneal(self.n_done / self.n_all)  # type: ignore[operator]
        self.n_done += 1
        if self.augment is not None:
            changed = self.augment(*inputs)
            inputs = (changed,) if isinstance(changed, Tensor) else tuple(changed)
        total = self._mixed(inputs, index, self.mixup) if self.mixup else self._loss(self.live(*inputs), index)
        if self.l1:
            total = total + self.l1 * sum(p.abs().sum() for p in self.live.parameters() if p.ndim > 1)
        if not math.isfinite(total.item()):
            raise FloatingPointError("the loss is not finite")
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        if self.clip:
            nn.utils.clip_grad_norm_(self.live.parameters(), self.clip)
        self.optimizer.step()
        self.schedule.step()
        if self.average is not None:
            self.average.update(self.live)

    def _loss(self, output: Tensor, index: Tensor) -> Tensor:
        per_row = self.loss(output, self.targets[index])
        return (per_row if self.weights is None else per_row * self.weights[index]).mean()

    def _mixed(self, inputs: tuple[Tensor, ...], index: Tensor, alpha: float) -> Tensor:
        """Mixup (Zhang et al. 2018, arXiv:1710.09412): rows are blended in pairs, and so are their losses."""
        share = float(self.rng.beta(alpha, alpha))
        other = torch.from_numpy(self.rng.permutation(len(index))).to(index.device)
        output = self.live(*(share * x + (1 - share) * x[other] for x in inputs))
        return share * self._loss(output, index) + (1 - share) * self._loss(output, index[other])

    def candidate(self) -> nn.Module:
        """Return the module that would predict now."""
        return self.live if self.average is None else self.average.module

    def publish(self) -> None:
        """Copy the candidate's weights into the network."""
        self.network.fitted.load_state_dict(self.candidate().state_dict())


class _Judge:
    """Early stopping: scores candidates on the validation rows; ``waited`` counts epochs since the best."""

    def __init__(self, network: "Network", valid: "Batch", loss: Loss) -> None:
        self.network = network
        self.valid = valid
        self.loss = loss
        self.feed = Feed(network.fitted, valid.x)
        self.targets = tensor(network.targets(valid))
        self.best: tuple[float, float] | None = None
        self.waited = 0

    def judge(self, module: nn.Module) -> Iterator[None]:
        """Score ``module``; yields between slices of the rows. Unfinite scores count as no better."""
        parts = []
        for part in evaluate(module, self.feed):
            parts.append(part)
            yield
        output = torch.cat(parts)
        self.waited += 1
        if not bool(output.isfinite().all()):
            return
        score = self.network.problem.metric.score(
            self.valid.y, self.network.head.predict(output.cpu().numpy()), self.valid.weights
        )
        # The loss decides between equal scores, and where the metric is undefined on this fold.
        now = (score if math.isfinite(score) else 0.0, -self.loss(output, self.targets).mean().item())
        if self.best is None or now > self.best:
            self.best, self.waited = now, 0


class _Average:
    """An exponential moving average of the weights, whose decay warms up with the steps taken."""

    def __init__(self, live: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(live)
        self.decay = decay
        self.n_steps = 0

    @torch.no_grad()
    def update(self, live: nn.Module) -> None:
        """Move towards the live weights; buffers (running statistics) are copied."""
        self.n_steps += 1
        decay = min(self.decay, (1 + self.n_steps) / (10 + self.n_steps))
        torch._foreach_lerp_(list(self.module.parameters()), list(live.parameters()), 1 - decay)
        for mine, theirs in zip(self.module.buffers(), live.buffers(), strict=True):
            mine.copy_(theirs)


class _Clock:
    """Says when it is time to yield again."""

    def __init__(self) -> None:
        self.last = clock.stopwatch()

    def due(self) -> bool:
        """Return whether as much has passed as is due since it last said so."""
        now = clock.stopwatch()
        if now - self.last < clock.YIELD_SECONDS:
            return False
        self.last = now
        return True


def _groups(module: nn.Module) -> list[dict[str, Any]]:
    """Split the weights by their learning rates; biases and normalisation (vectors) are not decayed."""
    factors: dict[nn.Parameter, float] = {}
    for part in module.modules():
        own = getattr(part, "lr_factors", {})
        factors |= {w: own.get(name, 1.0) for name, w in part.named_parameters(recurse=False) if w.requires_grad}
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for weight, factor in factors.items():
        groups.setdefault((factor, weight.ndim > 1), []).append(weight)
    return [
        {"params": weights, "lr_factor": factor, **({} if decayed else {"weight_decay": 0.0})}
        for (factor, decayed), weights in groups.items()
    ]


def _mean_one(weights: np.ndarray) -> np.ndarray:
    return (weights / weights.mean()).astype(np.float32)
