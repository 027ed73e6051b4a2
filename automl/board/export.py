"""A run as a file: CSV, JSON, or one HTML page that opens anywhere without a server or a network."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from automl.board import drawing
from automl.board.asked import Asked
from automl.board.run_page import Seen, common, whiskers
from automl.board.source import OpenLeaderboard
from automl.board.words import environment
from automl.errors import unknown_name
from automl.leaderboard import report
from automl.leaderboard.records import Board, Run
from automl.leaderboard.words import spread

_FORMS = {"csv": "text/csv; charset=utf-8", "json": "application/json", "html": "text/html; charset=utf-8"}
PLOTLY = "plotly-cartesian-4.1.1.min.js"
# So many trials are in the one page; all of them are in the other files.
_SHOWN = 500
_FIGURES = {"scores": "Score against time", "timeline": "What the workers did", "front": "Score against time to fit"}


def run(source: OpenLeaderboard, run_id: int, form: str, choice: Asked) -> tuple[str, str, str]:
    """Return the file's name, its media type and its content: the trials that are asked for, in the order asked for.

    Raises ``UnknownNameError``.
    """
    if form not in _FORMS:
        raise unknown_name("form of export", form, _FORMS)
    seen = Seen.of(source, run_id)
    name = _plain_name(seen.run)
    if form == "html":
        return f"{name}.html", _FORMS[form], _page(seen, choice)
    trials = seen.trials.whole(seen.trials.order())
    board = Board(seen.run, tuple(trials), seen.ensemble, tuple(seen.artifacts))
    only = None
    if choice.filters != Asked().filters:
        only = [trial.candidate.id for trial in seen.trials.whole(seen.trials.order(choice))]
    return f"{name}.{form}", _FORMS[form], (report.to_csv if form == "csv" else report.to_json)(board, only)


def trial(source: OpenLeaderboard, run_id: int, id: str) -> tuple[str, str, str]:
    """Return everything about a trial as JSON; see ``run``."""
    seen = Seen.of(source, run_id)
    own, ended_at = seen.trials.trial(id)
    (line,) = seen.trials.lines_of([id])
    content = report.trial_to_json(seen.run, own, line.rank, ended_at)
    return f"{_plain_name(seen.run)}-trial-{_plain(id)}.json", _FORMS["json"], content


def _plain_name(run: Run) -> str:
    """Return a run's name as a header takes it."""
    return _plain(run.name) or "run"


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("._")


def _page(seen: Seen, choice: Asked) -> str:
    figures = {name: drawing.OF_RUN[name](seen, {}) for name in _FIGURES}
    for family in [one.family for one in seen.families[:1]]:
        figures |= {name: drawing.OF_RUN[name](seen, {"family": family}) for name in ("importance", "parallel")}
    lines, total = seen.trials.page(replace(choice, page=1), _SHOWN)
    static = Path(__file__).with_name("static")
    style = (static / "board.css").read_text(encoding="utf-8")
    scripts = [_script(static / "vendor" / PLOTLY), _script(static / "alone.js")]
    values = common(seen, 0, "leaderboard") | {
        "lines": lines,
        "total": total,
        "whiskers": whiskers(lines, seen.baseline),
        "spread": spread,
        "titles": _FIGURES | {"importance": "What decided the score", "parallel": "The best trials, by parameter"},
        "figures": {name: _json(figure) for name, figure in figures.items()},
        "scripts": scripts,
        "style": style,
        "policy": _policy(scripts, style),
    }
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
