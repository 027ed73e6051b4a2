"""Recorded learning curves, and a search over them: trials report by epoch, the scheduler says how long they run."""

import json
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from automl import options
from automl.proposals import Proposals
from automl.runners.blocks import make_decider
from automl.space import Float, Params, Space
from automl.types import Candidate, FoldRef, Report, Trial

# How the runs get equal shares of the space: samples, steps, and how far the first one goes, as a share of what lies
# between a point and the nearest run.
SAMPLES, STEPS, STEP = 20_000, 100, 0.3


@dataclass(frozen=True)
class Curves:
    """Training runs that were recorded: ``points`` of ``space``, and their validation ``losses`` (n, epochs + 1).

    The first loss of a curve is from before the training; NaN, or infinite, where it has diverged.
    """

    name: str
    space: Space
    points: list[Params]
    losses: np.ndarray

    @property
    def n_epochs(self) -> int:
        """The epochs of a full run."""
        return self.losses.shape[1] - 1

    @property
    def best(self) -> float:
        """The least loss that there is at the end."""
        return float(np.nanmin(self.losses[:, -1]))

    def nearest(self, params: Params, free: np.ndarray) -> int:
        """Return the run that stands for ``params``: the nearest of those that are ``free``, (n,) bool."""
        gaps = ((self._units - self._unit(params)) ** 2).sum(axis=1) - self._handicaps
        return int(np.where(free, gaps, math.inf).argmin())

    def _unit(self, params: Params) -> np.ndarray:
        return np.array([domain.to_unit(params[name]) for name, domain in self.space.items()])  # type: ignore[union-attr]

    @cached_property
    def _units(self) -> np.ndarray:
        """Where the runs lie in the space, each parameter in [0, 1]; (n, n_parameters)."""
        return np.array([self._unit(point) for point in self.points])

    @cached_property
    def _handicaps(self) -> np.ndarray:
        """What is taken from the squared distances to the runs, (n,), so that each is the nearest equally often.

        In several dimensions the most central points are the nearest to most others, and would be drawn first. These
        are the weights of a power diagram whose cells are equally large (Aurenhammer et al., Algorithmica, 1998).
        """
        points = np.random.default_rng(0).random((SAMPLES, self._units.shape[1]))
        gaps = (points**2).sum(axis=1)[:, None] + (self._units**2).sum(axis=1) - 2 * points @ self._units.T
        handicaps = np.zeros(len(self._units))
        first = STEP * float(np.median(gaps.min(axis=1)))
        for step in range(STEPS):
            shares = np.bincount((gaps - handicaps).argmin(axis=1), minlength=len(handicaps)) / len(points)
            handicaps -= first / (1 + step / 20) * np.minimum(shares * len(handicaps) - 1, 1)
        return handicaps


def recorded_curves(file: Path) -> Curves:
    """Read a table ``[{"hp": {name: value}, "valid": {"loss": [...]}}, ...]``, in which all values are above zero."""
    entries: list[Mapping[str, Any]] = json.loads(file.read_text())
    points = [{name: float(value) for name, value in entry["hp"].items()} for entry in entries]
    ends = {name: [f(point[name] for point in points) for f in (min, max)] for name in points[0]}
    space: Space = {name: Float(low, high, log=True) for name, (low, high) in ends.items()}
    losses = np.array([entry["valid"]["loss"] for entry in entries], float)
    return Curves(file.stem, space, points, losses)


def all_curves(folder: Path) -> list[Curves]:
    """Read all learning curves of a folder; files of another form (recorded scores) are left out."""
    return [recorded_curves(file) for file in sorted(folder.glob("*.json")) if file.read_text().lstrip()[:1] == "["]


@dataclass
class _Run:
    """A training run under way."""

    candidate: Candidate
    losses: np.ndarray
    reports: list[Report] = field(default_factory=list)

    def trial(self, status: Any) -> Trial:
        """Return the trial as it is now; a loss that is no number is a failure."""
        if status == "failed" or not self.reports:
            return Trial(self.candidate, status, failure="diverged" if status == "failed" else None)
        score = self.reports[-1].score
        folds = (FoldRef(0, score),) if status == "finished" else ()
        return Trial(self.candidate, status, {"score": score}, folds, tuple(self.reports), float(len(self.reports)))

    def train(self) -> Trial:
        """Train for one epoch, and return the trial."""
        epoch = len(self.reports) + 1
        loss = float(self.losses[epoch])
        if not math.isfinite(loss):
            return self.trial("failed")
        n_epochs = len(self.losses) - 1
        self.reports.append(Report(epoch / n_epochs, -loss, float(epoch)))
        return self.trial("finished" if epoch == n_epochs else "running")


def replay_curves(
    curves: Curves,
    searcher: Mapping[str, Any],
    scheduler: Mapping[str, Any],
    seed: int,
    full_runs: float = 50,
    workers: int = 4,
) -> list[float]:
    """Search for the epochs of ``full_runs``, and return the least final loss after each epoch (NaN before the first).

    ``workers`` train an epoch in turn. A proposal stands for the recorded run that is nearest to it of those that were
    not used yet, and the searcher is told that one's parameters.
    """
    proposals = Proposals(
        lambda space, n: options.make("searchers", searcher, space, seed + n), curves.space, seed=seed
    )
    objective: Any = None  # a single validation part has no folds to compare on
    decider = make_decider(scheduler, proposals, objective)
    free = np.ones(len(curves.points), bool)
    running: deque[_Run] = deque()
    found: list[float] = []
    best = math.nan
    while len(found) < full_runs * curves.n_epochs:
        while len(running) < workers and free.any() and (candidate := proposals.ask()):
            entry = curves.nearest(candidate.params, free)
            free[entry] = False
            running.append(_Run(Candidate(candidate.id, curves.points[entry]), curves.losses[entry]))
        if not running:
            break
        run = running.popleft()
        trial = run.train()
        if trial.status == "running" and decider is not None and decider.on_report(trial) == "stop":
            trial = run.trial("stopped")
        if trial.status == "running":
            running.append(run)
        else:
            if decider is not None:
                decider.on_report(trial)
            proposals.tell(trial)
            if trial.status == "finished":
                best = float(np.fmin(best, -(trial.score or 0.0)))
        found.append(best)
    return found + found[-1:] * round(full_runs * curves.n_epochs - len(found))
