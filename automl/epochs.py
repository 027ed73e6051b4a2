"""What the epochs of a network's fits came to: kept with the reports of its trial, a bounded number of each fold."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from automl.types import Report

# Points of one fold: as many as a curve shows, some two kilobytes.
MOST = 50
_FOLD, _SCORE, _LOSS = "fold", "score@", "loss@"


@dataclass(frozen=True)
class Epoch:
    """What weights came to on the validation rows after so many ``epochs``: greater scores are better, losses worse."""

    epochs: float
    score: float
    loss: float


def told(fold: int, judged: Sequence[Epoch]) -> dict[str, float]:
    """Return a fold's epochs for ``Report.extra``: evenly ``MOST`` of them where there are more, the best included."""
    known = [one for one in judged if math.isfinite(one.score) and math.isfinite(one.loss)]
    if not known:
        return {}
    shown = set(np.linspace(0, len(known) - 1, min(MOST - 1, len(known))).round().astype(int).tolist())
    shown.add(max(range(len(known)), key=lambda i: (known[i].score, -known[i].loss)))
    found = {_FOLD: float(fold)}
    for one in (known[i] for i in sorted(shown)):
        at = f"{one.epochs:.6g}"
        found |= {f"{_SCORE}{at}": float(f"{one.score:.6g}"), f"{_LOSS}{at}": float(f"{one.loss:.6g}")}
    return found


def by_fold(reports: Iterable[Report]) -> dict[int, list[Epoch]]:
    """Return what reports tell of epochs, in their order, by fold; nothing of folds whose weights nobody judged."""
    found: dict[int, list[Epoch]] = {}
    for extra in (report.extra for report in reports if _FOLD in report.extra):
        names = (name for name in extra if name.startswith(_SCORE))
        ends = sorted((name.removeprefix(_SCORE) for name in names), key=float)
        found[int(extra[_FOLD])] = [Epoch(float(at), extra[_SCORE + at], extra[_LOSS + at]) for at in ends]
    return found


def without(extra: Mapping[str, float]) -> dict[str, float]:
    """Return what is reported beside epochs."""
    return {name: value for name, value in extra.items() if name != _FOLD and not name.startswith((_SCORE, _LOSS))}
