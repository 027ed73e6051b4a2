"""The leaderboard for people and programs: rows, a rendering for terminals and pipes, CSV, JSON.

Everything is made from stored values alone: no model, no data and no database is needed. Texts that come from data,
such as names, paths and failures, steer no terminal and run in no spreadsheet.
"""

import csv
import io
import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from automl.goals import SCORE, Goals
from automl.leaderboard import words
from automl.leaderboard.records import ArtifactRecord, Board, EnsembleRecord, Page, RunSummary, ShownMetric, Standing
from automl.runtime.printable import defused, printable
from automl.types import Trial

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

Row = dict[str, Any]
COLUMNS = ("rank", "id", "family", "score", "spread", "folds", "seconds", "status", "failure", "n_bytes", "latency_ms")
RUN_COLUMNS = ("id", "name", "status", "started_at", "ended_at", "metric", "seed", "folder")
AS_JSON = ("measured", "params")
_STYLES = {"failed": "red", "stopped": "yellow", "interrupted": "yellow", "running": "cyan"}


def table(
    trials: Iterable[Trial],
    metric: ShownMetric,
    artifacts: Iterable[ArtifactRecord] = (),
    goals: Goals | None = None,
    baseline: Standing | None = None,
) -> list[Row]:
    """Return one row (``COLUMNS``) per trial: best first, then those without a number as score, failed ones last.

    rank: from 1, None without a score. score: in the metric's usual sign. spread: standard deviation
    over the folds. folds: how many are done. failure: one line. n_bytes, latency_ms (one row, median): of an artifact
    that holds this trial's model alone, else of its exported first fold, where that was measured. ``baseline``: a line
    without a rank, below the trials that beat it.
    """
    alone = artifacts_alone(artifacts)
    rows = []
    for rank, trial in enumerate((goals or Goals()).rank(trials), start=1):
        failure = words.reason(trial.failure) if trial.failure or trial.status == "failed" else None
        rows.append(row_of(Standing.of(rank, trial), failure, metric, alone))
    return _with_baseline(rows, baseline, metric)


def _with_baseline(rows: list[Row], baseline: Standing | None, metric: ShownMetric) -> list[Row]:
    """Put the line of the constant prediction below the whole trials that beat it."""
    if baseline is None or baseline.score is None:
        return rows
    own = row_of(baseline, None, metric, {})
    beats = [
        row["status"] == "finished" and row["score"] is not None and metric.shown(row["score"]) > baseline.score
        for row in rows
    ]
    place = max((i + 1 for i, better in enumerate(beats) if better), default=0)
    return [*rows[:place], own, *rows[place:]]


def _rows(board: Board, baseline: bool = True) -> list[Row]:
    run = board.run
    return table(board.trials, run.metric, board.artifacts, run.goals, run.baseline if baseline else None)


def frame(board: Board) -> "pd.DataFrame":
    """Return ``table`` of a run as a pandas frame."""
    import pandas as pd

    rows = _rows(board)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"rank": "Int64", "n_bytes": "Int64"})


def to_csv(board: Board) -> str:
    """Return the rows of a run as CSV, with what else was measured and the parameters as JSON in the last columns."""
    return _csv([*COLUMNS, *AS_JSON], _whole_rows(board))


def targets_to_csv(boards: Mapping[str, Board]) -> str:
    """Return the rows of the runs of several targets as CSV, with the target in a first column (see ``to_csv``)."""
    rows = ({"target": target, **row} for target, board in boards.items() for row in _whole_rows(board))
    return _csv(["target", *COLUMNS, *AS_JSON], rows)


def _whole_rows(board: Board) -> Iterator[Row]:
    by_id = {trial.candidate.id: trial for trial in board.trials}
    for row in _rows(board):
        trial = by_id.get(row["id"])
        more = zip(AS_JSON, (measured(trial.values), trial.candidate.params), strict=True) if trial else ()
        yield {**row, **{name: json.dumps(plain(value)) for name, value in more}}


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(map(cells, rows))
    return text.getvalue()


def to_json(board: Board) -> str:
    """Return everything about a run as strict JSON: scores in the metric's usual sign, null for NaN and infinities."""
    return _json(_everything(board))


def trial_to_json(run: RunSummary, trial: Trial, rank: int | None, ended_at: float) -> str:
    """Return everything about a trial as strict JSON (see ``to_json``)."""
    metric = run.metric
    reports = [{**vars(report), "score": metric.shown(report.score)} for report in trial.reports]
    times = {"worker": trial.worker, "started_at": trial.started_at, "ended_at": ended_at}
    row = row_of(replace(Standing.of(0, trial), rank=rank), trial.failure, metric, {})
    own = {**_told(row, trial, metric), **times, "reports": reports, "found": trial.found}
    return _json({"run": {"id": run.id, "name": run.name, "metric": vars(metric)}, "trial": own})


def targets_to_json(boards: Mapping[str, Board]) -> str:
    """Return everything about the runs of several targets as strict JSON, by target (see ``to_json``)."""
    return _json({target: _everything(board) for target, board in boards.items()})


