"""Tiny objectives that run in other processes."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from automl.space import Params
from automl.testing import toy as testing
from automl.types import Candidate, Trial


@dataclass(frozen=True)
class Toy(testing.Toy):
    """The toy of the contract, whose parameter ``do`` may ask for any mischief."""

    def misbehave(self, params: Params) -> None:
        super().misbehave(params)
        misbehave(params.get("do"), params.get("mark", ""))


def misbehave(how: str | None, mark: str = "") -> None:
    """Do what no objective should; "die once" leaves the file ``mark``."""
    if how == "die" or (how == "die once" and not Path(mark).exists()):
        if mark:
            Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "raise":
        raise ValueError(testing.FAILURE)
    if how == "tell gpus":
        raise ValueError(f"CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES')!r}")
    if how == "exit":
        os._exit(3)
    if how == "sleep":
        time.sleep(60)
    if how == "hog":
        hoard = []
        while True:
            hoard.append(np.ones(2_000_000))
            time.sleep(0.02)


class Unloadable:
    """Cannot be unpickled where it did not come from."""

    def __reduce__(self) -> tuple:
        return misbehave, ("raise",)


class Steps:
    """An iterator over snapshots that can say where it is."""

    def __init__(
        self, toy: "Resumable", candidate: Candidate, deadline: float | None, scores: tuple[float, ...]
    ) -> None:
        self.scores = scores
        self.snapshots = toy.work(candidate, deadline, scores)

    def __iter__(self) -> "Steps":
        return self

    def __next__(self) -> Trial:
        trial = next(self.snapshots)
        self.scores = trial.fold_scores
        return trial

    def state(self) -> tuple[float, ...]:
        return self.scores


@dataclass(frozen=True)
class Resumable(Toy):
    """A toy whose trials can go on from another's state."""

    def __call__(self, candidate: Candidate, threads: int, deadline: float | None) -> Steps:
        return Steps(self, candidate, deadline, ())

    def resume(self, candidate: Candidate, threads: int, deadline: float | None, state: tuple[float, ...]) -> Steps:
        return Steps(self, candidate, deadline, state)
