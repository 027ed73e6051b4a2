"""A scheduler that fails decides no more: all trials go on to their end, and what has ended is kept."""

import logging

from automl.errors import AutoMLError, with_type
from automl.types import Decision, Scheduler, Trial

log = logging.getLogger(__name__)


class TolerantScheduler:
    """Asks ``scheduler``, until it raises anything but an ``AutoMLError``; None lets all trials go on."""

    def __init__(self, scheduler: Scheduler | None) -> None:
        self.scheduler = scheduler

    def on_report(self, trial: Trial) -> Decision:
        """Return what the scheduler says."""
        if self.scheduler is None:
            return "continue"
        try:
            return self.scheduler.on_report(trial)
        except AutoMLError:
            raise
        except Exception as error:
            log.warning("The scheduler is lost (%s): all trials go on to their end.", with_type(error))
            self.scheduler = None
            return "continue"