def _told(row: Row, trial: Trial, metric: ShownMetric) -> dict[str, Any]:
    """Return the row of a trial with what else there is to say of it."""
    fold_scores = [metric.shown(score) for score in trial.fold_scores]
    return {**row, "measured": measured(trial.values), "params": trial.candidate.params, "fold_scores": fold_scores}


def _everything(board: Board) -> dict[str, Any]:
    metric, by_id = board.run.metric, {trial.candidate.id: trial for trial in board.trials}
    rows = _rows(board, baseline=False)
    return {**beside_trials(board), "trials": [_told(row, by_id[row["id"]], metric) for row in rows]}


def beside_trials(board: Board) -> dict[str, Any]:
    """Return what is known of a run beside its trials: itself, its ensemble, its baseline and what it shipped."""
    metric = board.run.metric
    scores = ("score", "compressed_score", "test_score")
    artifacts = [
        {**vars(artifact), **{name: _shown(metric, getattr(artifact, name)) for name in scores}}
        for artifact in board.artifacts
    ]
    ensemble = board.ensemble and {
        "score": _shown(metric, board.ensemble.score),
        "members": [{"id": id, "weight": weight} for id, weight in board.ensemble.members],
    }
    base = board.run.baseline and {
        "score": _shown(metric, board.run.baseline.score),
        "fold_scores": [metric.shown(score) for score in board.run.baseline.fold_scores],
    }
    return {"run": _run(board.run), "ensemble": ensemble, "baseline": base, "artifacts": artifacts}


def measured(values: Mapping[str, float]) -> dict[str, float]:
    """Return what was measured of a trial beside its score."""
    return {name: value for name, value in values.items() if name != SCORE}


def runs_to_csv(runs: Sequence[RunSummary]) -> str:
    """Return runs as CSV, one row each (``RUN_COLUMNS``)."""
    return _csv(RUN_COLUMNS, ({**vars(run), "metric": run.metric.name} for run in runs))


def cells(row: Row) -> Row:
    """Return a row of a CSV file for people."""
    return {name: printable(defused(cell)) if isinstance(cell, str) else cell for name, cell in row.items()}


def runs_to_json(runs: Sequence[RunSummary]) -> str:
    """Return what is known about runs, but their trials and their long configuration, as strict JSON."""
    return _json([_run(run) for run in runs])


def render(page: Page, console: "Console | None" = None) -> None:
    """Print a run: its result, what it shipped, the best trials and why others failed.

    console: where to; default: standard output. Nothing is cut off: what is too wide is folded.
    """
    console = _console(console)
    _print(console, *_heading(page))
    if page.ensemble is not None:
        _print(console, _ensemble(page.ensemble, page.run.metric))
    for artifact in page.artifacts:
        _print(console, *_artifact(artifact, page.run.metric))
    _print(console, *(page.artifacts[0].details.get("remarks", ()) if page.artifacts else ()))
    alone = artifacts_alone(page.artifacts)
    trials = [row_of(standing, None, page.run.metric, alone) for standing in page.standings]
    rows = _with_baseline(trials, page.run.baseline, page.run.metric)
    if rows:
        _print(console, "")
        console.print(_trials_table(rows, page))
    more = sum(page.counts.values()) - page.counts.get("failed", 0) - len(trials)
    if more:
        _print(console, f"and {more} more")
    if page.failures:
        _print(console, "", "Failed:")
    for n, family, reason in words.failures(page.failures):
        console.print(printable(f"{n:>4} x {family}: {reason}"), markup=False, highlight=False)


def render_runs(runs: Sequence[RunSummary], console: "Console | None" = None) -> None:
    """Print all runs, one line each."""
    console = _console(console)
    grid = _grid("id", "name", "status", "started", "took", "metric")
    for run in runs:
        took = words.duration(run.ended_at - run.started_at) if run.ended_at else "-"
        style = _STYLES.get(run.status)
        cells = [str(run.id), run.name, run.status, _clock(run.started_at), took, run.metric.name]
        _add(grid, cells, style)
    console.print(grid)


def artifacts_alone(artifacts: Iterable[ArtifactRecord]) -> dict[str, ArtifactRecord]:
    """Return the artifacts of one trial alone, by its id."""
    return {artifact.candidates[0]: artifact for artifact in artifacts if len(artifact.candidates) == 1}


