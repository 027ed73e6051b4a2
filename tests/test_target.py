"""Heads: the target goes in and comes back, and the graph says what NumPy says."""

import pickle
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.errors import TrialError
from automl.export.graph import Graph
from automl.target import Head, Target

OFFSETS = (0.0, -3.5, 1e6, 1e9 + 0.1)


@st.composite
def classes(draw: st.DrawFn) -> tuple[Target, np.ndarray, str]:
    """Codes of a training part that may lack classes, and a kind of raw outputs."""
    k = draw(st.integers(2, 6))
    present = draw(st.sets(st.integers(0, k - 1), min_size=1))
    y = np.array(draw(st.lists(st.sampled_from(sorted(present)), min_size=1, max_size=30)))
    return Target("binary" if k == 2 else "multiclass", k), y, draw(st.sampled_from(["scores", "odds", "means"]))


@st.composite
def values(draw: st.DrawFn) -> tuple[Target, np.ndarray, str]:
    """A target of values, perhaps constant, perhaps far from zero."""
    n, offset, spread = draw(st.integers(1, 30)), draw(st.sampled_from(OFFSETS)), draw(st.sampled_from((0.0, 1.0, 1e4)))
    y = offset + spread * np.random.default_rng(n).normal(size=n)
    raw = draw(st.sampled_from(["scores", "odds", "means", "logs"]))
    return Target("regression"), np.abs(y) if raw == "logs" else y, raw


def raw_outputs(head: Head, kind: str, n: int, n_members: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (n, n_members, head.n_raw) if n_members else (n, head.n_raw)
    if kind == "means" and head.is_classification:
        return rng.dirichlet(np.ones(head.n_raw), shape[:-1]).astype(np.float32)
    return (rng.normal(size=shape) * 2).astype(np.float32)


def run(head: Head, raw: np.ndarray) -> np.ndarray:
    graph = Graph()
    answers = head.emit(graph, graph.input("raw", np.float32, list(raw.shape[1:])), members=raw.ndim == 3)
    model = graph.model({"prediction": answers}, np.float32 if head.is_classification else np.float64)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"raw": raw})[0]


