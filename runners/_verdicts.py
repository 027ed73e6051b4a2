"""What the scheduler says to reports from worker processes of this machine. It has a process of its own.

So its driver loads none of Ray, whose schedulers take seconds to load.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.errors import AutoMLError
from automl.runners._child import Channel, Child
from automl.runners._messages import Known
from automl.runners._shared import read
from automl.runners.blocks import make_decider
from automl.types import Trial

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SchedulerParts:
    """What the scheduler is made of. ``objective``: a file that ``_shared.read`` reads."""

    scheduler: Mapping[str, Any]
    known: Known
    objective: Path


class Verdicts:
    """Asks the scheduler whether a trial goes on.

    ``in_a_hurry``: until it is made trials go on, and it hears of their reports later; otherwise the first report waits
    for it. Where its process dies, all go on.
    """

    def __init__(self, parts: SchedulerParts, folder: Path, in_a_hurry: bool) -> None:
        self.in_a_hurry = in_a_hurry
        self._unheard: list[Trial] = []
        self._child: Child | None = None
        if parts.scheduler.get("name", "none") != "none":
            self._child = Child(__name__, folder, {})
            self._child.send(parts)
        self._made = False

    def goes_on(self, snapshot: Trial) -> bool:
        """Hear of a trial; return whether it goes on, if it runs. Raises ``ConfigError`` for a wrong option."""
        if self._child is None:
            return True
        self._unheard.append(snapshot)
        try:
            if not self._made and self.in_a_hurry and not self._child.connection.poll():
                return True
            self._made = self._made or self._answer()
            self._child.send(self._unheard)
            self._unheard = []
            return self._answer()
        except (EOFError, OSError):
            log.warning("The scheduler is lost (%s): all trials go on to their end.", self._child.last_line())
            self.close()
            return True

    def close(self) -> None:
        """End the scheduler's process."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def _answer(self) -> bool:
        assert self._child is not None
        answer = self._child.connection.recv()
        if isinstance(answer, AutoMLError):
            raise answer
        return bool(answer)


def main(channel: Channel) -> None:
    """Make the scheduler, then answer about trials until the driver is gone."""
    parts: SchedulerParts = channel.receive()
    try:
        known: Any = parts.known
        scheduler = make_decider(parts.scheduler, known, read(parts.objective))
    except AutoMLError as error:
        channel.send(error)
        return
    channel.send(True)
    while True:
        heard: list[Trial] = channel.receive()
        channel.send([scheduler is None or scheduler.on_report(trial) != "stop" for trial in heard][-1])