def row_of(standing: Standing, failure: str | None, metric: ShownMetric, alone: Mapping[str, ArtifactRecord]) -> Row:
    artifact = alone.get(standing.id)
    values = (
        *(standing.rank, standing.id, standing.family, _shown(metric, standing.score)),
        *(words.spread(standing.fold_scores), len(standing.fold_scores)),
        *(standing.seconds, standing.status, failure),
        artifact.n_bytes if artifact else standing.values.get("bytes"),
        artifact.row_p50_ms if artifact else standing.values.get("row_ms"),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _shown(metric: ShownMetric, score: float | None) -> float | None:
    return None if score is None else metric.shown(score)


def _run(run: RunSummary) -> Row:
    return {**vars(run), "metric": vars(run.metric)}


def _json(value: Any) -> str:
    return json_text(plain(value), 2) + "\n"


def json_text(plain: Any, indent: int | None = None) -> str:
    """Return what ``plain`` made as JSON that steers no terminal."""
    text = json.dumps(plain, indent=indent, ensure_ascii=False, allow_nan=False)
    if text.replace("\n", "").isprintable():
        return text
    # Outside of strings all is printable, and inside of them an escape is the same character.
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def plain(value: Any) -> Any:
    """Return ``value`` as what strict JSON can hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "items"):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return plain(value.tolist()) if hasattr(value, "tolist") else value


def _console(console: "Console | None") -> "Console":
    from rich.console import Console

    return console or Console()


def _print(console: "Console", *lines: str) -> None:
    for line in lines:
        # A path or a number must stay in one piece when the output is read by a program.
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def _add(grid: "Table", cells: Sequence[str], style: str | None) -> None:
    from rich.text import Text

    # As they stand: a name in square brackets is no markup.
    grid.add_row(*(Text(printable(cell)) for cell in cells), style=style)


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _heading(page: Page) -> list[str]:
    run, counts = page.run, page.counts
    ended = ", ".join(f"{counts[name]} {name}" for name in ("finished", "stopped", "failed") if counts.get(name))
    took = f" after {words.duration(run.ended_at - run.started_at)}" if run.ended_at else ""
    better = "greater" if run.metric.greater_is_better else "smaller"
    return [
        f"{run.name} (run {run.id}), started {_clock(run.started_at)}, {run.status}{took}",
        f"{run.metric.name} ({better} is better), seed {run.seed}, {words.counted(sum(counts.values()), 'trial')}"
        + (f": {ended}" if ended else ""),
        run.folder,
    ]


def _ensemble(ensemble: EnsembleRecord, metric: ShownMetric) -> str:
    members = ", ".join(f"{id} ({weight:.0%})" for id, weight in sorted(ensemble.members, key=lambda m: -m[1]))
    which = "trial" if len(ensemble.members) == 1 else "trials"
    return f"Ensemble {words.number(_shown(metric, ensemble.score))} of {which} {members}"


def _artifact(artifact: ArtifactRecord, metric: ShownMetric) -> list[str]:
    def latency(p50: float | None, p95: float | None) -> str:
        return words.milliseconds(p50) + (f" (p95 {words.milliseconds(p95)})" if p95 is not None else "")

    compressed = None if artifact.compressed_score == artifact.score else artifact.compressed_score
    scores = {"validation": artifact.score, "compressed": compressed, "test": artifact.test_score}
    said = [f"{name} {words.number(_shown(metric, score))}" for name, score in scores.items() if score is not None]
    speed = [
        f"{what} {latency(p50, p95)}"
        for what, p50, p95 in (
            ("one row", artifact.row_p50_ms, artifact.row_p95_ms),
            ("batch", artifact.batch_p50_ms, artifact.batch_p95_ms),
        )
        if p50 is not None
    ]
    verified = "verified" if artifact.verified else "NOT verified"
    facts = [f"Model '{artifact.kind}': {words.size(artifact.n_bytes)}, {verified}", ", ".join(speed), ", ".join(said)]
    return [facts[0], *(f"  {fact}" for fact in [*facts[1:], artifact.path] if fact)]


def _trials_table(rows: Sequence[Row], page: Page) -> "Table":
    weights, n_folds = dict(page.ensemble.members) if page.ensemble else {}, page.run.n_folds
    has_artifact = any(row["n_bytes"] is not None for row in rows)
    grid = _grid(
        *("#", "id", "family", "score", "spread", "seconds", "status"),
        *(["weight"] if weights else []),
        *(["size", "ms"] if has_artifact else []),
    )
    for row in rows:
        cells = [
            "-" if row["rank"] is None else str(row["rank"]),
            row["id"],
            row["family"],
            words.number(row["score"]),
            "-" if row["spread"] is None else f"{row['spread']:.2g}",
            f"{row['seconds']:.1f}",
            words.status(row["status"], row["folds"], n_folds),
        ]
        if weights:
            cells.append(f"{weights[row['id']]:.0%}" if row["id"] in weights else "")
        if has_artifact:
            measured = row["n_bytes"] is not None
            cells += [words.size(row["n_bytes"]), words.number(row["latency_ms"], digits=3)] if measured else ["", ""]
        _add(grid, cells, "bold green" if row["id"] in page.front else _STYLES.get(row["status"]))
    return grid


def _grid(*names: str) -> "Table":
    from rich import box
    from rich.table import Table

    # The box puts one space between columns: all of them fit into 80 characters.
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    left = {"id", "family", "status", "name", "started", "metric"}
    for name in names:
        grid.add_column(name, justify="left" if name in left else "right", overflow="fold")
    return grid
