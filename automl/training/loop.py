"""The training loop of networks: batches by index, best weights kept, early stopping on the metric.

Where a fit is given seconds, its steps are timed first, in float32 and, where the module allows, in bfloat16; the
faster is taken, and the schedule is laid out so that it ends in that time. So candidates are compared for what they
make of the same time, each at the end of its schedule.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from automl import clock
from automl.errors import TooLittleTimeError, TrialError
from automl.training import averages, test_time
from automl.training.feed import Feed, evaluate, place, tensor

if TYPE_CHECKING:
    from automl.task import Batch
    from automl.training.network import Network

Loss = Callable[[Tensor, Tensor], Tensor]
# Small data gets smaller batches, so that an epoch has this many steps.
_LEAST_STEPS = 16
_LEAST_BATCH = 16
# How often a step is timed: the first ones allocate. Of the time that is left, this share is for steps; the rest is for
# what lies between them.
_TIMED_STEPS = 3
_OF_STEPS = 0.9
# At this share of the time a schedule is at its end: the last weights are still to be judged.
_OF_TIME = 0.95
# No more than this share of the time goes into timing one step once more.
_OF_TIMING = 0.05
# From this share of such a schedule on, its weights are judged.
_JUDGED_FROM = 0.7
# Running statistics are of about so many parts of a training.
_STATISTICS = 16


def train(
    network: "Network",
    rows: "Batch",
    valid: "Batch | None",
    loss: Loss,
    *,
    epochs: int,
    lr_factor: float = 1.0,
    seconds: float | None = None,
    stretch: float = 1.0,
) -> Iterator[float]:
    """Train ``network.module`` and yield progress in (0, 1]: the share of ``epochs`` that is done.

    ``seconds``: when to be over. Where they do not suffice for all epochs, the schedule ends in that time, and the last
    progress is less than 1; where they suffice for more, it is laid out over up to ``stretch`` times the epochs.

    ``network.module`` always holds the best weights so far (the newest ones until a first epoch is
    over, or when there is no ``valid``), so that the network can predict after each yield.
    """
    run = Training(network, rows, loss, epochs, lr_factor, seconds, stretch)
    # Where there is one moment to choose from, nothing is compared.
    judged = valid is not None and len(valid) and run.planned >= min(2 * run.n_steps, run.full)
    judge = _Judge(network, valid, loss) if judged and valid is not None else None
    began, pause = clock.stopwatch(), _Pause()
    learned = False
    try:
        while not run.over:
            for _ in run.epoch():
                if pause.due():
                    if judge is None or not learned:
                        run.publish()
                    yield run.progress
            judging = judge if run.may_be_best else None
            if judging is not None:
                for _ in judging.judge(run.candidate(), run.taken / run.n_steps):
                    if pause.due():
                        yield run.progress
            if judging is None or judging.waited == 0:
                run.publish()
                learned = True
            if run.patient and judge is not None and judge.waited >= network.params["patience"]:
                break
            if not run.over:
                yield run.progress
    except FloatingPointError:
        pass  # diverged: the best weights so far stay
    if not learned:
        raise TrialError(
            f"Training diverged in its first epoch (learning rate {run.learning_rate:.2g}): scores are not finite. "
            "Lower the learning rate, or clip gradients."
        )
    if judge is not None:
        for _ in test_time.choose(network, judge.feed, judge.worth, clock.stopwatch() - began):
            if pause.due():
                yield run.progress
    yield run.progress if run.over and run.planned < run.full else 1.0


class Training:
    """The live weights and all that changes them."""

    def __init__(
        self,
        network: "Network",
        rows: "Batch",
        loss: Loss,
        epochs: int,
        lr_factor: float = 1.0,
        seconds: float | None = None,
        stretch: float = 1.0,
    ) -> None:
        params = network.params
        self.network = network
        self.loss = loss
        self.take(copy.deepcopy(network.fitted).to(place()))
        self.feed = Feed(self.live, rows.x)
        self.targets = tensor(network.targets(rows))
        self.weights = None if rows.weights is None else tensor(_mean_one(rows.weights))
        largest = max(_LEAST_BATCH, len(rows) // _LEAST_STEPS)
        self.n_steps = math.ceil(len(rows) / min(params["batch_size"], largest))
        self.optimizer = optimizer_of(network, self.live, lr_factor)
        self.learning_rate = max(group["lr"] for group in self.optimizer.param_groups)
        self.clip = params.get("clip.norm.limit")
        self.l1 = params.get("l1.weights.strength")
        self.mixup: float | None = (
            params.get("mixup.inputs.alpha") if set(self.feed.names) <= {"numeric", "image"} else None
        )
        self.average = averages.of(params, self.live)
        self.rng = np.random.default_rng(network.problem.seed)
        self.half = False
        self.full = self.planned = epochs * self.n_steps
        self.patient = True
        self.taken = self.on_schedule = 0
        self.pace: _Pace | None = None
        if seconds is not None:
            self._warm_up()
            self._plan(seconds, stretch)
            self.pace = _Pace(_OF_TIME * seconds)
        self.schedule = network.part("schedule", self.optimizer, self.planned)

    def take(self, module: nn.Module) -> None:
        """Let ``module`` be what is trained."""
        self.live = module
        self.augment, self.blend = getattr(module, "augment", None), getattr(module, "blend", None)
        self.annealed = [part for part in module.modules() if hasattr(part, "anneal")]

    @property
    def over(self) -> bool:
        """Whether the schedule has come to its end."""
        return self.on_schedule >= self.planned

    @property
    def may_be_best(self) -> bool:
        """Whether the weights of now may be the best: of a schedule over a given time those near its end are."""
        return self.patient or self.on_schedule >= _JUDGED_FROM * self.planned

    @property
    def progress(self) -> float:
        """The share of all epochs that is done, in (0, 1)."""
        return max(self.taken, 0.5) / (self.full + 1e-3)

    def _warm_up(self) -> None:
        """Take a step of a copy on two rows: what PyTorch loads at the first one of a process does not count."""
        live, self.live = self.live, copy.deepcopy(self.live)
        self._timed(torch.arange(min(2, self.feed.n_rows)).to(place()))
        self.live = live

    def _plan(self, seconds: float, stretch: float) -> None:
        """Time a step of a copy, and plan as many as fit into ``seconds``, which begin afterwards; no more than
        ``stretch`` times all epochs.
        """
        index = torch.arange(self.feed.n_rows)[: self.feed.n_rows // self.n_steps].to(place())
        live, halves = self.live, (False, True) if getattr(self.live, "mixed_precision", False) else (False,)
        taken = {}
        for self.half in halves:
            self.live = copy.deepcopy(live)
            taken[self.half] = self._timed(index)
            for _ in range(_TIMED_STEPS):
                if taken[self.half] > _OF_TIMING * seconds:  # the first one allocates, but it is slow enough
                    break
                taken[self.half] = min(taken[self.half], self._timed(index))
        self.live, self.half = live, min(taken, key=taken.__getitem__)
        possible = int(seconds * _OF_STEPS / taken[self.half])
        if possible < min(self.full, _LEAST_STEPS):
            raise TooLittleTimeError(
                f"A fit takes {_LEAST_STEPS} steps at least, of {taken[self.half]:.2g} s each; its time is "
                f"{seconds:.3g} s. Make the network smaller, or raise the budget."
            )
        self.planned = min(round(stretch * self.full), possible)
        # A schedule that was laid out over a given time is worth most at its end.
        self.patient = self.planned == self.full
        self.full = max(self.full, self.planned)
        for module in self.live.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.momentum is not None:
                # Else the running statistics of a short training are still those it began with.
                module.momentum = max(module.momentum, min(0.5, _STATISTICS / self.planned))

    def _timed(self, index: Tensor) -> float:
        began = time.perf_counter()
        self._total(index).backward()
        if place().type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began

    def epoch(self) -> Iterator[None]:
        """Take one pass over the rows, or what is left of the schedule. Raises ``FloatingPointError`` on divergence."""
        self.live.train()
        for index in self.feed.batches(self.n_steps, self.rng):
            self._step(index)
            self._advance()
            if self.over:
                return
            yield

    def _step(self, index: Tensor) -> None:
        total = self._total(index)
        if not math.isfinite(total.item()):
            raise FloatingPointError("the loss is not finite")
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        if self.clip:
            nn.utils.clip_grad_norm_(self.live.parameters(), self.clip)
        self.optimizer.step()
        self.average.update(self.live, self.on_schedule / self.planned)

    def _advance(self) -> None:
        """Go on along the schedule by the steps that were taken, or by the time where it runs out before all are.

        So a fit whose steps turn out slower or faster than those that were timed ends neither late nor early.
        """
        self.taken += 1
        share = self.taken / self.full
        if self.pace is not None:
            share = max(share, self.pace.share())
        # Rounded, so that the last of three steps is the end and not 1e-16 short of it.
        while self.on_schedule < min(self.planned, int(round(self.planned * share, 6))):
            self.schedule.step()
            self.on_schedule += 1

    def _total(self, index: Tensor) -> Tensor:
        """Return what the batch at ``index`` is to make small."""
        inputs = self.feed[index]
        for part in self.annealed:
            part.anneal(self.on_schedule / self.planned)  # type: ignore[operator]
        if hasattr(self.live, "leave_out"):
            self.live.leave_out(index)  # type: ignore[operator]
        if self.augment is not None:
            changed = self.augment(*inputs)
            inputs = (changed,) if isinstance(changed, Tensor) else tuple(changed)
        mixes = self.mixup or self.blend is not None
        total = self._mixed(inputs, index) if mixes else self._loss(self._forward(*inputs), index)
        if self.l1:
            total = total + self.l1 * sum(p.abs().sum() for p in self.live.parameters() if p.ndim > 1)
        return total

    def _forward(self, *inputs: Tensor) -> Tensor:
        if not self.half:
            return self.live(*inputs)
        with torch.autocast(place().type, torch.bfloat16):
            return self.live(*inputs).float()

    def _loss(self, output: Tensor, index: Tensor) -> Tensor:
        per_row = self.loss(output, self.targets[index])
        return (per_row if self.weights is None else per_row * self.weights[index]).mean()

    def _mixed(self, inputs: tuple[Tensor, ...], index: Tensor) -> Tensor:
        """Return the loss of rows that are mixed in pairs, and so are their losses.

        As the module does it (``blend``), or else by mixup (Zhang et al. 2018, arXiv:1710.09412).
        """
        other, share = torch.from_numpy(self.rng.permutation(len(index))).to(index.device), 1.0
        if self.blend is not None:
            *inputs, share = self.blend(other, *inputs)  # type: ignore[assignment]
        if share == 1 and self.mixup:
            share = float(self.rng.beta(self.mixup, self.mixup))
            inputs = tuple(share * x + (1 - share) * x[other] for x in inputs)
        output = self._forward(*inputs)
        own = self._loss(output, index)
        return own if share == 1 else share * own + (1 - share) * self._loss(output, index[other])

    def candidate(self) -> nn.Module:
        """Return the module that would predict now."""
        batches = self.feed.batches(self.n_steps, self.rng) if self.over else ()
        return self.average.now(self.live, self.over, (self.feed[index] for index in batches[:_STATISTICS]))

    def publish(self) -> None:
        """Copy the candidate's weights into the network."""
        self.network.fitted.load_state_dict(self.candidate().state_dict())


