"""Texts as subwords in their order."""

import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from automl.runtime.missing import is_missing
from automl.runtime.plain import as_text

MOST_SUBWORDS = 512  # of one text; what comes after them is not read
_SUBWORDS_OF = re.compile(r" ?\w{1,32}| ?[^\w\s]{1,32}")  # what subwords are parts of


class Subwords(dict[str, list[int]]):
    """Subwords of texts, in their order, by byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909), of characters.

    A word, with the space before it, begins as its characters; of two neighbours that make a known subword, those that
    make the earliest one are joined, until none do. ``vocabulary``: the known ones, in the order in which they were
    learned. Their ids are their positions from ``first`` on, and 1 for a character that is not known; 0 is padding.
    """

    _LIMIT = 50_000  # words remembered, as of ``Terms``

    def __init__(self, vocabulary: Sequence[str], first: int = 2) -> None:
        super().__init__()
        self.ids = {subword: i for i, subword in enumerate(vocabulary, first)}

    def __missing__(self, word: str) -> list[int]:
        parts, never = list(word), sys.maxsize
        while len(parts) > 1:
            ranks = [self.ids.get(a + b, never) for a, b in itertools.pairwise(parts)]
            at = ranks.index(min(ranks))
            if ranks[at] == never:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        if len(self) >= self._LIMIT:
            self.clear()
        self[word] = found = [self.ids.get(part, 1) for part in parts]
        return found

    def of(self, text: Any) -> list[int]:
        """Return the ids of one text, up to ``MOST_SUBWORDS``."""
        found: list[int] = []
        for word in subword_words(text):
            found += self[word]
            if len(found) >= MOST_SUBWORDS:
                break
        return found[:MOST_SUBWORDS]


def subword_words(text: Any) -> Iterator[str]:
    """Yield what the subwords of a text are parts of: words and signs, all lower case, with the space before them."""
    plain = "" if is_missing(text) else " " + " ".join(as_text(text).lower().split())
    return (found.group() for found in _SUBWORDS_OF.finditer(plain))
