"""The live view of a search: one block on a terminal, plain lines elsewhere.

It goes to standard error, so that what a program prints as its result can be piped.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from automl.goals import Goals
from automl.leaderboard import words
from automl.leaderboard.records import ShownMetric, StoredMetric
from automl.runtime.printable import printable
from automl.types import Trial

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_REFRESHES_PER_SECOND = 4
_HEARTBEAT_SECONDS = 10.0
# Running trials that the block names; the others are counted.
_NAMED = 3


class Progress:
    """Shows a search while it runs; a context manager.

    On a terminal one block is redrawn at most four times a second. Elsewhere there is a line for each
    new best trial, one for each new kind of failure, and at most every ten seconds one with the counts.

    Parameters
    ----------
    console: where to; default: standard error. rich honours NO_COLOR.
    seconds, trials: the budget of the search; None where there is no limit.
    metric: how to show scores.
    quiet: show nothing at all.
    started: when the budget began to run, by the clock; default: on entering.
    clock: what time it is, in seconds.
    goals: what orders the trials.
    folds: how many folds a whole trial has.

    Attributes
    ----------
    best: the best whole trial so far. partial: the best of those that ended earlier, while there is no whole one.
    phases: name -> seconds of every phase that is over; the first one is "starting".
    """

    def __init__(
        self,
        console: "Console | None" = None,
        *,
        seconds: float | None = None,
        trials: int | None = None,
        metric: ShownMetric | None = None,
        quiet: bool = False,
        started: float | None = None,
        clock: Callable[[], float] = time.time,
        goals: Goals | None = None,
        folds: int | None = None,
    ) -> None:
        from rich.console import Console

        self.console = console or Console(stderr=True)
        self.metric = metric or StoredMetric("score")
        self.best: Trial | None = None
        self.partial: Trial | None = None
        self._goals = goals or Goals()
        self._folds = folds
        self.counts: Counter[str] = Counter()
        self._seconds = seconds
        self._trials = trials
        self._quiet = quiet
        self._clock = clock
        self._started = started
        self._start = self._last_line = self._phase_began = clock()
        self._phase = "starting"
        self.phases: dict[str, float] = {}
        self._running: dict[str, Trial] = {}
        self._failures: list[Trial] = []
        self._known: set[tuple[str, str]] = set()
        self._live: Live | None = None
        self._ended = False

    def __enter__(self) -> "Progress":
        self._last_line = self._clock()
        self._start = self._phase_began = self._last_line if self._started is None else self._started
        if not self._quiet and self.console.is_terminal and not self.console.is_dumb_terminal:
            from rich.live import Live

            # Output of others goes above the block, but never from a pipe to the terminal.
            self._live = Live(
                console=self.console,
                get_renderable=self._block,
                refresh_per_second=_REFRESHES_PER_SECOND,
                redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
            )
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._running.clear()
        self._close_phase()
        self._ended = True
        self._phase = f"{'ended' if exception[0] else 'done'} after {words.duration(self._elapsed())}"
        if self._live is not None:
            self._live.stop()
            self._live = None
        else:
            self._line(f"{self._phase}: {self._summary()}")
        for n, family, reason in words.failures((t.candidate.family, t.failure, 1) for t in self._failures):
            if n > 1:
                self._say(f"failed {n} times: {family}: {reason}")

    def seen(self, trials: Iterable[Trial]) -> None:
        """Count ended trials of an earlier session of this run, without a line for each."""
        for trial in trials:
            self._count(trial)

    def update(self, trial: Trial) -> None:
        """Take a snapshot of a trial: running, or ended (once)."""
        if trial.status == "running":
            self._running[trial.candidate.id] = trial
        else:
            self._running.pop(trial.candidate.id, None)
            before = self._shown()
            self._count(trial)
            if trial.status == "failed":
                self._failed(trial)
            elif self._shown() is not before and self._live is None:
                self._line(self._standing())
        if self._live is None and self._clock() - self._last_line >= _HEARTBEAT_SECONDS:
            self._line(self._summary())

    def phase(self, name: str) -> None:
        """Say what the search is doing now ("ensembling", "exporting")."""
        self._close_phase()
        changed, self._phase = name != self._phase, name
        if changed and self._live is None:
            self._line(name)

    def note(self, text: str) -> None:
        """Print a line that stays, above the block."""
        self._say(text)

    def _count(self, trial: Trial) -> None:
        self.counts[trial.status] += 1
        # A score from a part of the folds does not compare: what is best so far only gets better.
        if trial.status == "finished":
            self.best = self._goals.best([*([self.best] if self.best else []), trial])
        else:
            self.partial = self._goals.best([*([self.partial] if self.partial else []), trial])

    def _shown(self) -> Trial | None:
        return self.best or self.partial

    def _standing(self) -> str:
        """Say what is best so far."""
        shown = self._shown()
        if shown is None:
            return "none yet"
        if self.best is not None:
            return f"best {self._described(shown)}"
        return f"none whole yet; {self._described(shown)} on {len(shown.folds)}/{self._folds or '?'} folds"

    def _failed(self, trial: Trial) -> None:
        kind = words.kind_of_failure(trial.candidate.family, trial.failure)
        self._failures.append(trial)
        if kind not in self._known:
            self._known.add(kind)
            self._line(f"failed {trial.candidate.family} #{trial.candidate.id}: {words.reason(trial.failure)}")

    def _line(self, text: str) -> None:
        self._last_line = self._clock()
        self._say(f"[{words.duration(self._elapsed())}] {text}")

    def _close_phase(self) -> None:
        now = self._clock()
        self.phases[self._phase] = self.phases.get(self._phase, 0.0) + now - self._phase_began
        self._phase_began = now

    def _say(self, text: str) -> None:
        if not self._quiet:
            self.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def _elapsed(self) -> float:
        return self._clock() - self._start

    def _n_ended(self) -> int:
        return sum(self.counts.values())

    def _fraction(self) -> float | None:
        """Return how much of the budget is spent, by the limit that comes first; None without limits."""
        spent = [self._elapsed() / self._seconds] if self._seconds else []
        spent += [self._n_ended() / self._trials] if self._trials else []
        return min(1.0, max(spent)) if spent else None

    def _left(self) -> str:
        parts = []
        if self._seconds and not self._ended:
            parts.append(f"{words.duration(self._seconds - self._elapsed())} left")
        ended = self._n_ended()
        parts.append(
            f"{ended} of {words.counted(self._trials, 'trial')}" if self._trials else words.counted(ended, "trial")
        )
        return ", ".join(parts)

    def _tally(self) -> str:
        counts = {"done": "finished", "stopped": "stopped", "failed": "failed"}
        said = [f"{self.counts[status]} {word}" for word, status in counts.items() if self.counts[status]]
        said.insert(1, f"{len(self._running)} running")
        return ", ".join(part for part in said if part != "0 running") or "no trial yet"

    def _summary(self) -> str:
        best = f"; {self._standing()}" if self._shown() else ""
        return f"{self._tally()}{best}; {self._left()}"

    def _described(self, trial: Trial) -> str:
        score = None if trial.score is None else self.metric.shown(trial.score)
        return printable(f"{self.metric.name} {words.number(score)} {trial.candidate.family} #{trial.candidate.id}")

    def _block(self) -> "RenderableType":
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        fraction = self._fraction()
        bar = ProgressBar(total=None if fraction is None else 1.0, completed=fraction or 0.0, pulse=fraction is None)
        top = Table.grid(expand=True, padding=(0, 1))
        top.add_column(no_wrap=True)
        top.add_column(ratio=1)
        top.add_column(no_wrap=True)
        top.add_row(Text(self._phase, "bold"), bar, Text(self._left()))
        rows = Table.grid(expand=True)
        rows.add_row(top)
        rows.add_row(Text.assemble(("best ", "dim"), (self._standing().removeprefix("best "), "green")))
        rows.add_row(Text.assemble(("all  ", "dim"), self._tally()))
        # The refresh thread reads while the search writes: a copy keeps the two apart.
        running = list(self._running.values())
        if running:
            more = f", and {len(running) - _NAMED} more" if len(running) > _NAMED else ""
            rows.add_row(Text.assemble(("now  ", "dim"), ", ".join(map(_running, running[:_NAMED])) + more))
        return rows


def _running(trial: Trial) -> str:
    progress = f" {trial.reports[-1].progress:.0%}" if trial.reports else ""
    return printable(f"{trial.candidate.family} #{trial.candidate.id}{progress}")
