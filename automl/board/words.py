"""How values are written on the page."""

import json
import time
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from automl.leaderboard import words
from automl.leaderboard.records import ShownMetric
from automl.runtime.printable import printable_lines


def environment() -> Environment:
    """Return the templates; whatever they show is escaped, and steers nothing."""
    found = Environment(
        loader=PackageLoader("automl.board"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    found.filters |= {
        "number": words.number,
        "bytes": words.size,
        "duration": words.duration,
        "reason": words.reason,
        "score": score,
        "ms": ms,
        "clock": clock,
        "value": value,
        "share": share,
        "folds": folds,
    }
    return found


def score(score: float | None, metric: ShownMetric, digits: int = 5) -> str:
    """Return a score in the metric's usual sign, or "–"."""
    return "–" if score is None else words.number(metric.shown(score), digits)


def ms(latency: float | None) -> str:
    """Return a latency, or "–"."""
    return "–" if latency is None else f"{words.number(latency, 3)} ms"


def clock(seconds: float | None) -> str:
    """Return a moment in this machine's time, or "–"."""
    return "–" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def share(part: float | None) -> str:
    """Return a share in percent, or "–"."""
    return "–" if part is None else f"{part:.0%}"


def folds(n: int, of: int | None) -> str:
    """Return how many folds a trial has done, with how many there are ("1/8") where it lacks some."""
    return f"{n}/{of}" if of and n < of else str(n)


def value(of: Any) -> str:
    """Return a parameter or a value of a configuration."""
    if isinstance(of, float):
        return words.number(of, 6)
    return of if isinstance(of, str) else json.dumps(of, ensure_ascii=False, default=str)


def flat(nested: Any, path: str = "") -> dict[str, Any]:
    """Return nested values by their paths."""
    if isinstance(nested, Mapping) and nested:
        found: dict[str, Any] = {}
        for name, below in nested.items():
            found |= flat(below, f"{path}.{name}" if path else str(name))
        return found
    return {path: nested}


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    return printable_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value
