"""Random kernels: shares of steps above thresholds, whatever the padding; and a ridge that knows what it leaves out."""

import numpy as np
import pytest
import torch

from automl.search_spaces.sequences import random_kernels
from automl.search_spaces.sequences._kernels import KERNELS, RandomKernels
from automl.space import Defaults, Params, draw
from automl.target import Target
from automl.task import Batch, Rows
from automl.training.ridge import Ridge
from tests.search_spaces.networks import assert_exports, fitted
from tests.search_spaces.test_sequence_families import CHANNELS, STEPS, waves


def params(**changes: object) -> Params:
    return draw(random_kernels.SPACE, Defaults({"n_features": 500, **changes}))


def kernels(x: Rows, n_features: int = 500, **changes: bool) -> RandomKernels:
    assert x.sequence is not None
    assert x.lengths is not None
    return RandomKernels(x.sequence, x.lengths, n_features, **{"differences": False, "seed": 0, **changes})


def test_the_kernels_are_those_of_the_paper() -> None:
    assert KERNELS.shape == (84, 9)
    assert (KERNELS.sum(axis=1) == 0).all()
    assert len({tuple(row) for row in KERNELS.tolist()}) == 84


@pytest.mark.parametrize("differences", [False, True])
def test_features_are_shares_that_no_padding_changes(differences: bool) -> None:
    x = waves().data.x.take(slice(0, 60))
    module = kernels(x, differences=differences)
    sequence, lengths = torch.tensor(x.sequence), torch.tensor(x.lengths)
    found = module(sequence, lengths)
    assert found.shape == (60, module.n_features)
    assert 0 <= found.min() < found.max() <= 1 + 1e-6
    longer = torch.cat([sequence, torch.full((60, 9, CHANNELS), 5.0)], dim=1)
    torch.testing.assert_close(module(longer, lengths), found, atol=1e-5, rtol=1e-5)


def test_a_share_is_that_of_convolved_steps_above_the_threshold() -> None:
    rng = np.random.default_rng(0)
    x = Rows(sequence=rng.normal(size=(20, 40, 1)).astype(np.float32), lengths=np.full(20, 40))
    module = kernels(x)
    found = module(torch.tensor(x.sequence), torch.tensor(x.lengths)).numpy()
    assert x.sequence is not None
    z = (x.sequence[3, :, 0] - x.sequence.mean()) / x.sequence.std()
    dilation = module.dilations[1]
    reach = 4 * dilation
    padded = np.pad(z, reach)
    taps = np.stack([padded[i * dilation : i * dilation + 40] for i in range(9)])
    threshold = (module.get_buffer("thresholds_1").numpy()[7, :, 0] + 0.5) * 0.02
    expected = (KERNELS[7] @ taps > threshold[:, None]).mean(axis=1)
    each = len(threshold)
    at = (84 + 7) * each
    np.testing.assert_allclose(found[3, at : at + each], expected, atol=0.03)


def test_it_learns_and_exports() -> None:
    task = waves()
    model = fitted(random_kernels, params(), task)
    valid = task.fold(0)[1]
    assert np.mean(model.predict(valid.x).argmax(axis=1) == valid.y) > 0.85
    assert_exports(model, valid.x)
    short = Rows(sequence=np.ones((1, STEPS, CHANNELS), np.float32), lengths=np.array([0]))
    assert np.isfinite(model.predict(short)).all()


def test_one_class_is_predicted_as_it_is() -> None:
    task = waves()
    batch = task.data.take(np.flatnonzero(task.data.y == 1)[:20])
    model = random_kernels.build(params(), task.problem)
    assert list(model.fit(batch, batch)) == [1.0]
    np.testing.assert_allclose(model.predict(batch.x)[:, 1], 1)


@pytest.mark.parametrize("shape", [(40, 6), (15, 60)])
@pytest.mark.parametrize("weighted", [False, True])
def test_what_a_ridge_leaves_out_is_what_a_fit_without_it_says(shape: tuple[int, int], weighted: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    y = np.column_stack([x[:, 0] + rng.normal(size=len(x)), rng.normal(size=len(x))])
    weights = rng.uniform(0.5, 2, len(x)) if weighted else None
    found = Ridge.fit(x, y, weights)
    share = np.full(len(x), 1 / len(x)) if weights is None else weights / weights.sum()
    penalty = penalty_of(x, y, share, found)
    for i in range(3):
        kept = np.arange(len(x)) != i
        a = np.column_stack([x[kept], np.ones(kept.sum())])
        gram = a.T @ (share[kept, None] * a) + np.diag([penalty] * shape[1] + [0])
        coef = np.linalg.solve(gram, a.T @ (share[kept, None] * y[kept]))
        np.testing.assert_allclose(found.left_out[i], np.append(x[i], 1) @ coef, atol=2e-3)


def penalty_of(x: np.ndarray, y: np.ndarray, share: np.ndarray, found: Ridge) -> float:
    """Solve the normal equations for the penalty that was chosen."""
    z, target = x - share @ x, y - share @ y
    gradient = z.T @ (share[:, None] * (target - z @ found.coef))
    return float((gradient * found.coef).sum() / (found.coef**2).sum())


def test_many_rows_get_fewer_features(monkeypatch: pytest.MonkeyPatch) -> None:
    x = waves().data.x
    monkeypatch.setattr(random_kernels, "_MOST_SIDE", 200)
    few = random_kernels.make_module(params(n_features=5000), 0, x, 3).get_submodule("kernels").n_features
    monkeypatch.setattr(random_kernels, "_MOST_SIDE", 4000)
    many = random_kernels.make_module(params(n_features=5000), 0, x, 3).get_submodule("kernels").n_features
    assert few <= 200 < many <= 5000


def test_values_are_predicted_on_their_own_scale() -> None:
    x = waves().data.x
    assert x.sequence is not None
    y = 100 + 10 * x.sequence[:, 0, 0].astype(np.float64)
    task = waves()
    problem = type(task.problem).of(type(task.schema)("sequence", "regression", "y"), task.metric, Batch(x, y))
    assert problem.target == Target("regression")
    model = random_kernels.build(params(), problem)
    list(model.fit(Batch(x, y), Batch(x, y)))
    assert np.corrcoef(model.predict(x)[:, 0], y)[0, 1] > 0.9


@pytest.mark.parametrize("channels", [1, 3, 84, 85, 200])
def test_memory_is_foreseen_for_any_number_of_channels(channels: int) -> None:
    x = Rows(sequence=np.zeros((4, 20, channels), np.float32), lengths=np.full(4, 20))
    assert kernels(x).widens * channels >= len(KERNELS)
