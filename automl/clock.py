"""Time: the clock that fits look at, and the plan of a run; every constant of it stands here, with its reason.

How long another process, a database or a page is waited for stands where it is waited for.

Points in time are ``time.time()``, spans are seconds.
"""

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

# --- Within a trial ---------------------------------------------------------------------------------------------------
# Scoring between two yields of a fit may take this share of the time spent fitting.
SCORING_SHARE = 0.1
# Trees are grown in chunks of about this long: between two of them a fit can be watched and stopped.
CHUNK_SECONDS = 0.5
# The loop of a network can be watched and stopped about this often.
YIELD_SECONDS = 0.5
# A network's schedules end in this share of the time that its folds have: what lies between them takes the rest, and a
# trial that is cut off in its last fold is worth little.
FIT_SHARE = 0.88
# A network's last training takes the time that is left: up to so many times its epochs.
LAST_STRETCH = 4.0
# A process that has not loaded PyTorch yet begins no network with less time than this: loading it takes most of that.
LOADING_SECONDS = 3.0
# What a trial says whose fit the time has ended.
OUT_OF_TIME, TOO_SLOW = "out of time", "too slow on its first fold"
# What a counting clock goes on by at each look.
TICK_SECONDS = 0.01

# --- Where trials run -------------------------------------------------------------------------------------------------
# runner=auto: in a shorter budget, worker processes take longer to start than they save; from RAY_SECONDS on Ray's
# start, and its handing out of trials, are a small part of it.
INLINE_SECONDS, RAY_SECONDS = 10.0, 300.0

# --- Before the search ---------------------------------------------------------------------------------------------
# Reading may take this share of the time that is left when it begins; what takes longer is sampled.
READING_SHARE = 0.3

# A budget of so many seconds is one for a model on any small table: where a busy machine has used it up before the
# first trial begins, that one and its export may take this long nevertheless, beyond the budget, and its folds this: so
# many times as long as the machine is slowed by others, up to this.
ENOUGH_SECONDS, FIRST_MODEL_SECONDS, FIRST_FOLDS_SECONDS, MOST_SLOWNESS = 10.0, 4.0, 1.0, 8.0

# What the trials of an earlier process left is compared with its checksums for so long when a run goes on.
CHECK_SECONDS = 1.0

# --- Between the search and the end of a run, measured on two cores with the tables, images and texts of benchmarks/ --
# How long shipping may take where no budget says so; and after an interrupt, as a cluster may kill soon after it.
UNHURRIED_SECONDS, INTERRUPTED_SECONDS = 60.0, 20.0
# The largest part of the budget that shipping may take from the search.
MOST_SHIPPING = 0.3
# What follows: the leaderboard on the screen, the end of the workers; and what it may take of a short budget.
EXIT_SECONDS, EXIT_SHARE = 2.0, 0.02
# Trials end so long before shipping begins: what they leave is written, and read by the search.
LEAVING_SECONDS, LEAVING_SHARE = 1.0, 0.02
# A compact model beside the ensemble, and choosing among the kept ones: at least so long, and this share of what the
# ensemble takes.
SMALL_SECONDS, SMALL_SHARE = 2.5, 0.35
# An export takes about this long, this long for each megabyte of stored models (more where they answer with many
# classes: their trees are small and many), and for a megabyte to score a row.
EXPORT_SECONDS, SECONDS_PER_MB, SECONDS_PER_MB_OF_CLASSES, SECONDS_PER_MB_AND_ROW = 1.0, 0.25, 0.35, 5e-6
MANY_CLASSES = 3
# Each column is an input of the graph, and is written and read for the replay.
SECONDS_PER_COLUMN = 1.5e-3
# The largest part of the budget that last fits on all rows may take from the search.
MOST_REFITTING = 0.12
# The least that is kept for exports, before there are models whose bytes would say it.
LEAST_EXPORT_SECONDS = 1.5
# These are on the safe side; this share of them is needed for certain. Of what is measured, so much more is kept: what
# there was no time to compress takes longer.
AT_LEAST = 0.8
# What would be shipped is chosen anew, after each fold, so long before shipping begins.
CHOOSING_SECONDS = 10.0
# Of the time left, but for the least that exports take, what compressing the ensemble may take even where
# that leaves too little for the rest: it pays itself back.
COMPRESS_SHARE = 0.1
# A report at the end may take this long, and this share of the budget; a smaller budget has time for its quick sections
# alone, and one that is smaller still for none: they take about half of these seconds on a small table.
REPORT_SECONDS, REPORT_SHARE, REPORT_FROM = 10.0, 0.025, 120.0
QUICK_REPORT_SECONDS, QUICK_REPORT_FROM = 1.0, 20.0
# It is not begun with less time than this, of all sections or of the quick ones. One that is asked for by itself may
# take this long, the half of it in any case when the data has been read.
REPORT_LEAST, QUICK_REPORT_LEAST = 2.0, 0.5
REPORT_ALONE_SECONDS = 10.0
# Copying the models of several targets into one folder.
JOINING_SECONDS = 0.5
# What a compressor that fits needs before its first step.
FIT_START_SECONDS = 3.0


class Counting:
    """A clock that goes on by the same span at every look: what depends on it comes to the same on any machine."""

    def __init__(self) -> None:
        self.looks = 0

    def stopwatch(self) -> float:
        """Return the seconds counted so far."""
        self.looks += 1
        return self.looks * TICK_SECONDS


_counting: Counting | None = None


