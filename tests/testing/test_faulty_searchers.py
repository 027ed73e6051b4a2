"""Faulty searchers are refused; each draws at random but for one fault."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from automl.space import Defaults, Params, Random, Space, draw
from automl.testing import check_option
from automl.types import Trial
from tests.testing.faults import made_by, refused


class Draws:
    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed = space, seed

    def ask(self, number: int) -> Params | None:
        return draw(self.space, Random(np.random.default_rng([self.seed, number])))

    def tell(self, trial: Trial) -> None:
        """Learn nothing."""


class CrashesOnFailed(Draws):
    def tell(self, trial: Trial) -> None:
        if trial.status == "failed":
            raise KeyError("failed")


class CrashesOnStopped(Draws):
    def tell(self, trial: Trial) -> None:
        if trial.status == "stopped":
            self.best = trial.score + 1.0


class CrashesOnNaN(Draws):
    def tell(self, trial: Trial) -> None:
        if trial.score is not None and math.isnan(trial.score):
            raise ValueError("cannot fit NaN")


class CrashesOutside(Draws):
    def tell(self, trial: Trial) -> None:
        if "family" in self.space:
            {"a": 0, "b": 1, "net": 2}[trial.candidate.params["family"]]


class LeavesTheSpace(Draws):
    def ask(self, number: int) -> Params | None:
        return {name: value * 1.5 if type(value) is float else value for name, value in super().ask(number).items()}


class AsksForMore(Draws):
    def ask(self, number: int) -> Params | None:
        return {**super().ask(number), "more": 1}


class ForgetsRepeats(Draws):
    def ask(self, number: int) -> Params | None:
        return {name: value for name, value in super().ask(number).items() if ".0." not in name}


class AsksTheSame(Draws):
    def ask(self, number: int) -> Params | None:
        return draw(self.space, Defaults())


class AsksNothing(Draws):
    def ask(self, number: int) -> Params | None:
        return None


class IgnoresTheSeed(Draws):
    def ask(self, number: int) -> Params | None:
        self.seed = 0
        return super().ask(number)


class HasNoSeed(Draws):
    def ask(self, number: int) -> Params | None:
        return draw(self.space, Random(np.random.default_rng()))


FAULTS: dict[str, tuple[Callable[..., Any], str]] = {
    "crashes on failed": (CrashesOnFailed, "in a tree: tell of a failed trial with no score: KeyError: 'failed'"),
    "crashes on stopped": (CrashesOnStopped, "tell of a stopped trial with no score: TypeError"),
    "crashes on NaN": (CrashesOnNaN, "tell of a finished trial with the score nan: ValueError: cannot fit NaN"),
    "crashes outside": (CrashesOutside, "some outside the space: tell of a .*KeyError"),
    "leaves the space": (LeavesTheSpace, "asks within the space"),
    "asks for more": (AsksForMore, "asks within the space; .*'more': 1"),
    "forgets repeats": (ForgetsRepeats, "in a deep space: .*asks within the space"),
    "asks the same": (AsksTheSame, "asks for different parameters; 12 times it was {'family': 'a'"),
    "asks nothing": (AsksNothing, "its first answer is None"),
    "ignores the seed": (IgnoresTheSeed, "by the seeds 0 and 1 it asks the same"),
    "has no seed": (HasNoSeed, "asks the same by the same seed"),
    "makes None": (lambda space, seed: None, "has the methods ask, tell; got None"),
    "raises": (lambda space, seed: space["nosuch"], "make: KeyError: 'nosuch'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_searcher_is_refused(fault: str) -> None:
    make, message = FAULTS[fault]
    refused("searchers", made_by(make), message)


def test_the_searcher_that_the_faulty_ones_are_made_of_is_none() -> None:
    check_option("searchers", made_by(Draws))


def unwritable(space: Any, seed: int = 0, *, kernel: Any = object) -> Any:
    """A searcher with a default that no configuration can hold."""


def test_a_default_that_no_configuration_can_hold_is_refused() -> None:
    refused("searchers", made_by(unwritable), "the default of 'kernel' can be written")
