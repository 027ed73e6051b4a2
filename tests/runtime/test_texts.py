"""Texts as terms and subwords."""

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from automl.runtime.encode import encode
from automl.runtime.subwords import MOST_SUBWORDS
from automl.runtime.tokens import CHUNK_VALUES, even_spans, ids_per_row, text_readers, tokenize
from tests.runtime.folders import schema


def test_terms_are_those_of_scikit_learn() -> None:
    texts = ["Free call now!! call", "a", "", "Ünïcode x-y z"]
    s = schema(t={"role": "text", "terms": (), "format": ""})
    for prefix, vectorizer in (
        ("c:", CountVectorizer(analyzer="char_wb", ngram_range=(3, 5))),
        ("w:", CountVectorizer(token_pattern=r"\w+", ngram_range=(1, 2))),
    ):
        expected = vectorizer.fit_transform(texts).toarray()
        s["columns"][0]["terms"] = [prefix + term for term in vectorizer.get_feature_names_out()]
        ids, counts = tokenize(text_readers(s)["tokens"], {"t": texts})
        rows = np.repeat(np.arange(len(texts)), counts)
        ours = np.zeros_like(expected)
        np.add.at(ours, (rows, ids), 1)
        np.testing.assert_array_equal(ours, expected)


def test_tokens_of_two_columns_are_padded_ids_into_all_terms() -> None:
    s = schema(a={"role": "text", "terms": ["w:x", "w:y"]}, n="numeric", b={"role": "text", "terms": ["w:x"]})
    tokens = encode(s, {"a": ["x x y", ""], "b": ["x", "x q"], "n": [1, 2]})["tokens"]
    assert tokens.tolist() == [[0, 0, 1, 2], [2, -1, -1, -1]]


def test_subwords_join_the_earliest_known_pair_first() -> None:
    s = schema(
        a={"role": "text", "subwords": [*" abcn", "an", " b", "ban"]}, b={"role": "text", "subwords": [*" x", "xx"]}
    )
    found = encode(s, {"a": ["banana", "Ban  ban!", None], "b": ["xxx", "", "y"]})["subwords"]
    names = dict(enumerate([*" abcn", "an", " b", "ban", *" x", "xx"], 2))
    spelt = [[names.get(i, "?") for i in row if i] for row in found.tolist()]
    assert spelt == [[" b", "an", "an", "a", " ", "xx", "x"], [" b", "an", " b", "an", "?"], [" ", "?"]]
    assert found[2, 2:].tolist() == [0] * (found.shape[1] - 2)


def test_rows_that_are_answered_at_once_follow_their_subwords() -> None:
    counts = np.array([3] * 50_000 + [MOST_SUBWORDS] + [3] * 50_000)
    weighed = ids_per_row({"subwords": counts, "tokens": np.ones_like(counts)})
    spans = list(even_spans(weighed, CHUNK_VALUES))
    assert [a for a, _ in spans] == [0, *(b for _, b in spans[:-1])]
    assert spans[-1][1] == len(counts)
    assert max((b - a) * weighed[a:b].max() for a, b in spans) <= CHUNK_VALUES
    assert len(spans) < 20


def test_subwords_of_a_long_text_are_cut_and_a_long_word_takes_no_long_time() -> None:
    s = schema(t={"role": "text", "subwords": [*" ab", "ab"]})
    assert encode(s, {"t": ["a " * 10_000, "ab" * 100_000]})["subwords"].shape == (2, MOST_SUBWORDS)
