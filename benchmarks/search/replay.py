"""One search over a problem, through the product's own interface."""

import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automl import options
from automl.proposals import Proposals
from automl.types import Candidate, FoldRef, Report, Trial
from benchmarks.search.problems import Problem

# How many asks at the end are timed: those that know most trials.
N_TIMED = 20


@dataclass(frozen=True)
class Replay:
    """``curve``: the best score after each evaluation. ``ask_seconds``: CPU time of one of the last asks."""

    curve: list[float]
    ask_seconds: float


def replay(problem: Problem, searcher: Mapping[str, Any], seed: int, evaluations: int, workers: int = 1) -> Replay:
    """Search for ``evaluations`` trials, of which ``workers`` run at a time and end in the order they began.

    An invalid candidate is a failed trial, and an evaluation like the others.
    """
    proposals = Proposals(
        lambda space, n: options.make("searchers", searcher, space, seed + n), problem.space, seed=seed
    )
    running: deque[Candidate] = deque()
    curve: list[float] = []
    seconds: deque[float] = deque(maxlen=N_TIMED)
    while len(curve) < evaluations:
        while len(running) < workers:
            began = time.process_time()
            candidate = proposals.ask()
            seconds.append(time.process_time() - began)
            if candidate is None:
                break
            running.append(candidate)
        if not running:
            break
        trial = ended(running.popleft(), problem)
        proposals.tell(trial)
        found = -math.inf if trial.score is None else trial.score
        curve.append(max(found, curve[-1] if curve else found))
    curve += curve[-1:] * (evaluations - len(curve))  # an exhausted space stays where it is
    return Replay(curve, sum(seconds) / len(seconds))


def ended(candidate: Candidate, problem: Problem) -> Trial:
    """Return the trial of a candidate."""
    score = problem.score(candidate.params)
    if score is None:
        return Trial(candidate, "failed", failure="an invalid candidate")
    return Trial(candidate, "finished", {"score": score}, (FoldRef(0, score),), (Report(1.0, score, 1.0),), 1.0)
