"""A run as a file: CSV, JSON, or one HTML page that opens anywhere without a server or a network."""

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from automl.board import about, drawing
from automl.board.asked import Asked
from automl.board.families import most_finished
from automl.board.index import STATUSES
from automl.board.run_page import Seen, common, whiskers
from automl.board.source import OpenLeaderboard
from automl.board.words import environment
from automl.errors import unknown_name
from automl.leaderboard import report, stream
from automl.leaderboard.records import Board, Run
from automl.leaderboard.words import spread

_FORMS = {"csv": "text/csv; charset=utf-8", "json": "application/json", "html": "text/html; charset=utf-8"}
PLOTLY = "plotly-cartesian-4.1.1.min.js"
# So many trials are in the one page; all of them are in the other files.
_SHOWN = 500
# Rows of a file that are read, written and sent together.
_AT_ONCE = 500
_FIGURES = {
    "scores": "Score against time",
    "timeline": "What the workers did",
    "front": "Score against time to fit",
    "curves": "Learning curves: the mean over the folds so far, of the best twelve",
}


def run(source: OpenLeaderboard, run_id: int, form: str, choice: Asked) -> tuple[str, str, Iterator[str]]:
    """Return the file's name, its media type and its content in parts: the trials asked for, in the order asked for.

    Raises ``UnknownNameError``.
    """
    if form not in _FORMS:
        raise unknown_name("form of export", form, _FORMS)
    seen = Seen.of(source, run_id)
    name = f"{_plain_name(seen.run)}.{form}"
    if form == "html":
        return name, _FORMS[form], iter([_page(seen, choice)])
    rows = seen.trials.order(choice)
    board, parts = Board(seen.run, (), seen.ensemble, tuple(seen.artifacts)), _lines(seen, rows)
    if form == "json":
        return name, _FORMS[form], stream.to_json(board, parts)
    is_whole = choice.filters == Asked().filters
    return name, _FORMS[form], stream.to_csv(board, parts, _beats_baseline(seen, rows) if is_whole else None)


def _lines(seen: Seen, rows: np.ndarray) -> Iterator[list[stream.ExportedTrial]]:
    """Yield the trials in these rows as they are written, some at a time."""
    weights = seen.weights
    for i in range(0, len(rows), _AT_ONCE):
        part = rows[i : i + _AT_ONCE]
        told = seen.trials.told(part)
        yield [
            stream.ExportedTrial(
                line.standing,
                *told[mark.id],
                line.tier,
                weights.get(mark.id),
                mark.started_at,
                mark.ended_at,
            )
            for line in seen.trials.lines(part)
            if (mark := line.mark).id in told
        ]


def _beats_baseline(seen: Seen, rows: np.ndarray) -> int:
    """Return how many of the trials in these rows stand before the constant prediction: those up to the last better."""
    index = seen.trials.index
    places = np.searchsorted(index.row, rows)
    better = index.is_scored[places] & (index.status[places] == STATUSES.index("finished"))
    base = -math.inf if seen.baseline is None else seen.baseline
    found = np.flatnonzero(better & (index.score[places] > base))
    return int(found[-1]) + 1 if len(found) else 0


def trial(source: OpenLeaderboard, run_id: int, id: str) -> tuple[str, str, Iterator[str]]:
    """Return everything about a trial as JSON; see ``run``."""
    seen = Seen.of(source, run_id)
    own, ended_at = seen.trials.trial(id)
    (line,) = seen.trials.lines_of([id])
    content = report.trial_to_json(seen.run, own, line.rank, ended_at)
    return f"{_plain_name(seen.run)}-trial-{_plain(id)}.json", _FORMS["json"], iter([content])


def _plain_name(run: Run) -> str:
    """Return a run's name as a header takes it."""
    return _plain(run.name) or "run"


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("._")


def _page(seen: Seen, choice: Asked) -> str:
    family = most_finished(seen.families)
    titles = _FIGURES | {
        "importance": f"What decided the score of {family}",
        "parallel": f"The best trials of {family}, parameter by parameter",
    }
    drawn = {name: drawing.OF_RUN[name](seen, {"family": family}) for name in titles}
    lines, total = seen.trials.page(replace(choice, page=1), _SHOWN)
    static = Path(__file__).with_name("static")
    style = (static / "board.css").read_text(encoding="utf-8")
    scripts = [_script(static / "vendor" / PLOTLY), *(_script(static / name) for name in ("figures.js", "alone.js"))]
    values = (
        common(seen, 0, "leaderboard")
        | about.configuration(seen.run)
        | {
            "lines": lines,
            "total": total,
            "whiskers": whiskers(lines, seen.baseline),
            "spread": spread,
            "titles": titles,
            "figures": {name: _json(figure) for name, figure in drawn.items() if figure["data"]},
            "scripts": scripts,
            "style": style,
            "policy": _policy(scripts, style),
        }
    )
    return environment().get_template("alone.html").render(values)


def _policy(scripts: list[str], style: str) -> str:
    """Return the policy of a page that runs its own scripts alone, and fetches nothing."""
    allowed = " ".join(map(_hash, scripts))
    styles = " ".join(map(_hash, [style, ""]))
    return f"default-src 'none'; script-src {allowed}; style-src {styles}; img-src data: blob:; base-uri 'none'"


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


@cache
def _script(file: Path) -> str:
    """Return a script as it may stand in a page: nothing in it ends its element."""
    code = file.read_text(encoding="utf-8")
    return code.replace("</script", "<\\/script").replace("<!--", "<\\!--").replace("\r\n", "\n")


def _json(value: Any) -> str:
    """Return JSON that may stand in a page."""
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
