"""A report is made within its time: quick sections first, slow ones as far as they get."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from automl import files
from automl.errors import AutoMLError
from automl.report import about_answers, about_data, about_losses, about_pictures, about_reasons, about_search
from automl.report.document import Chapter, Code, Section, Text, to_html, to_markdown
from automl.report.subject import Finished
from automl.runtime.errors import PredictionError

HTML, MARKDOWN = "report.html", "report.md"


class _OutOfTime(BaseException):
    """The time for a report is up; no ``except Exception`` of a library holds it."""


def write(runs: Sequence[Finished], folder: Path, until: float) -> list[Path]:
    """Write ``report.html`` and ``report.md`` into ``folder`` until ``until`` (``time.time()``), and return them.

    ``runs``: one, or those of several targets, which share the time. A section for which the time does not do, or for
    which the run lacks what it needs, is left out, and named.
    """
    chapters = []
    for i, run in enumerate(runs):
        share = (until - time.time()) / (len(runs) - i)
        title = f"{run.board.run.name}: {run.task.schema.target_name}"
        chapters.append(Chapter(title, make(run, time.time() + share)))
    paths = [folder / HTML, folder / MARKDOWN]
    for path, to_text in zip(paths, (to_html, to_markdown), strict=True):
        files.write(path, to_text(*chapters))
    return paths


def make(run: Finished, until: float) -> list[Section]:
    """Return the sections of a report; see ``write``."""
    found: dict[str, Section | None] = {}
    missed: list[str] = []

    def within(share: float) -> Callable[[], bool]:
        """Return whether a section is still within its share of the time that is left."""
        end = time.time() + share * max(0.0, until - time.time())
        return lambda: time.time() < end

    def features() -> list[str]:
        charts = [part for part in (found.get("what matters") or Section("")).parts if hasattr(part, "numbers")]
        return [row[0] for chart in charts if chart.numbers for row in chart.numbers.rows]

    makers: dict[str, Callable[[], Section | None]] = {
        "data": lambda: about_data.data(run),
        "what was searched": lambda: about_search.searched(run),
        "how right it is": lambda: about_answers.answers(run),
        "learning curves": lambda: about_search.curves(run),
        "what is shipped": lambda: about_search.shipped(run),
        "what won": lambda: about_search.won(run, within(0.25)),
        "losses of networks": lambda: about_losses.losses(run, within(0.2)),
        "how to run it again": lambda: Section("How to run it again", [Code(run.command())]),
        "what matters": lambda: about_reasons.matters(run, within(0.4)),
        "what the answers are made of": lambda: about_reasons.contributions(run, within(0.5)),
        "what a network looks at": lambda: about_pictures.looks(run, within(0.3)),
        "how answers follow single columns": lambda: about_reasons.depends(run, features(), within(0.5)),
        "what would change the answer": lambda: about_reasons.counterfactuals(run, within(0.5)),
        "drift": lambda: about_data.drifted(run),
    }
    if not about_pictures.has_network(run):
        del makers["what a network looks at"]
    try:
        with _until(until):
            for name, maker in makers.items():
                missed.append(name)
                try:
                    found[name] = maker()
                    missed.pop()
                except (AutoMLError, PredictionError) as error:  # what was kept of the run does not do for it
                    found[name] = Section(name.capitalize(), [Text(f"Left out: {error}")])
                    missed.pop()
    except _OutOfTime:
        missed += [name for name in makers if name not in found and name not in missed]
    last, answered = "how to run it again", ("learning curves", "how right it is")
    first = ("what won", "what is shipped", "data", "drift", "what was searched", "losses of networks", *answered)
    order = (*first, *(name for name in makers if name not in (*first, last)), "limits", last)
    found["limits"] = about_search.limits(run, missed)
    return [section for name in order if (section := found.get(name)) is not None]


@contextmanager
def _until(until: float) -> Iterator[None]:
    """Raise ``_OutOfTime`` within the block when the time is up. Only the main thread can be told so."""
    left = until - time.time()
    if left <= 0:
        raise _OutOfTime
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, left)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
