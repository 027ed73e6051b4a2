"""What the scheduler says to reports from worker processes of this machine."""

import threading
from collections.abc import Mapping
from typing import Any

from automl.runners.blocks import make_scheduler, result_of
from automl.runners.inline import SimpleTrial
from automl.types import Searcher, Trial


class Verdicts:
    """Asks the scheduler of ``config`` whether a trial goes on.

    Making it takes seconds, as Ray's are imported. ``in_a_hurry``: until then trials go on, and it hears of their
    reports later; otherwise the first report waits for it.
    """

    def __init__(self, config: Mapping[str, Any], searcher: Searcher, in_a_hurry: bool) -> None:
        self.config, self.searcher, self.in_a_hurry = config, searcher, in_a_hurry
        self._seen: list[Trial] = []
        self._known: dict[str, SimpleTrial] = {}
        self._made: Any = None
        self._error: BaseException | None = None
        self._making = threading.Thread(target=self._make, daemon=True, name="scheduler")
        self._making.start()

    def goes_on(self, snapshot: Trial) -> bool:
        """Return whether the trial of a running ``snapshot`` goes on."""
        self._seen.append(snapshot)
        if self._making.is_alive() and self.in_a_hurry:
            return True
        self._making.join()
        if self._error:
            raise self._error
        verdicts = [self._hear(self._seen.pop(0)) for _ in self._seen.copy()]
        return verdicts[-1]

    def _make(self) -> None:
        try:
            self._made = make_scheduler(self.config, self.searcher)
        except BaseException as error:
            self._error = error

    def _hear(self, snapshot: Trial) -> bool:
        rule = self._made
        if rule is None:
            return True
        id = snapshot.candidate.id
        if id not in self._known:
            self._known[id] = SimpleTrial(trial_id=id)
            rule.on_trial_add(None, self._known[id])
        return bool(rule.on_trial_result(None, self._known[id], result_of(snapshot)) != rule.STOP)
