"""Texts as counts of terms."""

import itertools
import re
from collections.abc import Mapping
from typing import Any

from automl.runtime.missing import is_missing
from automl.runtime.plain import as_text

_WORD = re.compile(r"\w+")


class Terms(dict[str, tuple[list[Any], list[str]]]):
    """The terms of texts. ``ids`` maps the terms that count to what stands for them; None keeps all as they are."""

    _LIMIT = 50_000  # pieces remembered, about 15 MB: repeated words are analysed once, new ones do not fill the memory

    def __init__(self, ids: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self.ids = ids

    def __missing__(self, piece: str) -> tuple[list[Any], list[str]]:
        words = _WORD.findall(piece)
        found: list[Any] = [f"w:{word}" for word in words]
        padded = f" {piece} "
        for size in (3, 4, 5):
            found += [f"c:{padded[i : i + size]}" for i in range(max(1, len(padded) - size + 1))]
            if len(padded) <= size:
                break
        if self.ids is not None:
            found = [self.ids[term] for term in found if term in self.ids]
        if len(self) >= self._LIMIT:
            self.clear()
        self[piece] = found, words
        return found, words

    def of(self, text: Any) -> list[Any]:
        """Return the terms of one text, with repeats."""
        found: list[Any] = []
        words: list[str] = []
        for piece in "" if is_missing(text) else as_text(text).lower().split():
            terms, own = self[piece]
            found += terms
            words += own
        pairs = [f"w:{a} {b}" for a, b in itertools.pairwise(words)]
        return found + (pairs if self.ids is None else [self.ids[p] for p in pairs if p in self.ids])
