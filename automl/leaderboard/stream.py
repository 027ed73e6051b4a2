"""A run as CSV or JSON in parts, each of some trials: what is written never stands in memory as a whole."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automl.leaderboard import words
from automl.leaderboard.records import Board, ShownMetric, Standing
from automl.leaderboard.report import (
    AS_JSON,
    COLUMNS,
    Row,
    artifacts_alone,
    beside_trials,
    cells,
    json_text,
    measured,
    plain,
    row_of,
)

_MORE = ("tier", "weight", "started_at", "ended_at")
_COLUMNS = (*COLUMNS, *_MORE, *AS_JSON)


@dataclass(frozen=True)
class ExportedTrial:
    """A trial as it is written. ``tier``: see ``ties.tiers``; ``weight``: in the ensemble. Times are Unix seconds."""

    standing: Standing
    failure: str | None
    params: Mapping[str, Any]
    tier: int | None = None
    weight: float | None = None
    started_at: float | None = None
    ended_at: float | None = None

    def row(self, metric: ShownMetric, alone: Mapping[str, Any]) -> Row:
        """Return what stands in its columns."""
        failed = self.failure or self.standing.status == "failed"
        failure = words.reason(self.failure) if failed else None
        return {**row_of(self.standing, failure, metric, alone), **{name: getattr(self, name) for name in _MORE}}


def to_csv(board: Board, parts: Iterable[Sequence[ExportedTrial]], baseline_at: int | None) -> Iterator[str]:
    """Yield a run as CSV: the columns of ``report.to_csv``, and each trial's tier, its weight and its times.

    board: what is known beside the trials. baseline_at: how many trials stand before the line of the constant
    prediction; None: all.
    """
    alone, metric = artifacts_alone(board.artifacts), board.run.metric
    base = board.run.baseline
    left = [] if base is None else [row_of(base, None, metric, {})]
    yield _csv([dict(zip(_COLUMNS, _COLUMNS, strict=True))])
    n = 0
    for lines in parts:
        rows = [_as_cells(line, metric, alone) for line in lines]
        if baseline_at is not None and n <= baseline_at < n + len(rows):
            rows[baseline_at - n : baseline_at - n], left = left, []
        n += len(lines)
        yield _csv(rows)
    yield _csv(left)


def to_json(board: Board, parts: Iterable[Sequence[ExportedTrial]]) -> Iterator[str]:
    """Yield everything about a run as the strict JSON of ``report.to_json``, a trial a line, with what CSV adds."""
    alone, metric = artifacts_alone(board.artifacts), board.run.metric
    yield json_text(plain(beside_trials(board)), 2).removesuffix("\n}") + ',\n  "trials": ['
    before = "\n"
    for lines in parts:
        told = [_compact(_told(line, metric, alone)) for line in lines]
        if told:
            yield before + ",\n".join(told)
            before = ",\n"
    yield "\n  ]\n}\n"


def _as_cells(line: ExportedTrial, metric: ShownMetric, alone: Mapping[str, Any]) -> Row:
    found = zip(AS_JSON, (measured(line.standing.values), line.params), strict=True)
    return {**line.row(metric, alone), **{name: json.dumps(plain(value)) for name, value in found}}


def _told(line: ExportedTrial, metric: ShownMetric, alone: Mapping[str, Any]) -> Row:
    fold_scores = [metric.shown(score) for score in line.standing.fold_scores]
    more = {"measured": measured(line.standing.values), "params": line.params, "fold_scores": fold_scores}
    return {**line.row(metric, alone), **more}


def _compact(value: Any) -> str:
    """Return JSON in a line; what strict JSON cannot hold is rare, and looked for only then."""
    try:
        return json_text(value)
    except ValueError:
        return json_text(plain(value))


def _csv(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, _COLUMNS, lineterminator="\n", extrasaction="ignore").writerows(map(cells, rows))
    return text.getvalue()
