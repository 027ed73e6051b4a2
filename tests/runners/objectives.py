"""Tiny objectives that run in other processes."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import replace as change
from pathlib import Path

import numpy as np

from automl.goals import Goals
from automl.space import Float
from automl.types import Candidate, FoldRef, Report, Trial


@dataclass(frozen=True)
class Toy:
    """Scores ``x`` in ``n_folds`` steps of ``seconds`` each; the parameter ``do`` may ask for mischief."""

    seconds: float = 0.0
    n_folds: int = 5
    score: Callable[[float], float] = float

    def __call__(self, candidate: Candidate, threads: int, deadline: float | None) -> Iterator[Trial]:
        return self.work(candidate, deadline, ())

    def work(self, candidate: Candidate, deadline: float | None, scores: tuple[float, ...]) -> Iterator[Trial]:
        x = self.score(candidate.params["x"])
        trial = Trial(candidate, "running")
        while len(scores) < self.n_folds:
            misbehave(candidate.params.get("do"), candidate.params.get("mark", ""))
            time.sleep(self.seconds)
            scores = (*scores, x)
            mean = float(np.mean(scores))
            report = Report(len(scores) / self.n_folds, mean, self.seconds)
            trial = change(
                trial,
                values={"score": mean},
                folds=tuple(FoldRef(i, score) for i, score in enumerate(scores)),
                seconds=self.seconds * len(scores),
                reports=(*trial.reports, report),
            )
            if deadline is not None and time.time() > deadline:
                yield change(trial, status="stopped")
                return
            yield trial
        yield change(trial, status="finished")


def misbehave(how: str | None, mark: str = "") -> None:
    """Do what no objective should; "die once" leaves the file ``mark``."""
    if how == "die" or (how == "die once" and not Path(mark).exists()):
        if mark:
            Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "raise":
        raise ValueError("the kernel is\nnot positive definite")
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


class Line:
    """Proposes ``proposals`` over and over, ``n`` in all; keeps what it is told."""

    lag = None
    ready = True
    trials: tuple[Trial, ...] = ()
    goals = Goals()

    def __init__(self, proposals: list[dict], n: int | None = None) -> None:
        self.space = {"x": Float(0, 1)}
        self.proposals, self.n = proposals, n
        self.n_asked = 0
        self.told: list[Trial] = []

    def ask(self) -> Candidate | None:
        if self.n_asked == self.n:
            return None
        self.n_asked += 1
        i = self.n_asked - 1
        return Candidate(str(i), {"family": "toy", **self.proposals[i % len(self.proposals)]})

    def tell(self, trial: Trial) -> None:
        self.told.append(trial)
