"""A report is made within its time: quick sections first, slow ones as far as they get."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from automl import alarm, files
from automl.errors import AutoMLError
from automl.report import (
    about_answers,
    about_columns,
    about_data,
    about_losses,
    about_pictures,
    about_reasons,
    about_search,
)
from automl.report.document import Chapter, Code, Section, Text, to_html, to_markdown
from automl.report.share import Share
from automl.report.subject import Finished
from automl.runtime.errors import PredictionError

HTML, MARKDOWN = "report.html", "report.md"
Maker = Callable[[], Section | None]
# What is read off what is there, or asks the model about few rows.
QUICK = (
    *("data", "what was searched", "how right it is", "learning curves", "what is shipped", "what won"),
    "how to run it again",
)


def write(runs: Sequence[Finished], folder: Path, until: float, quick: bool = False) -> list[Path]:
    """Write ``report.html`` and ``report.md`` into ``folder`` until ``until`` (``time.time()``), and return them.

    ``runs``: one, or those of several targets, which share the time. ``quick``: with the sections of ``QUICK`` alone. A
    section for which the time does not do, or for which the run lacks what it needs, is left out, and named.
    """
    chapters = []
    for i, run in enumerate(runs):
        share = (until - time.time()) / (len(runs) - i)
        title = f"{run.board.run.name}: {run.task.schema.target_name}"
        chapters.append(Chapter(title, make(run, time.time() + share, quick)))
    paths = [folder / HTML, folder / MARKDOWN]
    for path, to_text in zip(paths, (to_html, to_markdown), strict=True):
        files.write(path, to_text(*chapters))
    return paths


def make(run: Finished, until: float, quick: bool = False) -> list[Section]:
    """Return the sections of a report; see ``write``."""
    found: dict[str, Section | None] = {}
    makers = _makers(run, found, until)
    try:
        with alarm.until(until):
            for name in QUICK if quick else makers:
                try:
                    found[name] = makers[name]()
                except (AutoMLError, PredictionError) as error:  # what was kept of the run does not do for it
                    found[name] = Section(name.capitalize(), [Text(f"Left out: {error}")])
    except alarm.OutOfTime:
        pass  # what is not found is named below
    last, answered = "how to run it again", ("learning curves", "how right it is")
    first = ("what won", "what is shipped", "data", "drift", "what was searched", "losses of networks", *answered)
    order = (*first, *(name for name in makers if name not in (*first, last)), "limits", last)
    found["limits"] = about_search.limits(run, [name for name in makers if name not in found])
    return [section for name in order if (section := found.get(name)) is not None]


def _makers(run: Finished, found: Mapping[str, Section | None], until: float) -> dict[str, Maker]:
    """Return what makes each section, in the order of how much is lost without it. ``found``: those that are made."""

    def within(share: float) -> Share:
        return Share(time.time() + share * max(0.0, until - time.time()))

    def features() -> list[str]:
        charts = [part for part in (found.get("what matters") or Section("")).parts if hasattr(part, "numbers")]
        return [row[0] for chart in charts if chart.numbers for row in chart.numbers.rows]

    makers: dict[str, Maker] = {
        "data": lambda: about_data.data(run),
        "what was searched": lambda: about_search.searched(run),
        "how right it is": lambda: about_answers.answers(run),
        "learning curves": lambda: about_search.curves(run),
        "what is shipped": lambda: about_search.shipped(run),
        "what won": lambda: about_search.won(run, within(0.25)),
        "how to run it again": lambda: Section("How to run it again", [Code(run.command())]),
        "losses of networks": lambda: about_losses.losses(run, within(0.2)),
        "what matters": lambda: about_reasons.matters(run, within(0.2)),
        "drift": lambda: about_data.drifted(run),
        "what the answers are made of": lambda: about_reasons.contributions(run, within(0.35)),
        "how answers follow single columns": lambda: about_columns.depends(run, features(), within(0.4)),
        "what would change the answer": lambda: about_columns.counterfactuals(run, within(0.5)),
        "what a network looks at": lambda: about_pictures.looks(run, within(0.8)),
    }
    if not about_pictures.has_network(run):
        del makers["what a network looks at"]
    return makers
