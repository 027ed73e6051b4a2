"""The trials in flight, as the driver sees them: who is asked for next, what is lost, what is told."""

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from automl.runners.blocks import failed, started, stopped
from automl.types import Budget, Candidate, Proposer, Trial

# How long after the deadline a trial may take to stop by itself.
GRACE_SECONDS = 2.0
# Who follows the trials hears of one at least so often, and can look at the time.
PULSE_SECONDS = 0.5
# A trial whose worker was killed is tried once more.
TRIES = 2


@dataclass
class _Entry:
    """A trial in flight. ``started``: whether anybody was told of it; ``tries``: how often a worker took it up."""

    snapshot: Trial
    started: bool = False
    tries: int = 0


class TrialsInFlight:
    """Hands out candidates while ``budget`` lasts, at most ``limit`` at a time, and tells what ended."""

    def __init__(self, proposals: Proposer, budget: Budget, limit: float = math.inf) -> None:
        self.proposals, self.budget, self.limit = proposals, budget, limit
        self.in_flight: dict[str, _Entry] = {}
        self._again: deque[Candidate] = deque()
        self._n_asked = 0
        self._exhausted = False
        self._told_at = time.monotonic()

    def late(self, by_seconds: float = 0.0) -> bool:
        """Return whether the deadline is passed by ``by_seconds``."""
        return self.budget.deadline is not None and time.time() >= self.budget.deadline + by_seconds

    @property
    def closed(self) -> bool:
        """Whether no further candidate will be handed out, whatever comes."""
        trials = self.budget.trials
        spent = self._exhausted or (trials is not None and self._n_asked >= trials)
        return self.late() or (spent and not self._again)

    @property
    def over(self) -> bool:
        """Whether all is done."""
        return self.closed and len(self.in_flight) <= len(self._again)  # what waits for another try has none now

    def next(self) -> Candidate | None:
        """Return a candidate for a free worker; None where there is none now, or (``closed``) no more at all."""
        if self.closed or len(self.in_flight) - len(self._again) >= self.limit:
            return None
        if self._again:
            return self._again.popleft()
        if not self.proposals.ready:
            return None
        candidate = self.proposals.ask()
        if candidate is None:
            self._exhausted = True
            return None
        self._n_asked += 1
        self.in_flight[candidate.id] = _Entry(started(candidate))
        return candidate

    def begin(self, id: str) -> Iterator[Trial]:
        """Note that a worker takes up a trial; yield its first snapshot the first time."""
        entry = self.in_flight.get(id)
        if entry is None:
            return
        entry.tries += 1
        if not entry.started:
            entry.started = True
            yield entry.snapshot

    def report(self, snapshot: Trial) -> Iterator[Trial]:
        """Yield a snapshot that came in, as it is to be passed on; an ended one is told to ``proposals``."""
        entry = self.in_flight.get(snapshot.candidate.id)
        if entry is None:
            return
        entry.snapshot, self._told_at = snapshot, time.monotonic()
        if snapshot.status != "running":
            del self.in_flight[snapshot.candidate.id]
            self.proposals.tell(snapshot)
        yield entry.snapshot

    def pulse(self) -> Iterator[Trial]:
        """Yield a snapshot of a trial under way once more where nothing was heard for a while."""
        if time.monotonic() - self._told_at > PULSE_SECONDS:
            self._told_at = time.monotonic()
            yield from [entry.snapshot for entry in self.in_flight.values() if entry.started][:1]

    def lose(self, id: str, why: str, again: bool) -> Iterator[Trial]:
        """A trial's worker died of ``why``: try the trial ``again`` where that may help, else yield it as failed."""
        entry = self.in_flight.get(id)
        if entry is None:
            return
        if self.late():  # it died of the deadline
            yield from self.report(stopped(entry.snapshot))
        elif again and entry.tries < TRIES:
            entry.snapshot = started(entry.snapshot.candidate)
            self._again.append(entry.snapshot.candidate)
        else:
            yield from self.report(failed(entry.snapshot, why))

    def stop_all(self) -> Iterator[Trial]:
        """Yield what is still in flight as stopped where it stands; what never started leaves no trace."""
        for entry in list(self.in_flight.values()):
            if entry.started:
                yield from self.report(stopped(entry.snapshot))
        self.in_flight.clear()
        self._again.clear()
