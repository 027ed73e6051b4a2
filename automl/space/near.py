"""What lies near: one typed change to a parent, and a child of two. Evolution, population-based training
and the search for the best of an acquisition function share these.
"""

from collections.abc import Collection
from typing import Any

import numpy as np

from automl.space.domains import Choice, Float, Int, Params, Scalar, Space
from automl.space.walk import Ask, Question, Random, draw, questions

STEP = 0.2
_NOTHING = object()


class Inherit:
    """Answers as ``parent`` does where its answer is possible here, else as ``fresh``."""

    def __init__(self, parent: Params, fresh: Ask) -> None:
        self.parent, self.fresh = parent, fresh

    def number(self, path: str, domain: Float | Int) -> float:
        value = self.parent.get(path, _NOTHING)
        return value if value in domain else self.fresh.number(path, domain)

    def choice(self, path: str, domain: Choice) -> Scalar:
        value = self.parent.get(path, _NOTHING)
        return value if value in domain else self.fresh.choice(path, domain)


class Mutate(Inherit):
    """Answers as ``parent``, but otherwise at the paths ``at``: a number takes a step, an option gives way to another.

    What is below a newly chosen option, or in a further repetition, is answered by ``fresh`` (default: at
    random). ``mutate`` chooses where. scale: see ``step``.
    """

    def __init__(
        self,
        parent: Params,
        rng: np.random.Generator,
        at: Collection[str],
        *,
        fresh: Ask | None = None,
        scale: float = STEP,
    ) -> None:
        super().__init__(parent, fresh or Random(rng))
        self.rng, self.at, self.scale = rng, at, scale

    def number(self, path: str, domain: Float | Int) -> float:
        value = super().number(path, domain)
        return step(value, domain, self.rng, self.scale) if path in self.at else value

    def choice(self, path: str, domain: Choice) -> Scalar:
        option = super().choice(path, domain)
        others = [o for o in domain.options if o != option] if path in self.at else []
        return others[int(self.rng.integers(len(others)))] if others else option


class Cross:
    """Answers as one of two parents, by the toss of a coin where both have an answer that is possible here.

    Where only one has, as that one; where none has, as ``fresh`` (default: at random).
    """

    def __init__(self, first: Params, second: Params, rng: np.random.Generator, *, fresh: Ask | None = None) -> None:
        self.parents, self.rng, self.fresh = (first, second), rng, fresh or Random(rng)

    def number(self, path: str, domain: Float | Int) -> float:
        values = self._values(path, domain)
        return self._pick(values) if values else self.fresh.number(path, domain)

    def choice(self, path: str, domain: Choice) -> Scalar:
        values = self._values(path, domain)
        return self._pick(values) if values else self.fresh.choice(path, domain)

    def _values(self, path: str, domain: Question) -> list[Any]:
        return [parent[path] for parent in self.parents if parent.get(path, _NOTHING) in domain]

    def _pick(self, values: list[Any]) -> Any:
        return values[int(self.rng.integers(len(values)))]


def mutate(
    space: Space, parent: Params, rng: np.random.Generator, *, fresh: Ask | None = None, scale: float = STEP
) -> Params:
    """Return ``parent`` with exactly one typed change; itself only where the space has but one point.

    Each of its numbers and options is as likely to change. Where the parent does not fit this space, it is
    first made to (``Inherit``). fresh: answers what is new in a branch (default: at random). scale: see ``step``.
    """
    fresh = fresh or Random(rng)
    parent = draw(space, Inherit(parent, fresh))
    free = [path for path, domain in questions(space, parent).items() if _has_others(domain)]
    if not free:
        return parent
    at = free[int(rng.integers(len(free)))]
    return draw(space, Mutate(parent, rng, (at,), fresh=fresh, scale=scale))


def step(value: float, domain: Float | Int, rng: np.random.Generator, scale: float = STEP) -> float:
    """Return another number of ``domain`` near ``value``; the same one only where there is no other.

    scale: standard deviation of the step, which is normal, as a share of the range (of its logarithm
    where it is log); reflected at the ends. A whole number moves by one at least.
    """
    unit = domain.to_unit(value) + scale * rng.standard_normal()
    unit %= 2  # a step beyond an end comes back from it
    moved = domain.from_unit(min(unit, 2 - unit))
    if moved != value:
        return moved
    neighbours = [value - 1, value + 1] if isinstance(domain, Int) else [domain.low, domain.high]
    others = [v for v in neighbours if v in domain and v != value]
    return others[int(rng.integers(len(others)))] if others else value


def _has_others(domain: Question) -> bool:
    return len(domain.options) > 1 if isinstance(domain, Choice) else domain.low < domain.high
