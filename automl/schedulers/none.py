"""No scheduler: every trial runs to its end."""

PAUSES = False  # trials need not be paused and resumed


def make() -> None:
    """Return None: nothing is stopped early."""
