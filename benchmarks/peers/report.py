"""The page of a comparison: every row, mean ranks, and who beats whom how often."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parent.parent))
from common import table

Row = Mapping[str, Any]


def page(rows: Sequence[Row]) -> str:
    """Return the comparison as Markdown."""
    scored = [row for row in rows if "score" in row]
    parts = [
        "# Systems side by side",
        "## Mean ranks and wins\n\nOf the sets that all systems of a row have a score on; 1 is the best.",
        table(standings(scored)),
        "## Scores",
        table(scores(scored)),
        "## What it took: medians over the sets",
        table(costs(scored)),
        "## Failures",
        table([dict(row) for row in rows if "failure" in row]),
    ]
    return "\n\n".join(parts) + "\n"


def label(row: Row) -> str:
    """Return what a row stands under: the system, its model where that is not the only one, its budget."""
    model = "" if row["model"] == "model" else f" {row['model']}"
    return f"{row['system']}{model}" + (f" {row['budget']:g} s" if row["budget"] else "")


def scores(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a row per set with the mean over seeds of each system's score."""
    found = []
    for name in dict.fromkeys(row["set"] for row in rows):
        own = [row for row in rows if row["set"] == name]
        means = {who: float(np.mean(values)) for who, values in _by_label(own, "score").items()}
        found.append({"set": name, "metric": own[0]["metric"], **{who: means.get(who) for who in _labels(rows)}})
    return found


def standings(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a row per system: its mean rank, and on how many sets it beats each other one."""
    labels = _labels(rows)
    sign = {row["set"]: 1 if row["greater"] else -1 for row in rows}
    by_set = {s["set"]: {who: sign[s["set"]] * s[who] for who in labels if s[who] is not None} for s in scores(rows)}
    whole = [values for values in by_set.values() if len(values) == len(labels)]
    found = []
    for who in labels:
        ranks = [sum(v > values[who] for v in values.values()) + 1 for values in whole]
        row: dict[str, Any] = {"system": who, "mean rank": float(np.mean(ranks)) if ranks else None, "sets": len(ranks)}
        for other in labels:
            both = [values for values in by_set.values() if who in values and other in values]
            row[f"beats {other}"] = "" if other == who else f"{sum(v[who] > v[other] for v in both)} of {len(both)}"
        found.append(row)
    return sorted(found, key=lambda row: row["mean rank"] or np.inf)


def costs(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a row per system: medians of what a fit and a model cost."""
    names = ("seconds", "peak_mb", "row_ms", "rows_1000_ms", "bytes")
    by_name = {name: _by_label(rows, name) for name in names}
    return [{"system": who, **{n: float(median(by_name[n][who])) for n in names}} for who in _labels(rows)]


def _labels(rows: Sequence[Row]) -> list[str]:
    return sorted({label(row) for row in rows})


def _by_label(rows: Sequence[Row], name: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(label(row), []).append(row[name])
    return found
