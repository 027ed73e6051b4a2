"""Any scheduler in a deterministic run: it decides alike with any number of workers, whoever is first."""

from collections.abc import Callable, Iterable

from automl.types import Decision, Scheduler, Trial


class Lagged:
    """Decides about candidate k from the trials up to k - ``lag``, in the order of their numbers, and from its own.

    Each candidate has a scheduler of its own, which is told these before anything else. That they have ended is
    what ``automl.proposals.InOrder`` waits for. ``make()``: a new scheduler. ``earlier``: the trials that ended in an
    earlier process.
    """

    def __init__(self, make: Callable[[], Scheduler], lag: int, earlier: Iterable[Trial] = ()) -> None:
        self.make, self.lag = make, lag
        self._ended = {int(trial.candidate.id): trial for trial in earlier}
        self._schedulers: dict[int, Scheduler] = {}

    def on_report(self, trial: Trial) -> Decision:
        """Return what the candidate's own scheduler says."""
        number = int(trial.candidate.id)
        if trial.status != "running":
            self._ended[number] = trial
            self._schedulers.pop(number, None)
            return "continue"
        if number not in self._schedulers:
            self._schedulers[number] = self._told(number - self.lag)
        return self._schedulers[number].on_report(trial)

    def _told(self, last: int) -> Scheduler:
        scheduler = self.make()
        for number in sorted(n for n in self._ended if n <= last):
            scheduler.on_report(self._ended[number])
        return scheduler
