"""Temperatures: found where they are known, harmless else, and the same in the graph."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from automl import temperature
from automl.export.graph import Graph


def drawn(k: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, k), and classes that are drawn from them."""
    rng = np.random.default_rng(seed)
    p = softmax(rng.normal(size=(n, k)) * 2, axis=1)
    return p, (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)


@given(st.floats(0.3, 3.0), st.integers(2, 6), st.integers(0, 99))
def test_the_temperature_that_probabilities_were_spoilt_by_is_found(spoilt: float, k: int, seed: int) -> None:
    p, y = drawn(k, 4000, seed)
    found = temperature.fit(temperature.apply(p, spoilt), y)
    assert found * spoilt == pytest.approx(1, rel=0.25)


@given(st.integers(0, 12), st.integers(2, 5), st.integers(0, 99), st.booleans())
def test_few_rows_and_impossible_classes_move_it_little(n: int, k: int, seed: int, weighted: bool) -> None:
    p, y = drawn(k, n, seed)
    found = temperature.fit(p, y, np.ones(n) if weighted else None)
    assert temperature.LEAST <= found <= temperature.MOST
    assert np.isfinite(temperature.fit(np.eye(k)[y], (y + 1) % k))
    assert n or found == 1


def test_weights_count_as_repeated_rows() -> None:
    p, y = drawn(3, 300, 0)
    times = np.random.default_rng(1).integers(0, 4, len(y))
    repeated = temperature.fit(np.repeat(p, times, axis=0), np.repeat(y, times))
    assert temperature.fit(p, y, times * 1.0) == pytest.approx(repeated, rel=0.02)


@pytest.mark.parametrize("made_by", ["Softmax", "Identity"])
@given(st.floats(0.1, 10.0), st.integers(0, 99))
def test_the_graph_answers_the_same(made_by: str, t: float, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(20, 4)).astype(np.float32) * 5
    given_p = scores if made_by == "Softmax" else np.where(scores > 0, softmax(scores, axis=1), np.float32(0))
    graph = Graph()
    graph.input("x", np.float32, [4])
    out = temperature.emit(graph, graph.op(made_by, "x"), t)
    session = onnxruntime.InferenceSession(graph.model({"p": out}).SerializeToString())
    p = softmax(scores, axis=1) if made_by == "Softmax" else given_p
    np.testing.assert_allclose(session.run(None, {"x": given_p})[0], temperature.apply(p, t), atol=2e-5)


def test_the_order_of_classes_and_rows_stays() -> None:
    p, _ = drawn(2, 1000, 3)
    for t in (0.2, 5.0):
        assert (np.diff(temperature.apply(p, t)[np.argsort(p[:, 1]), 1]) >= 0).all()
