"""The decimal mark of a table: what is asked for, and what its columns prove."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from automl.data.strays import STRAY_SHARE
from automl.runtime.written import GROUPED, split_number

MARKS = {"point": ".", "comma": ","}
OTHER = {".": ",", ",": "."}


@dataclass(frozen=True)
class Decimals:
    """What a whole table says about decimal marks. ``asked``: "auto", "point" or "comma" ("." or ","), or one for each
    column. ``evidence``: finds the mark that the rest of the table uses, or "".
    """

    asked: str | Mapping[str, str] = "auto"
    evidence: Callable[[], str] = str

    def of(self, name: str) -> str:
        """Return the mark that is asked for in a column, "" for none."""
        asked = self.asked if isinstance(self.asked, str) else self.asked.get(name, "auto")
        return "" if asked == "auto" else MARKS.get(asked, asked)


def evidence(columns: Mapping[str, np.ndarray], separator: str = "") -> Callable[[], str]:
    """Return what finds the decimal mark that a table uses: where its columns prove one, or its ``separator`` tells."""

    @cache
    def found() -> str:
        texts = [[v for v in values[:200].tolist() if isinstance(v, str) and v] for values in columns.values()]
        proven = {mark_of(column) for column in texts} - {""}
        return proven.pop() if len(proven) == 1 else "" if proven else {";": ",", ",": "."}.get(separator, "")

    return found


def mark_of(texts: Sequence[str]) -> str:
    """Return the decimal mark that some fields of a column prove, "" where they prove none."""
    # The point of 1. and 2. may be that of an ordinal.
    found = [split.digits.rstrip(".") for text in texts if (split := split_number(text)) is not None]
    if not found or len(found) < len(texts) * (1 - STRAY_SHARE):
        return ""
    proven = {
        mark for mark in "," "." for digits in found
        if GROUPED[mark].fullmatch(digits) and not GROUPED[OTHER[mark]].fullmatch(digits)
    }  # fmt: skip
    return proven.pop() if len(proven) == 1 else ""
