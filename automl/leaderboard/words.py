"""Short words for scores, sizes, times and failures: one way to say them in the report and the live view."""

import math
import re
from collections import Counter
from collections.abc import Iterable

_UNITS = ("B", "KB", "MB", "GB", "TB")


def number(value: float | None, digits: int = 5) -> str:
    """Return a value with so many significant digits ("0.91234", "12346"), or "-" when there is none."""
    if value is None:
        return "-"
    # The general format would write these with an exponent.
    return f"{value:.0f}" if 10**digits - 1 <= abs(value) < 1e9 else f"{value:.{digits}g}"


def counted(n: int, noun: str) -> str:
    """Return a count with its noun: "1 trial", "2 trials"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def spread(fold_scores: Iterable[float]) -> float | None:
    """Return the standard deviation over the folds, or None for fewer than two finite ones."""
    finite = [score for score in fold_scores if math.isfinite(score)]
    if len(finite) < 2:
        return None
    mean = math.fsum(score / len(finite) for score in finite)
    # In exact fractions, as ``statistics`` has it, it takes twenty times as long.
    return math.dist(finite, [mean] * len(finite)) / math.sqrt(len(finite) - 1)


def size(n_bytes: float | None) -> str:
    """Return a size with its unit ("33.5 KB"; 1 KB is 1000 bytes), or "-"."""
    if n_bytes is None:
        return "-"
    power = 0
    while n_bytes >= 999.5 and power < len(_UNITS) - 1:
        n_bytes, power = n_bytes / 1000, power + 1
    return f"{n_bytes:.3g} {_UNITS[power]}"


def milliseconds(ms: float | None) -> str:
    """Return a latency ("0.11 ms"), or "-"."""
    return "-" if ms is None else f"{number(ms, digits=3)} ms"


def duration(seconds: float) -> str:
    """Return a time as "m:ss" or "h:mm:ss"."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def status(status: str, folds: int, n_folds: int | None) -> str:
    """Return what became of a trial: a stopped one has a part of the folds, or all of them after short trainings."""
    if status != "stopped" or not n_folds:
        return status
    return "short" if folds == n_folds else f"stopped {folds}/{n_folds}"


def reason(failure: str | None) -> str:
    """Return the one line of a failure that says most: the first, or the last of a traceback."""
    lines = [line.strip() for line in (failure or "").splitlines() if line.strip()]
    if not lines:
        return "no reason given"
    return lines[-1] if any(line.startswith("Traceback (most recent") for line in lines) else lines[0]


def kind_of_failure(family: str, failure: str | None) -> tuple[str, str]:
    """Return a key that failures of one family for one reason share, whatever numbers they mention."""
    return family, re.sub(r"\d+", "#", reason(failure))


def failures(found: Iterable[tuple[str, str | None, int]]) -> list[tuple[int, str, str]]:
    """Return (how often, family, reason) of each kind of failure, the most frequent first.

    found: (family, text, how often) of failures; the first of a kind gives its reason.
    """
    counts: Counter[tuple[str, str]] = Counter()
    reasons: dict[tuple[str, str], str] = {}
    for family, failure, n in found:
        kind = kind_of_failure(family, failure)
        counts[kind] += n
        reasons.setdefault(kind, reason(failure))
    return [(n, kind[0], reasons[kind]) for kind, n in counts.most_common()]
