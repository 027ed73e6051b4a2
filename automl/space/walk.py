"""``draw``: the one walker over a space. A back end (``Ask``) answers its questions, one after the other."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from automl.errors import SpaceError, nearest
from automl.space.domains import Choice, Constant, Domain, Float, Int, Params, Repeat, Scalar, Space

Question = Float | Int | Choice


class Ask(Protocol):
    """A back end of ``draw``: answers each question about one parameter."""

    def number(self, path: str, domain: Float | Int) -> float:
        """Return a value inside ``domain``."""

    def choice(self, path: str, domain: Choice) -> Scalar:
        """Return one of ``domain.options``."""


def draw(space: Space, ask: Ask, prefix: str = "") -> Params:
    """Walk ``space`` and return flat parameters; only the branches that were chosen are entered."""
    params: Params = {}
    for name, domain in space.items():
        params |= _draw(domain, ask, f"{prefix}{name}")
    return params


def _draw(domain: Domain | Space, ask: Ask, path: str) -> Params:
    if isinstance(domain, Mapping):
        return draw(domain, ask, f"{path}.")
    if isinstance(domain, Repeat):
        params = _draw(domain.times, ask, f"{path}.n")
        for i in range(int(params[f"{path}.n"])):
            params |= draw(domain.space, ask, f"{path}.{i}.")
        return params
    if isinstance(domain, Constant):
        return {path: domain.value}
    if isinstance(domain, Choice):
        option = ask.choice(path, domain)
        return {path: option} | draw(domain.options[option], ask, f"{path}.{option}.")
    value = ask.number(path, domain)
    return {path: int(value) if isinstance(domain, Int) else float(value)}


class Defaults:
    """Answers with each domain's starting value; ``fixed`` answers some paths itself."""

    def __init__(self, fixed: Params | None = None) -> None:
        self.fixed = fixed or {}

    def number(self, path: str, domain: Float | Int) -> float:
        return self.fixed.get(path, domain.start)

    def choice(self, path: str, domain: Choice) -> Scalar:
        return self.fixed.get(path, domain.start)


class Random:
    """Draws uniformly (or log-uniformly) with a NumPy generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def number(self, path: str, domain: Float | Int) -> float:
        if isinstance(domain, Int) and not domain.log:
            return int(self.rng.integers(domain.low, domain.high + 1))
        return domain.from_unit(self.rng.random())

    def choice(self, path: str, domain: Choice) -> Scalar:
        options = list(domain.options)
        return options[int(self.rng.integers(len(options)))]


class Replay:
    """Answers with stored parameters; a missing or impossible value is a ``SpaceError``.

    ``asked``: the questions so far, by their paths.
    """

    def __init__(self, params: Params) -> None:
        self.params = params
        self.asked: dict[str, Question] = {}

    def number(self, path: str, domain: Float | Int) -> float:
        return self._value(path, domain)

    def choice(self, path: str, domain: Choice) -> Scalar:
        return self._value(path, domain)

    def _value(self, path: str, domain: Question) -> Any:
        self.asked[path] = domain
        if path not in self.params:
            raise SpaceError(f"The parameters lack '{path}', which the space needs.")
        value = self.params[path]
        if value not in domain:
            raise SpaceError(f"'{path}' must lie in {domain}; got {value!r}.")
        return value


def validate(space: Space, params: Params) -> Params:
    """Return ``params`` as this space would draw them. Raises ``SpaceError`` on any stranger in them."""
    drawn = draw(space, Replay(params))
    extra = [path for path in params if path not in drawn]
    if extra:
        raise SpaceError(f"The space has no parameter '{extra[0]}' here.{nearest(extra[0], drawn)}")
    return drawn


def questions(space: Space, params: Params) -> dict[str, Question]:
    """Return what ``params`` answer: the domain at each path that is asked on their way through ``space``.

    Raises ``SpaceError`` where they lack an answer, or have an impossible one.
    """
    replay = Replay(params)
    draw(space, replay)
    return replay.asked


def scope(params: Params, prefix: str) -> Params:
    """Return the parameters below ``prefix``, with paths relative to it."""
    start = prefix + "."
    return {path[len(start) :]: value for path, value in params.items() if path.startswith(start)}
