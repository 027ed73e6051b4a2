"""The levels of a column of categories, and the words that may be levels or missing."""

from collections import Counter
from collections.abc import Collection, Mapping

import numpy as np

from automl.data.findings import Findings, some
from automl.data.strays import STRAY_SHARE
from automl.runtime.labels import labels
from automl.runtime.missing import MISSING, says_nothing
from automl.runtime.numbers import lacks_number
from automl.runtime.plain import UNSEEN
from automl.runtime.printable import shown
from automl.task import Column

MAX_LEVELS = 1000
GAPS = frozenset(("",))  # what is missing whatever a table's words mean
# Words that may be levels: North America, or no garage. Signs such as "?" and "#N/A" never are.
_MAY_BE_LEVELS = frozenset(("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None"))


def apart(name: str, values: np.ndarray, findings: Findings) -> tuple[Counter[str], Counter[str]]:
    """Return how often each text occurs, without what is missing, and how often each word that may be missing does."""
    counts = Counter(labels(values, GAPS).tolist())
    findings.missing[name] = counts.pop("", 0)
    marks = findings.declared or MISSING
    marked = Counter({text: counts.pop(text) for text in list(counts) if text in marks})
    return counts, marked


def kept_words(counts: Mapping[str, int], marked: Mapping[str, int], eligible: Collection[str]) -> list[str]:
    """Return the words of ``marked`` that are too frequent beside the others to be missing: they mean something.

    That is from 5 % of the values on, or where they are at least half as frequent as the other levels on average.
    """
    n_all = sum(counts.values()) + sum(marked.values())
    usual = sum(counts.values()) / max(1, len(counts))
    return [w for w, n in marked.items() if w in eligible and n > 1 and (n >= STRAY_SHARE * n_all or n >= usual / 2)]


def note_unseen(where: str, values: np.ndarray) -> list[str]:
    """Say that some levels or classes have characters that are not seen, if they do; ``where``: they are."""
    texts = {v for v in values.tolist() if isinstance(v, str) and not v.isascii()} if values.dtype == object else ()
    found = sorted(text for text in texts if not UNSEEN.keys().isdisjoint(map(ord, text)))
    if not found:
        return []
    return [f"{where} has characters that are not seen, as in '{shown(found[0])}': they tell no two values apart."]


def categorical(
    name: str, values: np.ndarray, counts: Counter[str], marked: Counter[str], findings: Findings
) -> Column:
    """Return a column of levels, the most frequent ``MAX_LEVELS``; ``marked``: words that may be levels or missing."""
    findings.notes += note_unseen(f"Column '{shown(name)}'", values)
    kept = [] if findings.declared else kept_words(counts, marked, _MAY_BE_LEVELS)
    if kept and counts:
        findings.notes.append(
            f"Column '{shown(name)}' has {' and '.join(map(repr, kept))} as a level, because it is frequent; "
            f"data.missing=[{', '.join(kept)}] makes it missing."
        )
        counts = counts + Counter({word: marked[word] for word in kept})
    findings.missing[name] += sum(n for word, n in marked.items() if word not in counts)
    if not counts:
        return Column(name, "dropped", reason="every value is missing")
    levels = sorted(counts, key=lambda level: (-counts[level], level))
    if len(levels) > MAX_LEVELS:
        findings.notes.append(f"Column '{name}' keeps its {MAX_LEVELS:,} most frequent of {len(levels):,} levels.")
    return Column(name, "categorical", levels=tuple(sorted(levels[:MAX_LEVELS], key=_in_order)))


def _in_order(level: str) -> tuple[bool, float, str]:
    """Sort numbers by value, before words."""
    try:
        value = float(level)
    except ValueError:
        value = np.nan
    return (False, value, level) if value == value else (True, 0.0, level)


def note_nothing(column: Column, counts: Mapping[str, int], what: str, findings: Findings) -> None:
    """Say which words and signs count as missing in a column of numbers, dates, ..."""
    found = {
        text: n
        for text, n in counts.items()
        if text in column.missing or says_nothing(text) or lacks_number(text, column.unit)
    }
    note_missing(column.name, found, what, findings)


def note_missing(name: str, found: Mapping[str, int], what: str, findings: Findings) -> None:
    """Say that the texts ``found``, if any, are missing in a column that holds something else."""
    if found:
        words = some([f"'{text}' ({n})" for text, n in found.items()])
        findings.notes.append(
            f"In column '{shown(name)}', which holds {what}, these are missing, {sum(found.values())} in all: "
            f"{words}. Declare it categorical if they say more."
        )