@settings(max_examples=150, deadline=None)
@given(classes() | values(), st.integers(1, 5), st.integers(0, 3), st.integers(0, 100))
def test_the_graph_of_a_head_is_its_prediction(
    given: tuple[Target, np.ndarray, str], n: int, n_members: int, seed: int
) -> None:
    target, y, kind = given
    head = pickle.loads(pickle.dumps(target.head(y, None, kind)))
    raw = raw_outputs(head, kind, n, n_members, seed)
    expected, answer = head.predict(raw), run(head, raw)
    assert answer.shape == expected.shape == (n, target.width)
    if target.is_classification:
        np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(answer, expected, atol=1e-6)
    else:
        np.testing.assert_allclose((answer - expected) / head.scale, 0, atol=1e-5)
        assert answer.dtype == expected.dtype == np.float64
    if n_members:
        each = np.stack([head.predict(raw[:, i]) for i in range(n_members)])
        np.testing.assert_allclose(expected, each.mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("n_members", [0, 3])
@pytest.mark.parametrize("levels", [(0.9,), (0.1, 0.5, 0.9)])
def test_quantiles_are_in_ascending_order_whatever_the_raw_outputs(levels: tuple[float, ...], n_members: int) -> None:
    target, y = Target("quantiles", 0, levels), 1e6 + np.random.default_rng(0).normal(size=50)
    head = target.head(y)
    raw = raw_outputs(head, "scores", 20, n_members, 0)
    answer = head.predict(raw)
    values = raw.astype(float) * head.scale + head.center
    np.testing.assert_allclose(answer, np.sort(values.mean(axis=1) if n_members else values, axis=1))
    np.testing.assert_allclose((run(head, raw) - answer) / head.scale, 0, atol=1e-5)
    np.testing.assert_allclose(head.predict(head.average[None])[0], np.quantile(y, levels))


@settings(max_examples=100, deadline=None)
@given(values())
def test_values_come_back_as_they_were(given: tuple[Target, np.ndarray, str]) -> None:
    target, y, kind = given
    head = target.head(y, None, kind)
    learnt = head.encode(y)
    if kind == "logs":
        with np.errstate(divide="ignore"):
            learnt = np.log(learnt)
    else:
        assert abs(learnt.mean()) < 1e-3
        assert learnt.std() < 1 + 1e-6
    np.testing.assert_allclose(head.predict(learnt[:, None])[:, 0], y, rtol=1e-12)
    np.testing.assert_allclose(head.predict(head.average[None]), y.mean(), rtol=1e-12, atol=1e-300)


@settings(max_examples=100, deadline=None)
@given(classes())
def test_classes_are_learnt_by_their_own_numbers(given: tuple[Target, np.ndarray, str]) -> None:
    target, y, kind = given
    head = target.head(y, None, kind)
    codes = head.encode(y)
    assert head.knows(y).all()
    assert codes.dtype == np.int64
    present = np.unique(y)
    if kind == "odds":
        assert head.n_raw == (1 if len(present) == 2 else len(present))
        assert set(codes) == set(range(len(present)))
        np.testing.assert_array_equal(head.knows(np.arange(target.width)), np.isin(np.arange(target.width), present))
    else:
        assert head.n_raw == target.width
        np.testing.assert_array_equal(codes, y)
    shares = np.bincount(y, minlength=target.width) / len(y)
    np.testing.assert_allclose(head.predict(head.average[None])[0], shares, atol=1e-12)


def test_weights_count() -> None:
    weights = np.array([1.0, 1.0, 2.0])
    head = Target("regression").head(np.array([0.0, 0.0, 1.0]), weights)
    assert (head.center, head.scale) == (0.5, 0.5)
    odds = Target("binary", 2).head(np.array([0, 0, 1]), np.array([1.0, 1.0, 6.0]), "odds")
    np.testing.assert_allclose(odds.predict(odds.average[None]), [[0.25, 0.75]])


def test_small_probabilities_are_exact_on_both_sides() -> None:
    head = Target("binary", 2).head(np.array([0, 1]), None, "odds")
    raw, expected = np.array([[20.0]], np.float32), 1 / (1 + np.exp(20.0))
    np.testing.assert_allclose(head.predict(raw)[0, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(run(head, raw)[0, 0], expected, rtol=1e-4)


@pytest.mark.parametrize("target", [Target("multiclass", 3), Target("regression")])
def test_a_loss_is_the_mean_of_the_members_own(target: Target) -> None:
    head = target.head(np.array([0, 1, 2, 1]) if target.is_classification else np.arange(4.0))
    raw, y = torch.randn(4, 5, target.width), torch.tensor([0, 1, 2, 1])

    def loss(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        assert output.ndim == 2
        return (output[torch.arange(len(y)), y % output.shape[1]] - y) ** 2

    each = torch.stack([loss(raw[:, i], y) for i in range(5)])
    torch.testing.assert_close(head.loss(loss, raw, y), each.mean(0))
    torch.testing.assert_close(head.loss(loss, raw[:, 0], y), each[0])


@pytest.mark.parametrize("members", [False, True])
@pytest.mark.parametrize(
    "loss", [lambda s, y: s.mean(), lambda s, y: s, lambda s, y: 3.0], ids=["mean", "all", "float"]
)
def test_a_loss_of_a_wrong_shape_is_refused(loss: Any, members: bool) -> None:
    y = np.array([0, 1, 1, 0])
    raw = torch.zeros((4, 3, 2) if members else (4, 2))
    with pytest.raises(TrialError, match=r"one number for each row, of shape \(b,\)"):
        Target("binary", 2).head(y).loss(loss, raw, torch.from_numpy(y))
