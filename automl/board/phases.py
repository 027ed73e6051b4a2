"""What the time of a run went to: trials, and what its command has written down of all else."""

import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from automl import files
from automl.board.run_page import TIMED, Seen
from automl.figures.timeline import Phase, busy_share

_SEARCHING, _AFTERWARDS = "searching", "reporting"  # the run has ended when its report is made


def phases(seen: Seen) -> list[Phase]:
    """Return what a run did before and after its trials; nothing where it goes on, or where that is not known.

    Of a run that was resumed, that of the last time.
    """
    lasted = {name: seconds for name, seconds in _timings(Path(seen.run.folder)).items() if name != _AFTERWARDS}
    if seen.run.ended_at is None or not lasted:
        return []
    found, begin = [], max(0.0, seen.seconds - sum(lasted.values()))
    for name, seconds in lasted.items():
        found.append((name, begin, begin + seconds))
        begin += seconds
    return [phase for phase in found if phase[0] != _SEARCHING]


def span(seen: Seen) -> tuple[float, float]:
    """Return from when to when the time line is, in seconds since the run began: all of it, or its newest part."""
    newest = seen.trials.newest(TIMED)
    begin = min(mark.begun_at for mark in newest) - seen.run.started_at if len(newest) == TIMED else 0.0
    return max(0.0, begin), max([seen.seconds, *(mark.ended_at - seen.run.started_at for mark in newest)])


def busy(seen: Seen) -> float | None:
    """Return which share of that time the workers fitted trials; None before the first has ended."""
    began, (begin, end) = seen.run.started_at, span(seen)
    return busy_share(seen.trials.newest(TIMED), began + begin, began + end)


def _timings(folder: Path) -> Mapping[str, float]:
    """Return what the command of a run says how long each of its phases took; nothing where it says nothing."""
    with suppress(OSError, ValueError):
        found = files.read_json(folder / "timings.json")
        if isinstance(found, dict) and all(map(_is_duration, found.values())):
            return found
    return {}


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < math.inf
