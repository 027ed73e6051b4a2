"""What nothing is better than in all goals is not given up, whatever its score."""

from automl.goals import Goals
from automl.schedulers._sparing import Sparing
from automl.types import Decision, Trial
from tests.trials import candidate, trial


class Strict:
    """Ends every trial that runs."""

    def on_report(self, trial: Trial) -> Decision:
        return "stop" if trial.status == "running" else "continue"


def test_the_front_is_spared() -> None:
    scheduler = Sparing(Strict(), Goals(("score", "bytes")))

    def decided(score: float, n_bytes: float | None) -> Decision:
        values = {} if n_bytes is None else {"bytes": n_bytes}
        return scheduler.on_report(trial(candidate("r"), score, "running", values=values, progress=0.5))

    assert decided(0.5, 10) == "stop", "nothing has finished that would say what the front is"
    scheduler.on_report(trial(candidate("0"), 0.9, values={"bytes": 100}))
    assert decided(0.5, 10) == "continue", "smaller"
    assert decided(0.95, 1000) == "continue", "better"
    assert decided(0.5, 200) == "stop", "worse in both"
    assert decided(0.95, None) == "stop", "what is not measured yet is spared for nothing"
    scheduler.on_report(trial(candidate("1"), 0.6, values={"bytes": 5}))
    assert decided(0.5, 10) == "stop"
