"""Between Ray Tune and the driver: Tune asks it for trials, and tells it what becomes of them."""

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.search.search_algorithm import SearchAlgorithm

from automl.errors import ConfigError
from automl.runners._child import Channel
from automl.runners._messages import SNAPSHOT, Alive, Began, Free, Lost, Nothing, Refused
from automl.runners._ray_fit import last_words_file
from automl.runners.blocks import given_up, started
from automl.types import Candidate, Trial

STUCK_SECONDS = 2.0
ALIVE_SECONDS = 1.0


@dataclass
class _TuneEntry:
    """A trial of Tune's and where it is."""

    tune_trial: TuneTrial
    snapshot: Trial


class Candidates(SearchAlgorithm):
    """Tune's view of the driver: asked when a worker is free, for at most ``limit`` trials at a time.

    A ``SearchAlgorithm`` and not Ray's ``Searcher``, because population based training refuses the
    wrapper that Tune puts around the latter.
    """

    def __init__(self, channel: Channel, limit: float) -> None:
        self.channel, self.limit = channel, limit
        self.in_flight: dict[str, _TuneEntry] = {}
        self.spent = False
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
        """The number of trials so far: how many there will be is not known."""
        return self.n_asked

    def is_finished(self) -> bool:
        """Return whether no further trial will come."""
        return self.spent

    def next_trial(self) -> TuneTrial | None:
        """Return a trial for the next candidate, or None while there is none."""
        if self.spent or len(self.in_flight) >= self.limit:
            return None
        self.channel.send(Free())
        candidate = self.channel.receive()
        if isinstance(candidate, Nothing):
            self.spent = candidate.spent
            return None
        self.n_asked += 1
        config = {"id": candidate.id, "params": candidate.params}
        trial = TuneTrial(
            self._experiment.run_identifier, config=config, experiment_tag=str(self.n_asked), **self._common
        )
        self.in_flight[trial.trial_id] = _TuneEntry(trial, started(candidate))
        return trial


class Reporter(Callback):
    """Tells the driver what Tune's trials do. ``folder``: where workers of this machine leave their last words."""

    def __init__(self, channel: Channel, candidates: Candidates, folder: Path) -> None:
        self.channel, self.candidates, self.folder = channel, candidates, folder

    def on_trial_start(self, iteration: int, trials: list, trial: TuneTrial, **info: Any) -> None:
        """A worker has taken up the trial (a paused one is taken up more than once)."""
        self.channel.send(Began(trial.config["id"]))

    def on_trial_result(self, iteration: int, trials: list, trial: TuneTrial, result: dict, **info: Any) -> None:
        """A step is done; ``done`` with a running snapshot means that the scheduler stops the trial."""
        snapshot: Trial = result[SNAPSHOT]
        stopped = result["done"] and snapshot.status == "running"
        self._report(trial, given_up(snapshot) if stopped else snapshot)

    def on_trial_complete(self, iteration: int, trials: list, trial: TuneTrial, **info: Any) -> None:
        """The scheduler stops a trial that was paused."""
        entry = self.candidates.in_flight.get(trial.trial_id)
        if entry:
            self._report(trial, given_up(entry.snapshot))

    def on_trial_error(self, iteration: int, trials: list, trial: TuneTrial, **info: Any) -> None:
        """The worker process died."""
        entry = self.candidates.in_flight.pop(trial.trial_id, None)
        if entry is None:
            return
        error = Path(trial.error_file).read_text() if trial.error_file else ""
        if "error raised in its creation task" in error:
            self.channel.send(Refused(_cannot_work(error)))
        self.candidates.spent = False
        id = entry.snapshot.candidate.id
        words = last_words_file(self.folder, id)
        if words.exists():
            self.channel.send(Lost(id, f"the worker process died: {words.read_text()}", again=False))
        else:
            self.channel.send(Lost(id, _cause_of_death(error), again=True))

    def _report(self, trial: TuneTrial, snapshot: Trial) -> None:
        entry = self.candidates.in_flight.get(trial.trial_id)
        if entry is None:
            return
        # Population based training copies whole configurations: the trial stays who it is.
        own = replace(snapshot, candidate=Candidate(entry.snapshot.candidate.id, snapshot.candidate.params))
        entry.snapshot = own
        if own.status != "running":
            del self.candidates.in_flight[trial.trial_id]
        self.channel.send(own)


class Heart(Stopper):
    """Tells the driver that Tune's loop turns, and ends it when only paused trials are left that nobody will wake."""

    def __init__(self, channel: Channel, candidates: Candidates) -> None:
        self.channel, self.candidates = channel, candidates
        self.beat_at = 0.0
        self.asleep_since = math.inf

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles it into its state file, which nobody reads

    def __call__(self, trial_id: str, result: dict) -> bool:
        """No trial is stopped on its own account."""
        return False

    def stop_all(self) -> bool:
        """Called at every turn of Tune's loop, some ten times a second or more."""
        now = time.monotonic()
        if now - self.beat_at > ALIVE_SECONDS:
            self.beat_at = now
            self.channel.send(Alive())
        entries = self.candidates.in_flight.values()
        if not self.candidates.spent or any(e.tune_trial.status != TuneTrial.PAUSED for e in entries):
            self.asleep_since = math.inf
        self.asleep_since = min(self.asleep_since, now)
        return now - self.asleep_since > STUCK_SECONDS


def _cannot_work(error: str) -> ConfigError:
    last_line = error.strip().splitlines()[-1]
    return ConfigError(
        f"The workers cannot take up trials: {last_line}. What trials need must be installed, in the same versions, on "
        "every machine that takes part."
    )


def _cause_of_death(error: str) -> str:
    if "NODE_OUT_OF_MEMORY" in error or "running low on memory" in error:
        return "the worker process died: the machine ran out of memory"
    return "the worker process was killed, or outgrew its share of the memory, or crashed in a library"
