"""The subwords of a text column, learned by byte-pair encoding; ``runtime.subwords.Subwords`` reads texts with them."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from automl.data.vocabulary import readable_sample
from automl.runtime.subwords import subword_words
from automl.task import Column

MOST = 4_000
_LEAST = 4  # times that two parts stand side by side, to become one
_ENOUGH_CHARACTERS = 250_000  # see ``readable_sample``
_MOST_WORDS = 20_000  # different ones to learn from: rarer ones change no choice


def with_subwords(column: Column, values: np.ndarray, seed: int = 0) -> Column:
    """Return a column of text with the subwords learned from its ``values``; any other column as it is."""
    return replace(column, subwords=learn(values, seed)) if column.role == "text" else column


def learn(values: np.ndarray, seed: int = 0) -> tuple[str, ...]:
    """Return up to ``MOST`` subwords: the characters that occur twice or more, then what the most frequent pairs make.

    Reference: Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units", 2016,
    arXiv:1508.07909. Large data is sampled.
    """
    words: Counter[str] = Counter()
    for text in readable_sample(values, seed, _ENOUGH_CHARACTERS):
        words.update(subword_words(text))
    characters: Counter[str] = Counter()
    for word, n in words.items():
        characters.update(dict.fromkeys(word, n))
    known = sorted((c for c, n in characters.items() if n > 1), key=lambda c: (-characters[c], c))[: MOST // 2]
    frequent = sorted(words.items(), key=lambda one: (-one[1], one[0]))[:_MOST_WORDS]
    return (*known, *_joined(frequent, set(known), MOST - len(known)))


def _joined(words: Sequence[tuple[str, int]], known: set[str], most: int) -> list[str]:
    """Return the subwords that come of joining the most frequent pair of neighbours again and again."""
    spelt, times = [list(word) for word, _ in words], [n for _, n in words]
    counts: Counter[tuple[str, str]] = Counter()
    where: defaultdict[tuple[str, str], set[int]] = defaultdict(set)

    def count(i: int, sign: int) -> None:
        for pair in pairwise(spelt[i]):
            counts[pair] += sign * times[i]
            where[pair].add(i)

    for i in range(len(spelt)):
        count(i, 1)
    heap = [(-n, pair) for pair, n in counts.items() if known.issuperset(pair)]
    heapq.heapify(heap)
    found: dict[str, None] = {}
    while heap and len(found) < most:
        n, pair = heapq.heappop(heap)
        if counts[pair] != -n:  # it has changed meanwhile
            if counts[pair] >= _LEAST:
                heapq.heappush(heap, (-counts[pair], pair))
            continue
        if -n < _LEAST:
            break
        whole = "".join(pair)
        found[whole] = None
        touched = set()
        for i in sorted(where.pop(pair)):
            count(i, -1)
            spelt[i] = _with(spelt[i], pair)
            count(i, 1)
            touched |= {new for new in pairwise(spelt[i]) if whole in new}
        for new in touched:
            if counts[new] >= _LEAST and all(part in known or part in found for part in new):
                heapq.heappush(heap, (-counts[new], new))
    return list(found)


def _with(parts: list[str], pair: tuple[str, str]) -> list[str]:
    """Return ``parts`` with each occurrence of ``pair`` joined."""
    joined: list[str] = []
    for part in parts:
        if joined and (joined[-1], part) == pair:
            joined[-1] += part
        else:
            joined.append(part)
    return joined
