"""No scheduler: every trial runs to its end."""

from typing import Any

from automl.options import refuse_unknown

PAUSES = False  # trials need not be paused and resumed


def make(**unknown: Any) -> None:
    """Return None: nothing is stopped early."""
    refuse_unknown("scheduler 'none'", unknown, make)
