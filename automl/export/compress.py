"""Decides how each model is compressed: what is tried, and what its score lets us keep."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import starmap

import numpy as np

from automl.clock import FIT_START_SECONDS
from automl.errors import with_type
from automl.export.config import CompressConfig
from automl.export.member import Member, validation_score
from automl.registry import load
from automl.space import Choice, Defaults, Params, Space, draw
from automl.task import Batch, Rows, Task
from automl.types import Model

# The fold models of a candidate are alike: what so many of them do not bear is not tried on the others.
REFUSALS = 2


def loses_little(before: float, after: float, max_loss: float) -> bool:
    """Whether ``after`` is no more than ``max_loss`` (relative) below ``before``."""
    return after >= before - max_loss * abs(before)


class Compression:
    """Compresses members, each of them once, as its score on its own validation rows allows.

    Each compressor is tried from its strongest setting down, and the first result that stays within
    ``max_loss`` of what it came from is kept.
    """

    def __init__(self, task: Task, config: CompressConfig, note: Callable[[str], None] = lambda text: None) -> None:
        self.task, self.config, self.note = task, config, note
        self._refusals: Counter[tuple[str, str]] = Counter()
        self._known: dict[tuple[str, int | None], _OneModel] = {}

    def apply(self, members: Sequence[Member], deadline: float) -> tuple[list[Member], float]:
        """Return the members as small as allowed, and by how much their common validation score rises.

        When the members together lose more than ``max_loss``, the uncompressed ones are returned.
        Nothing new is tried after ``deadline`` (``time.time()``).
        """
        if not self.config.options:
            return list(members), 0.0
        smaller = [self._member(member, deadline) for member in members]
        if not any(m.compression for m in smaller):
            return list(members), 0.0
        before, after = validation_score(self.task, members), validation_score(self.task, smaller)
        if loses_little(before, after, self.config.max_loss):
            return smaller, after - before
        self.note(f"compression would lose more than {self.config.max_loss:.2%} of the score: left out")
        return list(members), 0.0

    def repeated(self, member: Member) -> Member:
        """Return ``member``, whose model was fitted on all rows, compressed as it says: as the first fold model was.

        As it is, where it does not bear that.
        """
        known = next(one for (id, _), one in self._known.items() if id == member.candidate_id)
        rows = self.task.training_data
        smaller, train = member.model.model, replace(rows, x=member.model.transform(rows.x))
        try:
            for name, params in known.done:
                smaller = load("compressors", name).build(params, self.task.problem).compress(smaller, train) or smaller
        except Exception as error:
            self.note(_failure(name, member, error))
            return replace(member, compression=())
        return replace(member, model=member.model.with_model(smaller))

    def _member(self, member: Member, deadline: float) -> Member:
        key = (member.candidate_id, member.fold)
        if key not in self._known:
            self._known[key] = _OneModel(self.task, member, self.config.max_loss, self.note)
        one = self._known[key]
        for name in self.config.options:
            if name not in one.tried and self._refusals[member.candidate_id, name] < REFUSALS:
                self._refusals[member.candidate_id, name] += one.shrink(name, deadline)
        return one.applied_to(member)


class _OneModel:
    """The model behind a member's feature steps, getting smaller."""

    def __init__(self, task: Task, member: Member, max_loss: float, note: Callable[[str], None]) -> None:
        self.task, self.member, self.max_loss, self.note = task, member, max_loss, note
        self.valid = task.data.take(member.index)
        self.model: Model = member.model.model
        self.prediction = member.prediction
        self.reference = self._score(self.prediction)
        self.done: list[tuple[str, Params]] = []
        self.tried: set[str] = set()

    def applied_to(self, member: Member) -> Member:
        """Return ``member``, which has the model this began with, with what became of it."""
        if not self.done:
            return member
        whole = member.model.with_model(self.model)
        words = tuple(starmap(_words, self.done))
        return replace(member, model=whole, prediction=self.prediction, compression=words)

    def shrink(self, name: str, deadline: float) -> bool:
        """Take the first setting of a compressor that loses little enough; return whether none does."""
        option = load("compressors", name)
        least = self.reference - self.max_loss * option.loses * abs(self.reference)
        seconds = FIT_START_SECONDS + option.costs * self.member.seconds if option.costs else 0.0
        for params in settings(option.space):
            if time.time() + seconds >= deadline:
                return False
            try:
                smaller = option.build(params, self.task.problem).compress(self.model, self.train)
                prediction = None if smaller is None else self.member.model.with_model(smaller).answer(self.x)
            except Exception as error:
                self.note(_failure(name, self.member, error))
                break
            if smaller is None or prediction is None:  # it is for other models
                break
            if self._score(prediction) >= least:
                self.model, self.prediction = smaller, prediction
                self.done.append((name, params))
                self.tried.add(name)
                return False
        self.tried.add(name)
        return True

    def _score(self, prediction: np.ndarray) -> float:
        return self.task.metric.score(self.valid.y, prediction, self.valid.weights)

    @cached_property
    def x(self) -> Rows:
        """The validation rows as the inner model sees them."""
        return self.member.model.transform(self.valid.x)

    @cached_property
    def train(self) -> Batch:
        """The rows the model was fitted on, as it saw them."""
        # Its fold's own: where rows are ordered, those that come after its validation part are in neither.
        assert self.member.fold is not None
        train, _ = self.task.fold(self.member.fold)
        return replace(train, x=self.member.model.transform(train.x))


def settings(space: Space) -> list[Params]:
    """Return the settings of a compressor in the order they are tried: its first choice, as listed."""
    for name, domain in space.items():
        if isinstance(domain, Choice):
            return [draw(space, Defaults({name: option})) for option in domain.options]
    return [draw(space, Defaults())]


def _failure(name: str, member: Member, error: Exception) -> str:
    """Return the note of a compressor that failed, which costs its gain and never the model."""
    return f"{name} failed on trial {member.candidate_id}: {with_type(error)}"


def _words(name: str, params: Params) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in params.items())})"
