"""A comparison for people: mean ranks and what they can tell, every score, what it took; HTML and Markdown."""

from collections.abc import Sequence
from pathlib import Path

from automl import files
from automl.bench import ranks
from automl.bench.ranks import Row
from automl.leaderboard.words import number, size
from automl.report import bars
from automl.report.document import Chapter, Chart, Items, Section, Table, Text, to_html, to_markdown

TITLE, NAMES = "Systems side by side", ("bench.html", "bench.md")


def write(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write the page of rows in both forms into ``folder``; return the files."""
    chapter = Chapter(TITLE, sections(rows))
    paths = [folder / name for name in NAMES]
    for path, to_text in zip(paths, (to_html, to_markdown), strict=True):
        files.write(path, to_text(chapter), files.PUBLIC)
    return paths


def sections(rows: Sequence[Row]) -> list[Section]:
    """Return what there is to say about the rows of all fits."""
    parts = (_ranks(rows), _wins(rows), _scores(rows), _costs(rows), _failures(rows))
    return [section for section in parts if section is not None]


def _ranks(rows: Sequence[Row]) -> Section:
    section = Section("Mean ranks")
    found = ranks.ranking(rows)
    if found is None:
        section.add(Text("There are no two systems that have ended on the same data set yet."))
        return section
    shown = [f"{rank:.2f}" for rank in found.mean_ranks]
    table = Table(("system", "mean rank"), list(zip(found.systems, shown, strict=True)))
    section.add(
        Text(f"Over the {found.n_sets} data sets that all of them have ended on. 1 is the best; what failed is last."),
        table,
        Chart(
            bars.ranks(found.systems, found.mean_ranks, found.critical, found.alike()),
            "Systems joined by a bar do not differ significantly (Nemenyi test).",
        ),
    )
    if found.p_value is not None:
        section.add(Text(f"p = {found.p_value:.2g} that ranks differ this much by chance (Friedman)."))
    section.add(
        Text(
            f"Mean ranks that differ by less than {found.critical:.2f} are no difference at the level of "
            f"{ranks.LEVEL:g}; more data sets make that smaller, more seeds do not.",
            soft=True,
        )
    )
    return section


def _wins(rows: Sequence[Row]) -> Section | None:
    found = ranks.wins(rows)
    systems = list(dict.fromkeys(one for one, _ in found))
    if len(systems) < 2:
        return None
    cells = [
        [one, *("" if other == one else "{} of {}".format(*found[one, other]) for other in systems)] for one in systems
    ]
    return Section("Who beats whom", [Table(("on how many sets", *systems), cells)])


def _scores(rows: Sequence[Row]) -> Section:
    systems, found = ranks.labels(rows), ranks.scores(rows)
    metrics = {row["set"]: f"{row['metric']} {'↑' if row['greater'] else '↓'}" for row in rows}
    cells = [
        [name, metrics[name], *("" if who not in own else _score(own[who]) for who in systems)]
        for name, own in found.items()
    ]
    about = Text("Means over the seeds, on rows that no system has seen. An arrow says what is better.")
    return Section("Scores", [about, Table(("set", "metric", *systems), cells)])


def _score(value: float) -> str:
    return "failed" if value != value else number(value)


def _costs(rows: Sequence[Row]) -> Section | None:
    cells = [
        [
            who,
            number(own["seconds"], 3),
            size(own["peak_mb"] * 1e6),
            *(f"{number(own[name], 3)} ms" for name in ("row_ms", "rows_1000_ms")),
            size(own["bytes"]),
        ]
        for who, own in ranks.costs(rows).items()
    ]
    header = ("system", "seconds", "most memory", "one row", "1000 rows", "model")
    about = Text("Medians over all fits, which ran one at a time.")
    return Section("What it took", [about, Table(header, cells)]) if cells else None


def _failures(rows: Sequence[Row]) -> Section | None:
    found = [
        f"{row['set']}, {ranks.label(row)}, seed {row['seed']}: {row['failure']}" for row in rows if "failure" in row
    ]
    return Section("Failures", [Items(found)]) if found else None
