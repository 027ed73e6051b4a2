"""Near the end of a search: candidates that would not be done in time make room for quicker ones."""

import time
from collections import defaultdict
from statistics import median

from automl.types import Candidate, Searcher, Trial

# So many candidates in a row are left out before the search counts as over.
TRIES = 20


class InTime:
    """Asks ``searcher``, and leaves out candidates whose family usually takes longer than there is time left.

    ``deadline``: when trials have to be over, as ``time.time()``. A trial that was stopped counts with
    what it would have taken at its pace. Of a family that was never tried everything is let through.
    """

    def __init__(self, searcher: Searcher, deadline: float) -> None:
        self.searcher, self.deadline = searcher, deadline
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)

    def ask(self) -> Candidate | None:
        """Return the next candidate that may be done in time; None where none is likely to be."""
        for _ in range(TRIES):
            candidate = self.searcher.ask()
            if candidate is None or self._usual_seconds(candidate) <= self.deadline - time.time():
                return candidate
            self.searcher.tell(Trial(candidate, "failed", failure="no time left for its family"))
        return None

    def tell(self, trial: Trial) -> None:
        """Learn how long the trial took, or would have taken."""
        if trial.reports and trial.reports[-1].progress > 0:
            self._seconds[trial.candidate.family].append(trial.seconds / trial.reports[-1].progress)
        self.searcher.tell(trial)

    def _usual_seconds(self, candidate: Candidate) -> float:
        return median(self._seconds[candidate.family] or [0.0])
