"""Between Ray Tune and a run: Tune asks here for trials, and tells here what becomes of them."""

import math
import queue
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_get
from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.search.search_algorithm import SearchAlgorithm

from automl.errors import ConfigError
from automl.runners._ray_worker import last_words_key
from automl.runners.blocks import failed, given_up, started, stopped
from automl.types import Budget, Candidate, Searcher, Trial

GRACE_SECONDS = 2.0  # how long after the deadline a trial may take to stop by itself


@dataclass
class Entry:
    """A trial in flight. ``started``: whether it has been in a worker; ``actor_of``: Tune's own trial."""

    snapshot: Trial
    tune_trial: TuneTrial
    started: bool = False


class Board:
    """The trials in flight, and the way of their snapshots to whoever reads ``snapshots``."""

    def __init__(self, searcher: Searcher, budget: Budget, ray_is_ours: bool) -> None:
        self.searcher = searcher
        self.ray_is_ours = ray_is_ours
        self.budget = budget
        self.in_flight: dict[str, Entry] = {}
        self.actors: dict[Any, Any] = {}
        self.snapshots: queue.SimpleQueue[Trial | BaseException | None] = queue.SimpleQueue()
        self.closed = False
        self.started_at: float | None = None

    def late(self, by_seconds: float = 0.0) -> bool:
        """Return whether the deadline is passed by ``by_seconds``, or nobody reads on."""
        deadline = self.budget.deadline
        return self.closed or (deadline is not None and time.time() >= deadline + by_seconds)

    def start(self, trial_id: str, actor: Any) -> None:
        """Note that a worker has taken up a trial (a paused one is taken up more than once)."""
        self.actors[actor._actor_id] = actor
        entry = self.in_flight.get(trial_id)
        if entry and not entry.started:
            entry.started = True
            self.started_at = self.started_at or time.monotonic()
            self.snapshots.put(entry.snapshot)

    def report(self, trial_id: str, snapshot: Trial) -> None:
        """Pass on a snapshot; an ended one leaves the board and is told to the searcher."""
        entry = self.in_flight.get(trial_id)
        if entry is None:
            return
        # Population based training copies whole configurations: the trial stays who it is.
        own = replace(snapshot, candidate=Candidate(entry.snapshot.candidate.id, snapshot.candidate.params))
        entry.snapshot = own
        if own.status != "running":
            del self.in_flight[trial_id]
            self.searcher.tell(own)
        self.snapshots.put(own)

    def stop_all(self) -> None:
        """Report what is still in flight as stopped; what never started leaves no trace."""
        for trial_id, entry in list(self.in_flight.items()):
            if entry.started:
                self.report(trial_id, stopped(entry.snapshot))

    def give_up(self, error: Exception) -> None:
        """End the run with ``error``: no trial can succeed."""
        self.snapshots.put(error)
        self.closed = True

    def kill_all(self) -> None:
        """End the worker processes, also in the middle of a fit; Tune would wait for them to end by themselves."""
        for actor in self.actors.values():
            ray.kill(actor)
        self.actors.clear()


class Candidates(SearchAlgorithm):
    """Tune's view of a ``Searcher``: asks it when a worker is free, until the budget is spent.

    A ``SearchAlgorithm`` and not Ray's ``Searcher``, because population based training refuses the
    wrapper that Tune puts around the latter.
    """

    def __init__(self, board: Board, max_in_flight: float) -> None:
        self.board = board
        self.max_in_flight = max_in_flight
        self.n_asked = 0

    def add_configurations(self, experiments: Any) -> None:
        """Keep the one experiment that trials are made for."""
        (self._experiment,) = experiments
        spec = self._experiment.spec
        self._common = {
            "storage": spec.get("storage"),
            "checkpoint_config": spec.get("checkpoint_config"),
            "placement_group_factory": spec.get("resources_per_trial"),
        }

    @property
    def total_samples(self) -> int:
        """The number of trials there will be, as far as that is known."""
        return self.board.budget.trials or 0

    def is_finished(self) -> bool:
        """Return whether no further trial will come."""
        trials = self.board.budget.trials
        return self._finished or self.board.late() or (trials is not None and self.n_asked >= trials)

    def next_trial(self) -> TuneTrial | None:
        """Return a trial for the next candidate, or None while every worker has one."""
        if self.is_finished() or len(self.board.in_flight) >= self.max_in_flight:
            return None
        candidate = self.board.searcher.ask()
        if candidate is None:
            self.set_finished()
            return None
        self.n_asked += 1
        config = {"id": candidate.id, "params": candidate.params}
        trial = TuneTrial(
            self._experiment.run_identifier, config=config, experiment_tag=str(self.n_asked), **self._common
        )
        self.board.in_flight[trial.trial_id] = Entry(started(candidate), trial)
        return trial


