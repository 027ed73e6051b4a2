"""Fold models that answer together: values averaged, probabilities by their logarithms, in the graph as in NumPy."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl import pooling
from automl.export.graph import Graph
from automl.target import Target

TARGETS = [Target("binary", 2), Target("multiclass", 4), Target("regression"), Target("quantiles", 0, (0.1, 0.9))]


def answers(target: Target, n_models: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (n_models, 30, width), some of them of probability 0, and weights."""
    rng = np.random.default_rng(seed)
    said = rng.dirichlet(np.full(target.width, 0.1), (n_models, 30)) if target.is_classification else None
    return rng.normal(size=(n_models, 30, target.width)) * 1e6 if said is None else said, rng.random(n_models) + 0.1


@pytest.mark.parametrize("target", TARGETS)
@given(st.integers(1, 5), st.integers(0, 99))
def test_the_graph_answers_as_the_models_do(target: Target, n_models: int, seed: int) -> None:
    said, weights = answers(target, n_models, seed)
    said = said.astype(target.dtype)
    graph = Graph()
    names = [graph.input(f"x{i}", target.dtype, [target.width]) for i in range(n_models)]
    out = pooling.emit(target, graph, dict(zip(names, weights, strict=True)))
    session = onnxruntime.InferenceSession(graph.model({"p": out}, target.dtype).SerializeToString())
    (found,) = session.run(None, dict(zip(names, said, strict=True)))
    np.testing.assert_allclose(found, pooling.pooled(target, list(said), list(weights)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("target", TARGETS)
@given(st.integers(1, 5), st.integers(0, 99))
def test_models_that_agree_are_repeated_and_their_order_is_of_no_account(
    target: Target, n_models: int, seed: int
) -> None:
    said, weights = answers(target, n_models, seed)
    alike = pooling.pooled(target, [said[0]] * n_models, list(weights))
    np.testing.assert_allclose(alike, said[0], rtol=1e-9, atol=1e-4)
    turned = pooling.pooled(target, list(said[::-1]), list(weights[::-1]))
    np.testing.assert_allclose(turned, pooling.pooled(target, list(said), list(weights)), rtol=1e-9, atol=1e-9)


def test_probabilities_that_agree_on_a_class_stay_certain_of_it_and_one_alone_does_not_outvote_the_others() -> None:
    target = TARGETS[0]
    sure, less = np.array([[0.999, 0.001]]), np.array([[0.9, 0.1]])
    together = pooling.pooled(target, [sure, less], [1, 1])
    assert together[0, 0] > (sure + less)[0, 0] / 2
    wrong = pooling.pooled(target, [*[less] * 4, np.array([[0.0, 1.0]])], [1] * 5)
    assert wrong[0, 0] > 0.2
