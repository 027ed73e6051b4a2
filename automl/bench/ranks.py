"""Systems compared over data sets: scores, mean ranks, which differences are more than chance, and what they cost.

Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7 (2006): Friedman's test asks whether
the systems differ at all; two of them differ where their mean ranks are further apart than Nemenyi's critical
difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

Row = Mapping[str, Any]
LEVEL = 0.05
COSTS = ("seconds", "peak_mb", "row_ms", "rows_1000_ms", "bytes")


@dataclass(frozen=True)
class Ranking:
    """Mean ranks over ``n_sets`` data sets, best first; 1 is the best.

    ``critical``: how far apart two mean ranks of different systems are, at ``LEVEL``. ``p_value``: of Friedman's test,
    None for fewer than three systems or two sets.
    """

    systems: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    n_sets: int
    critical: float
    p_value: float | None

    def alike(self) -> list[tuple[int, int]]:
        """Return the longest runs of systems, as first and last place, of which no two are told apart."""
        found: list[tuple[int, int]] = []
        for first, rank in enumerate(self.mean_ranks):
            last = max(i for i, other in enumerate(self.mean_ranks) if other - rank < self.critical)
            if last > first and not any(a <= first and last <= b for a, b in found):
                found.append((first, last))
        return found


def label(row: Row) -> str:
    """Return what a row stands under: the system, its model where that is not the only one, its budget."""
    model = "" if row["model"] == "model" else f" {row['model']}"
    return f"{row['system']}{model}" + (f" {row['budget']:g} s" if row["budget"] else "")


def labels(rows: Sequence[Row]) -> list[str]:
    """Return what rows stand under, each once."""
    return sorted({label(row) for row in rows})


def scores(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Return the mean over seeds of each system's scores, by data set; NaN where one of its fits failed."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        found.setdefault(row["set"], {}).setdefault(label(row), []).append(row.get("score", np.nan))
    return {name: {who: float(np.mean(values)) for who, values in own.items()} for name, own in found.items()}


def ranking(rows: Sequence[Row]) -> Ranking | None:
    """Rank the systems, each by its main model, over the data sets that all of them have ended on.

    Equal scores share their ranks; what failed is last. None where there is nothing to compare.
    """
    from scipy.stats import friedmanchisquare, rankdata

    main = [row for row in rows if row["model"] == "model"]
    systems, signs = labels(main), {row["set"]: 1 if row["greater"] else -1 for row in main}
    whole = [
        [signs[name] * own[who] for who in systems] for name, own in scores(main).items() if len(own) == len(systems)
    ]
    if len(systems) < 2 or not whole:
        return None
    values = np.nan_to_num(np.array(whole), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    ranks = np.apply_along_axis(rankdata, 1, -values)
    p_value = None
    if len(systems) > 2 and len(whole) > 1:
        p_value = 1.0 if (ranks == ranks[:, :1]).all() else float(friedmanchisquare(*ranks.T).pvalue)
    means = ranks.mean(axis=0)
    order = np.argsort(means, kind="stable")
    return Ranking(
        tuple(systems[i] for i in order),
        tuple(float(means[i]) for i in order),
        len(whole),
        critical_difference(len(systems), len(whole)),
        p_value,
    )


def critical_difference(n_systems: int, n_sets: int, level: float = LEVEL) -> float:
    """Return Nemenyi's: the studentised range at ``level`` over the square root of 2, in units of a mean rank."""
    from scipy.stats import studentized_range

    q = studentized_range.ppf(1 - level, n_systems, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_systems * (n_systems + 1) / (6 * n_sets)))


def wins(rows: Sequence[Row]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return on how many data sets each system beats each other, and how many they share; failures beat nobody."""
    main = [row for row in rows if row["model"] == "model"]
    signs = {row["set"]: 1 if row["greater"] else -1 for row in main}
    by_set, systems = scores(main), labels(main)
    found = {}
    for one in systems:
        for other in systems:
            both = [(signs[name], own[one], own[other]) for name, own in by_set.items() if one in own and other in own]
            beaten = sum(bool(sign * a > sign * b or (np.isnan(b) and not np.isnan(a))) for sign, a, b in both)
            found[one, other] = beaten, len(both)
    return found


def costs(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Return the medians over all fits of what a fit and its model cost, by system; see ``COSTS``."""
    scored = [row for row in rows if "score" in row]
    return {
        who: {name: float(median(row[name] for row in scored if label(row) == who)) for name in COSTS}
        for who in labels(scored)
    }
