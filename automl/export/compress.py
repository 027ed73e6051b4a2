"""Decides how each model is compressed: what is tried, and what its score lets us keep."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from automl.export.member import Member, validation_score
from automl.options import number
from automl.registry import load
from automl.space import Choice, Defaults, Params, Space, draw
from automl.task import Batch, Rows, Task
from automl.training.pipeline import Pipeline
from automl.types import Compressor, Model


@dataclass(frozen=True)
class CompressConfig:
    """``max_loss``: the relative loss of score the whole may suffer (0.005 = 0.5 %).

    ``options``: which compressors are tried, in this order; none turns compression off.
    """

    max_loss: float = 0.005
    options: tuple[str, ...] = ("prune_channels", "quantize_int8", "trim_trees")

    def __post_init__(self) -> None:
        number("max_loss of compression", self.max_loss, 0)
        for name in self.options:
            load("compressors", str(name))


# What a compressor that fits needs before its first step.
FIT_START_SECONDS = 3.0
# The fold models of a candidate are alike: what so many of them do not bear is not tried on the others.
REFUSALS = 2


def within(before: float, after: float, max_loss: float) -> bool:
    """Whether ``after`` is no more than ``max_loss`` (relative) below ``before``."""
    return after >= before - max_loss * abs(before)


def compress(
    task: Task, members: Sequence[Member], config: CompressConfig, deadline: float, note: Callable[[str], None]
) -> list[Member]:
    """Return the members, each as small as its score on its own validation rows allows.

    Each compressor is tried from its strongest setting down, and the first result that stays within
    ``max_loss`` of what it came from is kept. When the members together lose more than that, the
    uncompressed ones are returned. Nothing new is tried after ``deadline`` (``time.time()``).
    """
    smaller: list[Member] = []
    refusals: Counter[tuple[str, str]] = Counter()
    for member in members:
        one = _OneModel(task, member, config, deadline, note)
        smaller.append(one.compressed([o for o in config.options if refusals[member.candidate_id, o] < REFUSALS]))
        refusals.update((member.candidate_id, option) for option in one.refused)
    if not any(m.compression for m in smaller):
        return list(members)
    before, after = validation_score(task, members), validation_score(task, smaller)
    if within(before, after, config.max_loss):
        return smaller
    note(f"compression would lose more than {config.max_loss:.2%} of the score: left out")
    return list(members)


class _OneModel:
    """Compresses the model behind a member's feature steps."""

    def __init__(
        self, task: Task, member: Member, config: CompressConfig, deadline: float, note: Callable[[str], None]
    ) -> None:
        self.task, self.member, self.config, self.deadline, self.note = task, member, config, deadline, note
        self.valid = task.data.take(member.index)
        whole = member.model
        self.model: Model = whole.model if isinstance(whole, Pipeline) else whole
        self.prediction = member.prediction
        self.done: list[str] = []
        self.refused: list[str] = []

    def compressed(self, options: Sequence[str]) -> Member:
        reference = self._score(self.prediction)
        for name in options:
            option = load("compressors", name)
            # A compressor of models whose size costs little to keep is held to a stricter bound.
            least = reference - self.config.max_loss * getattr(option, "LOSS_SHARE", 1.0) * abs(reference)
            fits = hasattr(option, "FIT_SHARE")
            seconds = FIT_START_SECONDS + option.FIT_SHARE * self.member.seconds if fits else 0.0
            tries = [(params, option.build(params, self.task)) for params in settings(option.SPACE)]
            self._shrink(name, tries, least, seconds)
        if not self.done:
            return self.member
        whole = self.member.model
        model = whole.with_model(self.model) if isinstance(whole, Pipeline) else self.model
        return replace(self.member, model=model, prediction=self.prediction, compression=tuple(self.done))

    def _shrink(self, name: str, tries: Sequence[tuple[Params, Compressor]], least: float, seconds: float) -> None:
        """Take the first of ``tries``, ``seconds`` each, whose model scores at least ``least``."""
        for params, compressor in tries:
            if time.time() + seconds >= self.deadline:
                return
            try:
                smaller = compressor.compress(self.model, self.train)
                prediction = None if smaller is None else smaller.predict(self.x)
            except Exception as error:  # a compressor that fails costs its gain, never the model
                reason = " ".join(str(error).split())[:200]
                self.note(f"{name} failed on trial {self.member.candidate_id}: {type(error).__name__}: {reason}")
                return
            if smaller is None or prediction is None:
                return
            if self._score(prediction) >= least:
                self.model, self.prediction = smaller, prediction
                self.done.append(_words(name, params))
                return
        self.refused.append(name)

    def _score(self, prediction: np.ndarray) -> float:
        return self.task.metric.score(self.valid.y, prediction, self.valid.weights)

    @cached_property
    def x(self) -> Rows:
        """The validation rows as the inner model sees them."""
        return self._featured(self.valid.x)

    @cached_property
    def train(self) -> Batch:
        """The rows the model was fitted on, as it saw them."""
        others = np.ones(self.task.n_rows, bool)
        others[self.member.index] = False
        train = self.task.data.take(np.flatnonzero(others))
        return replace(train, x=self._featured(train.x))

    def _featured(self, x: Rows) -> Rows:
        return self.member.model.transform(x) if isinstance(self.member.model, Pipeline) else x


def settings(space: Space) -> list[Params]:
    """Return the settings of a compressor in the order they are tried: its first choice, as listed."""
    for name, domain in space.items():
        if isinstance(domain, Choice):
            return [draw(space, Defaults({name: option})) for option in domain.options]
    return [draw(space, Defaults())]


def _words(name: str, params: Params) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in params.items())})"