class Reporter(Callback):
    """Tells the board what Tune's trials do."""

    def __init__(self, board: Board) -> None:
        self.board = board

    def on_trial_start(self, iteration: int, trials: list, trial: TuneTrial, **info: Any) -> None:
        """A worker has taken up the trial."""
        self.board.start(trial.trial_id, trial.temporary_state.ray_actor)

    def on_trial_result(self, iteration: int, trials: list, trial: TuneTrial, result: dict, **info: Any) -> None:
        """A step is done; ``done`` with a running snapshot means that the scheduler stops the trial."""
        snapshot: Trial = result.pop("parcel").open()
        self.board.report(trial.trial_id, given_up(snapshot) if result["done"] and _runs(snapshot) else snapshot)

    def on_trial_complete(self, iteration: int, trials: list, trial: TuneTrial, **info: Any) -> None:
        """The scheduler stops a trial that was paused."""
        entry = self.board.in_flight.get(trial.trial_id)
        if entry:
            self.board.report(trial.trial_id, given_up(entry.snapshot))

    def on_trial_error(self, iteration: int, trials: list, trial: TuneTrial, **info: Any) -> None:
        """The worker process died."""
        entry = self.board.in_flight.get(trial.trial_id)
        if entry is None:
            return
        error = Path(trial.error_file).read_text() if trial.error_file else ""
        if "error raised in its creation task" in error:
            self.board.give_up(_cannot_work(error))
        elif self.board.late():  # it died of the deadline
            self.board.report(trial.trial_id, stopped(entry.snapshot))
        else:
            self.board.report(trial.trial_id, failed(entry.snapshot, _cause_of_death(trial.trial_id, error)))


class Over(BaseException):
    """Leaves Tune's loop without its last words: they take seconds, and a Ray of our own ends with the run."""


class Deadline(Stopper):
    """Ends the run: when all is done or late, or when only paused trials are left that nobody will wake."""

    def __init__(self, board: Board, candidates: Candidates) -> None:
        self.board = board
        self.candidates = candidates
        self.idle_since = math.inf

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles it into its state file, which nobody reads

    def __call__(self, trial_id: str, result: dict) -> bool:
        """No trial is stopped on its own account."""
        return False

    def stop_all(self) -> bool:
        """Called at every turn of Tune's loop, some ten times a second or more."""
        over = self.candidates.is_finished() and not self.board.in_flight
        if over or self.board.late(0.0 if self.board.closed else GRACE_SECONDS) or self._stuck():
            self.board.kill_all()
            if self.board.ray_is_ours:
                raise Over
            return True
        return False

    def _stuck(self) -> bool:
        entries = self.board.in_flight.values()
        asleep = bool(entries) and all(entry.tune_trial.status == TuneTrial.PAUSED for entry in entries)
        if not (asleep and self.candidates.is_finished()):
            self.idle_since = math.inf
            return False
        self.idle_since = min(self.idle_since, time.monotonic())
        return time.monotonic() - self.idle_since > 2.0


def _runs(snapshot: Trial) -> bool:
    return snapshot.status == "running"


def _cannot_work(error: str) -> ConfigError:
    last_line = error.strip().splitlines()[-1]
    return ConfigError(
        f"The workers cannot take up trials: {last_line}. What trials need must be installed, in the same versions, on "
        "every machine that takes part."
    )


def _cause_of_death(trial_id: str, error: str) -> str:
    key = last_words_key(trial_id)
    last_words = _internal_kv_get(key)
    if last_words:
        _internal_kv_del(key)
        return f"the worker process died: {last_words.decode()}"
    if "NODE_OUT_OF_MEMORY" in error or "running low on memory" in error:
        return "the worker process died: the machine ran out of memory"
    return "the worker process died: it was killed, or a library crashed"
