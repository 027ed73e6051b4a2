"""What every runner keeps: each trial starts once and ends once, is told, and whatever happens to it is a row."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import psutil

from automl import options
from automl.testing.rules import about, check_methods
from automl.testing.toy import N_FOLDS, STOPS_WEAK, Line, Toy
from automl.types import Budget, Trial

NONE = {"name": "none"}
XS = [{"x": x} for x in (0.05, 0.55, 0.1, 0.6, 0.15, 0.65, 0.2, 0.7)]
# How long is waited for what a runner is to do in a moment, on a busy machine too: to end a run at its deadline and
# what it started, and to stop a first trial.
GRACE_SECONDS, PATIENCE_SECONDS = 20.0, 120.0
# A deadline is after so many seconds; after more where no trial has begun by then.
DEADLINES = (2.5, 10.0, 40.0)
# Python's own helpers, which serve a whole process to its end.
_HELPERS = ("resource_tracker", "forkserver")


def check_runner(name: str, configuration: Mapping[str, Any]) -> None:
    """Check the runner that ``configuration`` asks for."""

    def make() -> Any:
        with about("make"):
            runner = options.make("runners", {"name": name, **configuration})
        check_methods(runner, ("start", "run", "close"), "what 'make' of a runner returns")
        return runner

    checks = {
        "in a run of three trials, one of which raises": _check_trials,
        "in a run of an exhausted space": _check_exhausted_space,
        "in a run with a deadline": _check_deadline,
        "in a run with a scheduler that stops scores below a half": _check_scheduler,
        "in a run that is closed": _check_closing,
    }
    for what, check in checks.items():
        with about(what):
            before = _children(), _threads()
            runner = make()
            with _closed_where_it_fails(runner):
                check(runner)
            _check_nothing_left(*before)


@contextmanager
def _closed_where_it_fails(runner: Any) -> Iterator[None]:
    """A faulty runner is to leave as little behind as it can."""
    try:
        yield
    except BaseException:
        with suppress(Exception):
            runner.close()
        raise


def search(
    runner: Any,
    toy: Toy,
    line: Line,
    budget: Budget,
    scheduler: Mapping[str, Any] = NONE,
    until: Callable[[Trial], bool] = lambda trial: False,
) -> dict[str, Trial]:
    """Follow a run to its end; return the ended trials by id, having checked that each ended once and was told.

    ``until``: after which trial the run is closed; what is in flight then need not end.
    """
    snapshots: list[Trial] = []
    late = time.time() + PATIENCE_SECONDS if budget.deadline is None else budget.deadline + GRACE_SECONDS
    run = runner.run(toy, line, scheduler, budget)
    assert hasattr(run, "__next__"), f"'run' of a runner returns a generator of trials; got {run!r}"
    closed = False
    with closing(run):
        for snapshot in run:
            assert isinstance(snapshot, Trial), f"'run' of a runner yields trials; got {snapshot!r}"
            snapshots.append(snapshot)
            assert time.time() < late, (
                "a run ends when its budget is spent or the space is exhausted; "
                f"with {budget}, of {line.n or 'endless'} candidates, it still goes on"
            )
            if closed := until(snapshot):
                break
    _check_account(snapshots, line, whole=not closed)
    return {s.candidate.id: s for s in snapshots if s.status != "running"}


def _check_account(snapshots: Sequence[Trial], line: Line, whole: bool) -> None:
    """Each trial begins, ends once and is told; where the run is not ``whole``, the last ones may not have."""
    ended = [s for s in snapshots if s.status != "running"]
    by_id = {s.candidate.id: s for s in ended}
    assert len(by_id) == len(ended), f"a trial is reported once when it has ended; {_twice(ended)} came twice"
    told = {t.candidate.id: t for t in line.told}
    assert len(told) == len(line.told), (
        f"the proposer is told of a trial once; of {_twice(line.told)} it was told twice"
    )
    first = {s.candidate.id: s for s in reversed(snapshots)}
    for id, snapshot in first.items():
        begins = snapshot.status == "running" and not snapshot.reports
        assert begins, f"the first snapshot of a trial says that it runs, and has no reports; '{id}' has {snapshot}"
    if whole:
        assert first.keys() == by_id.keys(), f"each trial comes to an end; {sorted(first.keys() - by_id)} did not"
        assert told == by_id, f"the proposer is told each trial that has ended, {sorted(by_id)}; it was {sorted(told)}"


def _twice(trials: Sequence[Trial]) -> list[str]:
    ids = [trial.candidate.id for trial in trials]
    return sorted({id for id in ids if ids.count(id) > 1})


def _check_trials(runner: Any) -> None:
    line = Line([{"x": 0.3}, {"x": 0.6, "do": "raise"}])
    runner.start()
    trials = search(runner, Toy(), line, Budget(trials=3))
    runner.close()
    ids = sorted(trials)
    assert ids == ["0", "1", "2"], f"a budget of 3 trials is kept; there were {len(ids)}, {ids}"
    raised = trials["1"]
    assert raised.status == "failed", f"a trial that raises is a failed one; it is {raised.status}"
    assert "not positive definite" in (raised.failure or ""), (
        f"the 'failure' of a trial says what it raised; it says {raised.failure!r}"
    )
    for id in ("0", "2"):
        trial = trials[id]
        assert trial.status == "finished", f"beside a trial that raises, others go on; '{id}' is {trial.status}"
        n_folds = len(trial.fold_scores)
        assert n_folds == len(trial.reports) == N_FOLDS, (
            f"a trial goes on to its end, {N_FOLDS} folds; it has {n_folds}"
        )
        assert trial.score == trial.candidate.params["x"], f"a trial has its own score; '{id}' has {trial.score}"


def _check_exhausted_space(runner: Any) -> None:
    n = len(search(runner, Toy(), Line(XS, 2), Budget()))
    runner.close()
    assert n == 2, f"a run ends when the proposer has no more, after 2 trials here; there were {n}"


def _check_deadline(runner: Any) -> None:
    for seconds in DEADLINES:
        runner.start()
        budget = Budget(deadline=time.time() + seconds)
        trials = list(search(runner, Toy(seconds=0.05, n_folds=100_000), Line(XS), budget).values())
        runner.close()
        took = time.time() - (budget.deadline or 0)
        assert took < GRACE_SECONDS, f"a run ends at its deadline; it went on for {took:.0f} s"
        states = {trial.status for trial in trials}
        assert states <= {"stopped"}, f"at the deadline, what runs is stopped; there are {sorted(states)} trials"
        if any(trial.reports for trial in trials):
            return
    raise AssertionError(f"a runner starts trials; none has reported within {DEADLINES[-1]:g} s")


def _check_scheduler(runner: Any) -> None:
    line = Line([{"x": 0.2}, {"x": 0.8}])
    toy = Toy(seconds=0.02)
    trials = search(runner, toy, line, Budget(), STOPS_WEAK, until=lambda trial: trial.status == "stopped")
    runner.close()
    stopped = [trial for trial in trials.values() if trial.status == "stopped"]
    assert stopped, "a runner stops the trials that the scheduler stops; none was"
    for trial in stopped:
        due = trial.score is not None and trial.score < 0.5 and len(trial.reports) < N_FOLDS
        assert due, f"a runner stops the trials that the scheduler stops, with what they have; it stopped {trial}"


def _check_closing(runner: Any) -> None:
    runner.start()
    line, began = Line(XS), time.monotonic()
    run = runner.run(Toy(seconds=0.05), line, NONE, Budget())
    for _ in zip(range(12), run, strict=False):
        assert time.monotonic() - began < PATIENCE_SECONDS, "trials report as they go; there are hardly any reports"
    run.close()
    n_told = len(line.told)
    for _ in range(2):
        with about("close, also where all is closed"):
            runner.close()
    time.sleep(0.3)
    assert len(line.told) == n_told, "when its generator is closed a run is over; the proposer is still told of trials"


def _children() -> set[int]:
    return {p.pid for p in psutil.Process().children(recursive=True) if not _is_helper(p)}


def _is_helper(process: psutil.Process) -> bool:
    try:
        return any(helper in part for part in process.cmdline() for helper in _HELPERS)
    except psutil.Error:  # gone
        return True


def _threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def _check_nothing_left(children: set[int], threads: set[threading.Thread]) -> None:
    """What a runner started is gone a moment after it was closed."""
    late = time.monotonic() + GRACE_SECONDS
    while (_children() - children or _threads() - threads) and time.monotonic() < late:
        time.sleep(0.05)
    processes = _children() - children
    assert not processes, f"a runner that is closed leaves no process behind; {len(processes)} are there"
    left = sorted(thread.name for thread in _threads() - threads)
    assert not left, f"a runner that is closed leaves no thread behind; there are {', '.join(left)}"
