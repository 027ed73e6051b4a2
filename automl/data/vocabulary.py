"""The terms of a text column that a model counts."""

from collections import Counter

import numpy as np

from automl.runtime.missing import is_missing
from automl.runtime.plain import as_text
from automl.runtime.terms import Terms

MAX_TERMS = 30_000
# Characters that are read to find the terms: all up to the first, of more a quarter, up to the second.
_ENOUGH_CHARACTERS, _MAX_CHARACTERS = 500_000, 4_000_000
_TINY_ROWS = 50


def build_vocabulary(values: np.ndarray, seed: int = 0) -> tuple[str, ...]:
    """Return the most frequent terms (``Terms``): half words and pairs of words, half characters.

    A term must occur in two rows (in one, where there are fewer than 50 rows). Large data is sampled.
    """
    texts = readable_sample(values, seed)
    terms = Terms()
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(terms.of(text)))
    least = 1 if len(texts) < _TINY_ROWS else 2
    words = _frequent(counts, "w:", least)
    characters = _frequent(counts, "c:", least)
    half = MAX_TERMS // 2
    n_words = max(half, MAX_TERMS - len(characters))
    words = words[:n_words]
    return tuple(sorted(words + characters[: MAX_TERMS - len(words)]))


def readable_sample(values: np.ndarray, seed: int, enough: int = _ENOUGH_CHARACTERS) -> list[str]:
    """Return the texts among ``values``, or some of them where they are more than can be read in a moment.

    ``enough``: so many characters are read in any case; of more a quarter is.
    """
    texts = [as_text(v) for v in values if not is_missing(v)]
    n_characters = sum(map(len, texts))
    enough = min(_MAX_CHARACTERS, max(enough, n_characters // 4))
    if n_characters <= enough:
        return texts
    keep = max(200, int(len(texts) * enough / n_characters))
    chosen = np.random.default_rng(seed).permutation(len(texts))[:keep]
    return [texts[i] for i in chosen]


def _frequent(counts: Counter[str], prefix: str, least: int) -> list[str]:
    """Return the terms of one kind, most frequent first."""
    found = [(-n, term) for term, n in counts.items() if n >= least and term.startswith(prefix)]
    return [term for _, term in sorted(found)]