@contextlib.contextmanager
def use(counting: Counting | None) -> Iterator[None]:
    """Let ``stopwatch`` count within the block; None leaves the real time."""
    global _counting
    before, _counting = _counting, counting
    try:
        yield
    finally:
        _counting = before


def stopwatch() -> float:
    """Return seconds from some point on: what a fit may look at to divide its work."""
    return time.perf_counter() if _counting is None else _counting.stopwatch()


def first_fold_until(deadline: float, n_folds: int) -> float:
    """Return when the first fold of a trial that begins now has to be over.

    A candidate whose first fold takes as much as each of the others would have of the time left makes
    room for others. Later on the scheduler has seen what it is worth, and it may take all there is.
    """
    now = time.time()
    return now + (deadline - now) / (n_folds - 1) if n_folds > 1 else deadline


def fold_seconds(deadline: float, n_folds: int) -> float:
    """Return what each of the next ``n_folds`` folds of a trial gets, where its fits can end in a given time."""
    return FIT_SHARE * max(0.0, deadline - time.time()) / n_folds


def seconds_to_export(n_bytes: float, n_test_rows: int = 0, width: int = 1) -> float:
    """Return about how long writing, scoring and replaying these bytes of stored models will take.

    ``width``: how many numbers they answer a row with.
    """
    per_mb = SECONDS_PER_MB if width < MANY_CLASSES else SECONDS_PER_MB_OF_CLASSES
    return EXPORT_SECONDS + n_bytes / 1e6 * (per_mb + SECONDS_PER_MB_AND_ROW * n_test_rows)


@dataclass(frozen=True)
class TimePlan:
    """When the parts of a run have to be over.

    ``started``: when the command began. ``seconds``: what it may take, everything included; None for no limit.
    ``export``: whether the run also ships, or only chooses. ``report``: whether it reports in the end.
    """

    started: float
    seconds: float | None
    export: bool = True
    report: bool = False

    def read_until(self) -> float | None:
        """Return when reading that begins now has to be over; None where nothing presses."""
        if self.seconds is None:
            return None
        now = time.time()
        return now + READING_SHARE * max(0.0, self.started + self.seconds - now)

    @property
    def search_until(self) -> float | None:
        """When trials have to be over at the latest: what follows fits in the budget too, with small models."""
        if self.seconds is None:
            return None
        return self.ship_at(LEAST_EXPORT_SECONDS) - min(LEAVING_SECONDS, LEAVING_SHARE * self.seconds)

    def missing_from(self, begun: float, slowness: float = 1.0) -> float:
        """Return the seconds beyond the budget that a first model needs where trials begin at ``begun``; mostly 0.0.

        ``slowness``: how many times longer than on an idle machine everything takes.
        """
        if self.seconds is None or self.seconds < ENOUGH_SECONDS:
            return 0.0
        return max(0.0, begun + FIRST_MODEL_SECONDS * min(slowness, MOST_SLOWNESS) - self.started - self.seconds)

    def search_until_from(self, begun: float) -> float | None:
        """Return when trials have to be over that begin at ``begun``: after a late start, at half of the time left."""
        if self.search_until is None or self.export_until is None:
            return None
        return max(self.search_until, begun + (self.export_until - begun) / 2)

    @property
    def export_until(self) -> float | None:
        """When shipping has to be over, so that this process ends in time."""
        return None if self.report_until is None else self.report_until - self._report_seconds

    @property
    def reports(self) -> bool:
        """Whether there is time for a report: a short budget has none."""
        return self.report and (self.seconds is None or self.seconds >= QUICK_REPORT_FROM)

    @property
    def reports_quickly(self) -> bool:
        """Whether the report has time for its quick sections alone."""
        return self.seconds is not None and self.seconds < REPORT_FROM

    @property
    def report_until(self) -> float | None:
        """When a report has to be written, so that this process ends in time."""
        if self.seconds is None:
            return None
        return self.started + self.seconds - min(EXIT_SECONDS, EXIT_SHARE * self.seconds)

    @property
    def _report_seconds(self) -> float:
        """The time that is kept for a report."""
        if not self.reports or not self.seconds:
            return 0.0
        return QUICK_REPORT_SECONDS if self.reports_quickly else min(REPORT_SECONDS, REPORT_SHARE * self.seconds)

    def ship_at(self, seconds_to_export: float, seconds_to_refit: float = 0.0) -> float:
        """Return when shipping has to begin where last fits and exports take so long: large models take longer."""
        if self.export_until is None or self.seconds is None:
            return math.inf
        exports = seconds_to_export if self.export else 0.0
        small = max(SMALL_SECONDS, SMALL_SHARE * exports)
        # The last trials take a moment to end, and last fits are given up that have too little time.
        fits = seconds_to_refit and seconds_to_refit + LEAVING_SECONDS
        return self.export_until - min(fits + exports / AT_LEAST + small, MOST_SHIPPING * self.seconds)

    @property
    def most_refitting(self) -> float:
        """How long last fits may take."""
        return math.inf if self.seconds is None else MOST_REFITTING * self.seconds

    def ship_until(self, interrupted: bool) -> float:
        """Return when shipping that begins now has to be over."""
        until = self.export_until or time.time() + UNHURRIED_SECONDS
        return min(until, time.time() + INTERRUPTED_SECONDS) if interrupted else until


def compress_until(deadline: float, seconds_to_export: float) -> float:
    """Return when the ensemble has to be compressed, where the exports that follow have to be over by ``deadline``."""
    now = time.time()
    left = deadline - now
    return now + max(left - seconds_to_export, COMPRESS_SHARE * (left - 2 * EXPORT_SECONDS))
