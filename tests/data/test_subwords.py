"""Subwords are learned from frequent pairs, and texts can be put together from them again."""

import numpy as np
import pytest

from automl.data import from_arrays, subwords
from automl.runtime.subwords import Subwords

TEXTS = np.array(
    ["the cat sat on the mat", "The bat, the rat; THE END", "cats and bats and rats?", None, ""] * 3, object
)


def test_frequent_words_become_one_subword() -> None:
    known = subwords.learn(TEXTS)
    assert {" the", "at"} <= set(known)
    assert len(set(known)) == len(known)
    assert subwords.learn(TEXTS) == known


def test_a_text_is_its_subwords_put_together() -> None:
    known = subwords.learn(TEXTS)
    reader = Subwords(known)
    for text in ["the cat sat", "rats, bats", "a new mat's END"]:
        ids = reader.of(text)
        spelt = "".join("?" if i == 1 else known[i - 2] for i in ids)
        assert spelt.replace("?", "") == "".join(c for c in " " + text.lower() if c in known)


def test_a_rare_character_is_not_known() -> None:
    assert Subwords(subwords.learn(np.array(["ab ab", "ab q"], object))).of("q") == [2, 1]


@pytest.mark.parametrize("values", [[None, ""], ["x"], ["  "]])
def test_nothing_to_learn_from_gives_no_subwords(values: list[object]) -> None:
    assert subwords.learn(np.array(values, object)) in ((), (" ",))


def test_text_has_subwords_and_a_table_with_text_has_none() -> None:
    texts, y = TEXTS[:3].tolist() * 10, np.arange(30) % 2
    assert from_arrays({"t": np.array(texts, object)}, y, kind="text").data.x.subwords is not None
    table = {"t": np.array(texts, object), "n": np.arange(30.0)}
    assert from_arrays(table, y, roles={"t": "text"}).data.x.subwords is None
