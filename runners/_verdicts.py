"""What the scheduler says to reports from worker processes of this machine."""

import threading
from collections.abc import Mapping
from typing import Any

from automl.runners.blocks import make_decider
from automl.types import Objective, Proposer, Scheduler, Trial


class Verdicts:
    """Asks the scheduler of ``config`` whether a trial goes on.

    Making it may take seconds, where it is one of Ray's. ``in_a_hurry``: until then trials go on, and it hears of their
    reports later; otherwise the first report waits for it.
    """

    def __init__(self, config: Mapping[str, Any], proposals: Proposer, objective: Objective, in_a_hurry: bool) -> None:
        self._make_arguments = (config, proposals, objective)
        self.in_a_hurry = in_a_hurry
        self._unheard: list[Trial] = []
        self._scheduler: Scheduler | None = None
        self._error: BaseException | None = None
        self._making = threading.Thread(target=self._make, daemon=True, name="scheduler")
        self._making.start()

    def goes_on(self, snapshot: Trial) -> bool:
        """Hear of a trial; return whether it goes on, if it runs."""
        self._unheard.append(snapshot)
        if self._making.is_alive() and self.in_a_hurry:
            return True
        self._making.join()
        if self._error:
            raise self._error
        heard, self._unheard = self._unheard, []
        return [self._scheduler is None or self._scheduler.on_report(trial) != "stop" for trial in heard][-1]

    def _make(self) -> None:
        try:
            self._scheduler = make_decider(*self._make_arguments)
        except BaseException as error:
            self._error = error
