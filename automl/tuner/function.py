"""``maximize``: any function over a conditional space, which may report on its way; schedulers end it early."""

import math
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle

from automl import files, machine
from automl.errors import TrialError
from automl.space import Params, Space
from automl.tuner.run import Found, Named, Plan, best_of
from automl.types import Candidate, FoldRef, Report, Trial

Reports = Generator[tuple[float, float], None, Any]


def maximize(
    function: Callable[[Params], float | Reports],
    space: Space,
    *,
    searcher: Named = "gp",
    scheduler: Named = "halving",
    runner: Named = "inline",
    trials: int | None = 50,
    seconds: float | None = None,
    seed: int = 0,
    deterministic: bool = False,
) -> Found:
    """Return the parameters in ``space`` for which ``function`` is greatest.

    function: takes parameters as ``draw`` gives them (``automl.space.scope`` reads a part of them). It returns its
        value, or it is a generator that yields ``(progress, score)``, the progress rising to 1; the last score counts,
        and what it returns in the end is the result's ``value``. One that raises is a failed trial.
    searcher, scheduler, runner: a name, or ``{"name": ..., **options}``. The scheduler ends a generator early; the
        runner is "inline", or "processes" with ``workers``.
    trials, seconds: when the search ends, whichever is first. The defaults of the space are tried first.
    seed: of the searcher. deterministic: the same trials with any number of workers.

    Raises ``ConfigError`` for what is wrong, ``TrialError`` where nothing has a score.
    """
    plan = Plan(searcher, scheduler, runner, trials, seconds, seed, deterministic)
    proposals = plan.proposals(space)
    with files.scratch(Path(tempfile.gettempdir()), "automl-") as scratch:
        objective = Call(function, scratch)
        ended = list(plan.run(objective, proposals))
        best = best_of(ended)
        assert best.score is not None
        return Found(best.candidate.params, best.score, objective.value(best), ended)


@dataclass(frozen=True)
class Call:
    """The objective of a search over a function. ``folder``: where what it returns is kept for its caller."""

    function: Callable[[Params], Any]
    folder: Path

    def __call__(self, candidate: Candidate, threads: int, deadline: float | None) -> Iterator[Trial]:
        """Yield ``running`` snapshots, then an ended trial; ``stopped`` at the deadline, with what it has."""
        began, started_at = time.perf_counter(), time.time()
        reports: list[Report] = []

        def snapshot(status: Any) -> Trial:
            score = reports[-1].score
            folds = (FoldRef(0, score),) if status == "finished" else ()
            done = tuple(reports), time.perf_counter() - began
            return Trial(candidate, status, {"score": score}, folds, *done, None, machine.worker(), started_at)

        returned = self.function(dict(candidate.params))
        if not isinstance(returned, Generator):
            reports.append(_report(1.0, returned, began))
            yield snapshot("finished")
            return
        with closing(returned) as steps:
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    if not reports:
                        raise TrialError("The function has yielded nothing: it yields (progress, score).") from None
                    self._keep(candidate, end.value)
                    yield snapshot("finished")
                    return
                reports.append(_report(*_pair(step), began))
                if deadline is not None and time.time() >= deadline:
                    yield snapshot("stopped")
                    return
                yield snapshot("running")

    def value(self, trial: Trial) -> Any:
        """Return what the function returned for ``trial``; None where that was nothing, or it was ended early."""
        file = self.folder / trial.candidate.id
        return pickle.loads(file.read_bytes()) if file.exists() else None

    def _keep(self, candidate: Candidate, value: Any) -> None:
        if value is not None:
            draft = self.folder / f"{candidate.id}.{os.getpid()}"
            draft.write_bytes(cloudpickle.dumps(value))
            draft.replace(self.folder / candidate.id)


def _pair(step: Any) -> tuple[float, Any]:
    if not (isinstance(step, tuple) and len(step) == 2):
        raise TrialError(f"The function yields (progress, score), e.g. (0.5, accuracy); got {step!r}.")
    progress, score = step
    if not 0 < progress <= 1:
        raise TrialError(f"The progress that the function yields is greater than 0, and 1 at the end; got {progress}.")
    return float(progress), score


def _report(progress: float, score: Any, began: float) -> Report:
    try:
        value = float(score)
    except (TypeError, ValueError):
        raise TrialError(f"The function's score is a number, greater for the better; got {score!r}.") from None
    if not math.isfinite(value):
        raise TrialError(f"The function's score is not finite: {value}.")
    return Report(progress, value, time.perf_counter() - began)
