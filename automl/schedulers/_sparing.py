"""Any scheduler in a search for several goals: what nothing is better than in all of them is not given up."""

from automl.goals import Goals, is_scored
from automl.types import Decision, Scheduler, Trial


class Sparing:
    """Lets a trial go on that ``within`` would end, as long as it is on the front of those that finished.

    A scheduler compares scores, and would end all small and quick models because large ones are better.
    """

    def __init__(self, within: Scheduler, goals: Goals) -> None:
        self.within, self.goals = within, goals
        self._finished: list[Trial] = []

    def on_report(self, trial: Trial) -> Decision:
        """Return what the scheduler says, but for trials on the front."""
        decision = self.within.on_report(trial)
        if trial.status == "finished" and is_scored(trial):
            self._finished.append(trial)
        if decision == "stop" and self._finished and self._on_front(trial):
            return "continue"
        return decision

    def _on_front(self, trial: Trial) -> bool:
        measured = trial.values.keys() >= set(self.goals.objectives)
        return measured and any(trial is one for one in self.goals.front([trial, *self._finished]))
