"""The live view on a terminal, in a pipe, and silent."""

import io
import time
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from automl.leaderboard.records import StoredMetric
from automl.progress import Progress
from automl.types import Candidate, Report, Trial

LOSS = StoredMetric("log_loss", greater_is_better=False)


class Clock:
    """Time that passes when told to."""

    now = 0.0

    def __call__(self) -> Any:
        return self.now


def trial(id: int, status: Any = "finished", score: float | None = None, family: str = "mlp", **changes: Any) -> Trial:
    return Trial(Candidate(str(id), {"family": family}), status, {} if score is None else {"score": score}, **changes)


def plain(**options: Any) -> Any:
    clock = Clock()
    file = io.StringIO()
    progress = Progress(Console(file=file, width=80), metric=LOSS, clock=clock, **options)
    return progress, clock, lambda: file.getvalue().splitlines()


def test_a_pipe_gets_a_line_for_each_new_best_and_each_kind_of_failure() -> None:
    progress, clock, lines = plain(seconds=60)
    with progress:
        clock.now = 1
        progress.update(trial(0, "running"))
        progress.update(trial(0, score=-0.5))
        progress.update(trial(1, score=-0.7))
        clock.now = 2
        progress.update(trial(2, score=-0.25, family="lightgbm"))
        progress.update(trial(9, "stopped", -0.1))  # over some folds only
        for i in range(3, 8):
            progress.update(trial(i, "failed", failure=f"rate {i} is [too] high"))
        progress.update(trial(8, score=float("nan")))
        progress.note("[note]")
        progress.phase("ensembling")
        progress.phase("ensembling")
        clock.now = 61
    assert lines() == [
        "[0:01] best log_loss 0.5 mlp #0",
        "[0:02] best log_loss 0.25 lightgbm #2",
        "[0:02] failed mlp #3: rate 3 is [too] high",
        "[note]",
        "[0:02] ensembling",
        "[1:01] done after 1:01: 4 done, 1 stopped, 5 failed; best log_loss 0.25 lightgbm #2; 10 trials",
        "failed 5 times: mlp: rate 3 is [too] high",
    ]


def test_a_pipe_gets_a_heartbeat_at_most_every_ten_seconds() -> None:
    progress, clock, lines = plain(seconds=300, trials=50)
    with progress:
        for i in range(1, 101):
            clock.now = i / 4
            progress.update(trial("a", "running", reports=(Report(i / 100, -0.5, clock.now),)))
        assert lines() == [
            "[0:10] 1 running; 4:50 left, 0 of 50 trials",
            "[0:20] 1 running; 4:40 left, 0 of 50 trials",
        ]


def test_the_budget_may_have_begun_before_the_view() -> None:
    progress, clock, lines = plain(seconds=60, started=-20.0)
    with progress:
        clock.now = 10
        progress.update(trial(0, "running"))
        assert lines() == ["[0:30] 1 running; 0:30 left, 0 trials"]


def test_trials_of_an_earlier_session_count_without_a_line() -> None:
    progress, _, lines = plain(trials=10)
    with progress:
        progress.seen([trial(0, score=-0.5), trial(1, "failed", failure="x")])
        progress.update(trial(2, score=-0.6))
        assert lines() == []
        assert progress.best.candidate.id == "0"
    assert lines() == ["[0:00] done after 0:00: 2 done, 1 failed; best log_loss 0.5 mlp #0; 3 of 10 trials"]


def on_terminal(**options: Any) -> Any:
    file = io.StringIO()
    console = Console(force_terminal=True, file=file, width=80, color_system="standard", _environ=options)
    return console, file.getvalue


def wait_for(text: Callable[[], str], part: str) -> None:
    """Wait until the refresh thread has drawn ``part``."""
    deadline = time.monotonic() + 5
    while part not in text() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert part in text()


def test_a_terminal_shows_one_block() -> None:
    console, text = on_terminal()
    with Progress(console, seconds=300, trials=20, metric=LOSS, clock=Clock()) as progress:
        progress.update(trial(0, score=-0.5))
        progress.update(trial(1, "failed", failure="boom"))
        for i in range(2, 7):
            progress.update(trial(i, "running", family="svm", reports=(Report(0.4, -0.5, 1.0),)))
        progress.note("a [note] above")
        for part in (
            *("starting", "5:00 left, 2 of 20 trials", "log_loss 0.5 mlp #0", "1 done, 5 running, 1 failed"),
            *("svm #2 40%, svm #3 40%, svm #4 40%, and 2 more", "failed mlp #1: boom", "a [note] above", "━"),
        ):
            wait_for(text, part)
        progress.phase("exporting")
        wait_for(text, "exporting")
    assert "done after 0:00" in text()
    assert text().endswith("\x1b[?25h")
    assert "svm" not in text().rsplit("done after", 1)[1]


def test_many_updates_are_cheap_and_redraw_at_most_four_times_a_second() -> None:
    console, text = on_terminal()
    began = time.perf_counter()
    with Progress(console, metric=LOSS) as progress:
        for i in range(2000):
            progress.update(trial(i, "running"))
            progress.update(trial(i, score=-1 / (i + 1)))
    seconds = time.perf_counter() - began
    assert seconds < 5
    assert text().count("starting") <= 2 + 4 * seconds


def test_no_color_is_honoured_and_a_dumb_terminal_gets_lines() -> None:
    console, text = on_terminal(NO_COLOR="1")
    with Progress(console, metric=LOSS) as progress:
        progress.update(trial(0, score=-0.5))
    assert "[32m" not in text()
    console, text = on_terminal(TERM="dumb")
    with Progress(console, metric=LOSS) as progress:
        progress.update(trial(0, score=-0.5))
    assert "[0:00] best log_loss 0.5 mlp #0\n" in text()


def test_it_goes_to_standard_error_and_quiet_means_silence(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(metric=LOSS) as progress:
        progress.update(trial(0, score=-0.5))
        print("result")
    out, err = capsys.readouterr()
    assert out == "result\n"
    assert "best log_loss 0.5" in err
    with Progress(metric=LOSS, quiet=True) as progress:
        progress.update(trial(0, "failed", failure="x"))
        progress.note("x")
        progress.phase("x")
    assert capsys.readouterr() == ("", "")


def test_an_error_inside_leaves_the_terminal_in_order() -> None:
    console, text = on_terminal()
    with pytest.raises(RuntimeError, match="boom"), Progress(console, metric=LOSS):
        raise RuntimeError("boom")
    assert "ended after" in text()
    assert text().endswith("\x1b[?25h")
