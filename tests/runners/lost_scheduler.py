"""A scheduler that fails at its third report."""

from automl.types import Decision, Trial

PAUSES = False


def make(*, n_good: int = 2) -> "Lost":
    return Lost(n_good)


class Lost:
    def __init__(self, n_good: int) -> None:
        self.n_left = n_good

    def on_report(self, trial: Trial) -> Decision:
        self.n_left -= 1
        if self.n_left < 0:
            raise KeyError("rung")
        return "continue"
