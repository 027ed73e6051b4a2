"""Any scheduler in a search with limits: a small model is not given up because large ones are better."""

from collections.abc import Callable

from automl.goals import Goals
from automl.types import Decision, Scheduler, Trial

# Compression brings a model to a third at the most: what is farther beyond a limit cannot be shipped.
HOPELESS = 3.0


def limited(make: Callable[[], Scheduler | None], goals: Goals) -> Scheduler | None:
    """Return a scheduler that knows the limits of ``goals``; None where ``make()`` makes none."""
    return None if (within := make()) is None else Limited(within, make, goals)


class Limited:
    """Compares the trials within the limits with each other, and those somewhat beyond with each other.

    What is far beyond a limit ends as soon as that is known. A trial counts as within them until it was measured.
    """

    def __init__(self, within: Scheduler, make: Callable[[], Scheduler | None], goals: Goals) -> None:
        self.goals = goals
        self._within, self._beyond = within, make()

    def on_report(self, trial: Trial) -> Decision:
        """Return what the scheduler of its like says."""
        excess = self.goals.excess(trial.values)
        if excess <= 1:
            return self._within.on_report(trial)
        if excess > HOPELESS or self._beyond is None:
            return "stop"
        return self._beyond.on_report(trial)