class _Pace:
    """How much of the time that a fit may take is over."""

    def __init__(self, seconds: float) -> None:
        self.began, self.seconds = time.perf_counter(), seconds

    def share(self) -> float:
        """Return the part of the time that is over."""
        return (time.perf_counter() - self.began) / self.seconds


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

    def judge(self, module: nn.Module, epochs: float) -> Iterator[None]:
        """Score ``module`` after so many epochs; yields between slices of the rows. Unfinite scores count as no
        better.
        """
        parts = []
        for part in evaluate(module, self.feed):
            parts.append(part)
            yield
        output = torch.cat(parts)
        self.waited += 1
        if not bool(output.isfinite().all()):
            return
        score, loss = self._came_to(output)
        self.network.judged(epochs, score, loss)
        now = _worth(score, loss)
        if self.best is None or now > self.best:
            self.best, self.waited = now, 0

    def worth(self, output: Tensor) -> tuple[float, float]:
        """Return the score of raw outputs for the validation rows, and what decides between equal ones: the loss.

        It does so too where the metric is undefined on this fold.
        """
        return _worth(*self._came_to(output))

    def _came_to(self, output: Tensor) -> tuple[float, float]:
        said = self.network.head.predict(output.cpu().numpy())
        score = self.network.problem.metric.score(self.valid.y, said, self.valid.weights)
        return score, self.loss(output, self.targets).mean().item()


def _worth(score: float, loss: float) -> tuple[float, float]:
    return score if math.isfinite(score) else 0.0, -loss


class _Pause:
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


def optimizer_of(network: "Network", module: nn.Module, lr_factor: float) -> Any:
    """Return the optimizer of a network over a module's weights, at ``lr_factor`` of its learning rate."""
    optimizer = network.part("optimizer", _groups(module))
    for group in optimizer.param_groups:
        group["lr"] *= lr_factor * group["lr_factor"]
        if "weight_decay" in group:  # a share of the rate: it stays what it would be at the whole rate
            group["weight_decay"] /= group["lr_factor"]
    return optimizer


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
