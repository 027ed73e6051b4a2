"""Limits on what is known of a candidate before it is trained: what is beyond them is made smaller, or left out."""

import math
import time
from dataclasses import replace

import numpy as np

from automl.assemble import build
from automl.errors import NotApplicable
from automl.goals import Goals
from automl.registry import load
from automl.space import Choice, Defaults, Inherit, Params, Question, Scalar, Space, draw, questions
from automl.task import FAMILY_FOLDER, Task
from automl.training.torch_model import TorchModel
from automl.types import Values

# How often each parameter of the smallest candidate is looked at, and how often each one of others comes nearer to it.
SWEEPS, ROUNDS = 3, 3
EXAMPLES = 4
# A graph holds some more numbers than the network in it: scales of its input, the temperature of its answers.
SPARE_PARAMETERS = 32


class KnownSizes:
    """Brings candidates within limits on what a network has before it is trained (``goals.COUNTED``).

    ``until``: when to give up on candidates (``time.time()``); None: never. ``nearest``: what came nearest to the
    limits of all that could not be brought within them.
    """

    def __init__(self, task: Task, goals: Goals, until: float | None = None) -> None:
        self.goals, self.until = goals, math.inf if until is None else until
        self._aim = replace(goals, limits={name: _room(name, limit) for name, limit in goals.limits.items()})
        self.problem, self.kind = task.problem, task.kind
        self.x = task.data.x.take(slice(0, EXAMPLES))
        self.nearest: Values = {}
        self._smallest: dict[Scalar, Params] = {}
        self._known: dict[tuple[object, ...], Values] = {}

    def within(self, space: Space, params: Params, rng: np.random.Generator) -> Params | None:
        """Return ``params`` where they are within the limits, else what small changes make of them, or None.

        One parameter after the other, in random order, goes half of the way to the smallest candidate of the family.
        Where not even that one is within the limits, there is none.
        """
        known = self._smallest.get(params.get("family"))
        if time.time() >= self.until or (known is not None and not self._fits(known)):
            return None
        if self._fits(params):
            return params
        smallest = self._smallest_like(space, params)
        if not self._fits(smallest):
            return None
        for _ in range(ROUNDS):
            asked = self._shaping(space, params)
            for i in rng.permutation(len(asked)):
                path, domain = list(asked.items())[i]
                if path in smallest and path in params:
                    nearer = _half_way(domain, params[path], smallest[path])
                    params = draw(space, Inherit({**params, path: nearer}, Defaults(smallest)))
                if self._fits(params):
                    return params
        return draw(
            space, Inherit({**params, **{path: smallest[path] for path in self._shaping(space, smallest)}}, Defaults())
        )

    def _smallest_like(self, space: Space, params: Params) -> Params:
        """Return the smallest candidate of the family, or one that is small enough: each parameter in turn at its best.

        The one that came nearest of all families is remembered.
        """
        family = params.get("family")
        if family not in self._smallest:
            for _ in range(SWEEPS):
                before = params
                for path, domain in self._shaping(space, params).items():
                    for answer in _answers(domain):
                        if not self._fits(params):
                            params = self._smaller(params, draw(space, Inherit({**params, path: answer}, Defaults())))
                if params == before:
                    break
            if time.time() < self.until:
                self._smallest[family] = params
            values = self._of(params)
            if self._aim.excess(values) > 1 and (not self.nearest or self._size(values) < self._size(self.nearest)):
                self.nearest = values
        return self._smallest.get(family, params)

    def _shaping(self, space: Space, params: Params) -> dict[str, Question]:
        """Return what a candidate of its family is asked about its shape: how it is trained has no size."""
        family = str(params.get("family"))
        own = load(FAMILY_FOLDER[self.kind], family).space
        asked = questions(space, params)
        return {path: asked[path] for path in asked if path.removeprefix(f"family.{family}.").split(".")[0] in own}

    def _smaller(self, params: Params, other: Params) -> Params:
        if time.time() >= self.until:
            return params
        return other if self._size(self._of(other)) < self._size(self._of(params)) else params

    def _fits(self, params: Params) -> bool:
        return self._aim.excess(self._of(params)) <= 1

    def _size(self, values: Values) -> tuple[float, float]:
        """Return what is to be small: the largest share of a limit, and the sum of all shares."""
        shares = [values[name] / limit for name, limit in self._aim.limits.items() if name in values]
        return max(shares, default=0.0), sum(shares)

    def _of(self, params: Params) -> Values:
        """Return what is known of a candidate: nothing where it is no network, or has steps before it that learn."""
        if (key := tuple(params.items())) not in self._known:
            self._known[key] = self._counted(params)
        return self._known[key]

    def _counted(self, params: Params) -> Values:
        try:
            model = build(params, self.problem)
            return model.model.sizes(self.x) if isinstance(model.model, TorchModel) and not model.steps else {}
        except (NotApplicable, RuntimeError, ValueError):  # what cannot be built says so as a trial
            return {}


def _room(name: str, limit: float) -> float:
    return max(1.0, limit - SPARE_PARAMETERS) if name == "parameters" else limit


def _answers(domain: Question) -> list[Scalar]:
    """Return the answers among which the smallest one should be: all options, or the ends of a range."""
    return list(domain.options) if isinstance(domain, Choice) else [domain.low, domain.high]


def _half_way(domain: Question, here: Scalar, there: Scalar) -> Scalar:
    """Return what lies in the middle of two answers, or the other one where nothing does."""
    if isinstance(domain, Choice):
        return there
    middle = domain.from_unit((domain.to_unit(here) + domain.to_unit(there)) / 2)  # type: ignore[arg-type]
    return there if middle == here else middle
