"""Networks for sequences: every option builds, learns and exports; padding never changes a prediction."""

from functools import cache
from types import ModuleType

import numpy as np
import pytest
import torch

from automl.assemble import task_space
from automl.metrics import get
from automl.search_spaces.sequences import _network as parts
from automl.search_spaces.sequences import recurrent, temporal_conv, transformer
from automl.space import Choice, Defaults, Params, Random, draw
from automl.task import Batch, Problem, Rows, Schema, Task
from automl.training import steps
from tests.search_spaces.networks import assert_exports, fitted

STEPS, CHANNELS = 15, 4
SMALL = {"width": 16, "hidden": 12, "batch_size": 16}
FAMILIES = [recurrent, temporal_conv, transformer]


@cache
def waves(n: int = 300) -> Task:
    """Sequences of many lengths: a rising, falling or flat line under noise, zero padded."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, STEPS + 1, n)
    y = rng.integers(0, 3, n)
    line = np.linspace(-1, 1, STEPS)[None, :, None] * (y - 1)[:, None, None]
    x = (line * 4 + 5 + rng.normal(scale=0.5, size=(n, STEPS, CHANNELS))).astype(np.float32)
    x[np.arange(STEPS) >= lengths[:, None]] = 0
    schema = Schema("sequence", "multiclass", "target", classes=("a", "b", "c"), shape=(STEPS, CHANNELS))
    order = rng.permutation(n)
    splits = ((order[n // 3 :], order[: n // 3]),)
    data = Batch(Rows(sequence=x, lengths=lengths), y)
    return Task(Problem.of(schema, get("log_loss", "multiclass"), data), data, splits)


def name_of(family: ModuleType) -> str:
    return family.__name__.rpartition(".")[2]


def params(family: ModuleType, **changes: object) -> Params:
    return draw(task_space(waves())["family"].options[name_of(family)], Defaults({**SMALL, **changes}))


def module(family: ModuleType, **changes: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return family.make_module(params(family, **changes), waves().data.x, 3).eval()


EVERY_OPTION = [
    pytest.param(family, name, option, id=f"{name_of(family)}-{name}-{option}")
    for family in FAMILIES
    for name, domain in family.SPACE.items()
    if isinstance(domain, Choice)
    for option in domain.options
]


@pytest.mark.parametrize(("family", "name", "option"), EVERY_OPTION)
def test_every_option_exports(family: ModuleType, name: str, option: object) -> None:
    model = fitted(family, params(family, **{name: option}), waves(), rows=slice(0, 40))
    assert_exports(model, waves().data.x.take(slice(0, 64)))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_deep_recurrence_in_both_directions_exports(cell: str) -> None:
    model = fitted(recurrent, params(recurrent, cell=cell, layers=2, bidirectional=True), waves(), rows=slice(0, 40))
    assert_exports(model, waves().data.x.take(slice(0, 64)))


@pytest.mark.parametrize("family", FAMILIES, ids=name_of)
def test_the_defaults_learn_the_shape_of_a_line(family: ModuleType) -> None:
    task = waves()
    model = fitted(family, params(family), task, epochs=15)
    valid = task.fold(0)[1]
    assert np.mean(model.predict(valid.x).argmax(axis=1) == valid.y) > 0.9


@pytest.mark.parametrize(("family", "name", "option"), EVERY_OPTION)
def test_padding_changes_no_prediction(family: ModuleType, name: str, option: object) -> None:
    net = module(family, **{name: option, "layers": 2})
    x = waves().data.x.take(slice(0, 30))
    sequence, lengths = torch.tensor(x.sequence), torch.tensor(x.lengths)
    dirty = torch.where(steps.valid_steps(lengths, STEPS) > 0, sequence, 99.0)
    longer = torch.cat([dirty, torch.full((30, 8, CHANNELS), -7.0)], dim=1)
    expected = net(sequence, lengths)
    torch.testing.assert_close(net(dirty, lengths), expected)
    torch.testing.assert_close(net(longer, lengths), expected, atol=1e-5, rtol=1e-5)


def test_random_candidates_build_and_answer() -> None:
    rng = np.random.default_rng(0)
    for shape in [(5, 1), (33, 6)]:
        x = Rows(sequence=rng.normal(size=(4, *shape)).astype(np.float32), lengths=np.array([0, 1, 4, 5]))
        for family in FAMILIES:
            for _ in range(4):
                net = family.make_module(draw(family.SPACE, Random(rng)), x, 2).eval()
                scores = net(torch.tensor(x.sequence), torch.tensor(x.lengths))
                assert scores.shape == (4, 2)
                assert scores.isfinite().all()


def test_standardise_looks_at_valid_steps_only() -> None:
    x = waves().data.x
    lengths = torch.tensor(x.lengths)
    mask = steps.valid_steps(lengths, STEPS)
    z = parts.Standardise(x.sequence, x.lengths)(torch.tensor(x.sequence), mask)
    valid = z[mask.squeeze(-1) > 0]
    torch.testing.assert_close(valid.mean(dim=0), torch.zeros(CHANNELS), atol=1e-4, rtol=0)
    torch.testing.assert_close(valid.std(dim=0), torch.ones(CHANNELS), atol=1e-3, rtol=0)
    assert z[mask.squeeze(-1) == 0].abs().max() == 0


def test_pooling_over_valid_steps() -> None:
    x = torch.tensor([[[1.0], [5.0], [3.0], [100.0]]])
    mask = steps.valid_steps(torch.tensor([3]), 4)
    pooled = {kind: steps.MaskedPool(kind)(x, mask).item() for kind in ("mean", "max", "last")}
    assert pooled == {"mean": 3.0, "max": 5.0, "last": 3.0}
    assert steps.MaskedPool("max")(-x, mask).item() == -1.0


def test_a_causal_network_does_not_see_the_future() -> None:
    options = {"kernel": 3, "norm": "batch", "activation": "relu", "dropout": 0.0}
    body = steps.Convolutions(CHANNELS, 8, 3, dilation_growth=2, causal=True, **options).eval()
    x, lengths = torch.randn(2, STEPS, CHANNELS), torch.tensor([STEPS, STEPS])
    changed = x.clone()
    changed[:, 10:] += 1
    mask = steps.valid_steps(lengths, STEPS)
    before, after = body(x, lengths, mask), body(changed, lengths, mask)
    torch.testing.assert_close(before[:, :10], after[:, :10])
    assert not torch.allclose(before[:, 10:], after[:, 10:])


def test_views_leave_predictions_alone_and_keep_training_sequences_valid() -> None:
    lengths = torch.tensor([1, 4, 9, STEPS] * 10)
    x = torch.randn(40, STEPS, CHANNELS) * steps.valid_steps(lengths, STEPS)
    views = parts.RandomViews(shift=0.3, stretch=0.4, noise=0.1, time_mask=0.3, channel_mask=0.3)
    same, same_lengths = views.eval()(x, lengths)
    assert same is x
    assert same_lengths is lengths
    changed, new_lengths = views.train()(x, lengths)
    assert new_lengths.dtype == lengths.dtype
    assert 1 <= new_lengths.min() <= new_lengths.max() <= STEPS
    assert changed.isfinite().all()
    assert (changed * (1 - steps.valid_steps(new_lengths, STEPS))).abs().max() == 0


def test_stretching_reads_the_same_curve_at_another_tempo() -> None:
    ramp = torch.arange(20.0).reshape(1, 20, 1).repeat(50, 1, 1)
    stretched, lengths = parts.RandomViews(stretch=0.4).train()(ramp, torch.full((50,), 20))
    tempo = stretched[:, 1, 0]
    torch.testing.assert_close(stretched[:, 5, 0], 5 * tempo)
    assert tempo.min() < 0.8 < 1.2 < tempo.max()
    assert (lengths[tempo > 1.2] < 18).all()
