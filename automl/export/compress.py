"""Decides how each model is compressed: what is tried, and what its score lets us keep."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from automl.export.member import Member, validation_score
from automl.registry import load
from automl.space import Choice, Defaults, Params, Space, draw
from automl.task import Batch, Task
from automl.training.pipeline import Pipeline
from automl.types import Compressor, Model


@dataclass(frozen=True)
class CompressConfig:
    """``max_loss``: the relative loss of score the whole may suffer (0.005 = 0.5 %).

    ``options``: which compressors are tried, in this order; none turns compression off.
    """

    max_loss: float = 0.005
    options: tuple[str, ...] = ("prune_channels", "quantize_int8", "trim_trees")


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
    smaller = [_OneModel(task, m, config, deadline).compressed() for m in members]
    if not any(m.compression for m in smaller):
        return list(members)
    before, after = validation_score(task, members), validation_score(task, smaller)
    if within(before, after, config.max_loss):
        return smaller
    note(f"compression would lose more than {config.max_loss:.2%} of the score: left out")
    return list(members)


class _OneModel:
    """Compresses the model behind a member's feature steps."""

    def __init__(self, task: Task, member: Member, config: CompressConfig, deadline: float) -> None:
        self.task, self.member, self.config, self.deadline = task, member, config, deadline
        self.valid = task.data.take(member.index)
        self.x = self._featured(self.valid).x

    def compressed(self) -> Member:
        whole = self.member.model
        inner: Model = whole.model if isinstance(whole, Pipeline) else whole
        reference = self._score(inner)
        done: list[str] = []
        for name in self.config.options:
            # A compressor of models whose size costs little to keep is held to a stricter bound.
            max_loss = self.config.max_loss * getattr(load("compressors", name), "LOSS_SHARE", 1.0)
            for params in settings(load("compressors", name).SPACE):
                smaller = self._try(load("compressors", name).build(params, self.task), inner)
                if smaller is None:
                    break
                if within(reference, self._score(smaller), max_loss):
                    inner = smaller
                    done.append(_words(name, params))
                    break
        if not done:
            return self.member
        model = whole.with_model(inner) if isinstance(whole, Pipeline) else inner
        return replace(self.member, model=model, compression=tuple(done))

    def _try(self, compressor: Compressor, model: Model) -> Model | None:
        if time.time() >= self.deadline:
            return None
        return compressor.compress(model, self._train())

    def _score(self, model: Model) -> float:
        return self.task.metric.score(self.valid.y, model.predict(self.x), self.valid.weights)

    def _train(self) -> Batch:
        """The rows the model was fitted on, as it saw them."""
        train = np.setdiff1d(np.arange(self.task.n_rows), self.member.index)
        return self._featured(self.task.data.take(train))

    def _featured(self, batch: Batch) -> Batch:
        model = self.member.model
        return replace(batch, x=model.transform(batch.x)) if isinstance(model, Pipeline) else batch


def settings(space: Space) -> list[Params]:
    """Return the settings of a compressor in the order they are tried: its first choice, as listed."""
    for name, domain in space.items():
        if isinstance(domain, Choice):
            return [draw(space, Defaults({name: option})) for option in domain.options]
    return [draw(space, Defaults())]


def _words(name: str, params: Params) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in params.items())})"
