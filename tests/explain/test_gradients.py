"""Integrated gradients of networks: they sum to the change of the score, and point at what the network looks at."""

import numpy as np
import pytest
import torch

from automl import registry
from automl.assemble import task_space
from automl.explain.gradients import integrated_gradients, mean_row
from automl.report import quality
from automl.space import Defaults, draw
from automl.task import Rows
from automl.testing import make_task
from automl.training.torch_model import TorchModel
from tests.search_spaces.networks import fitted


@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("family", registry.names("images"))
def test_they_sum_to_the_change_of_the_score(family: str, target: str) -> None:
    task = make_task("image", target)
    params = draw(task_space(task)["family"].options[family], Defaults({"width": 8}))
    model = fitted(registry.load("images", family), params, task, epochs=2)
    assert isinstance(model, TorchModel)
    x, outputs = task.data.x.take(slice(0, 5)), np.arange(5) % task.target.width
    found, change = integrated_gradients(model, x, mean_row(task.data.x), outputs, 256)
    assert x.image is not None
    assert found.shape == x.image.shape
    assert np.abs(change).max() > 0
    np.testing.assert_allclose(found.reshape(5, -1).sum(axis=1), change, atol=0.02 * np.abs(change).max())
    same, none = integrated_gradients(model, mean_row(x), mean_row(x), outputs[:1])
    assert not same.any()
    assert not none.any()


class Corner(torch.nn.Module):
    """Looks at two by two pixels alone, and not linearly."""

    inputs = ("image",)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        seen = image[:, :2, :2].flatten(1).sum(dim=1, keepdim=True)
        return torch.cat([seen**2, -seen], dim=1)


def test_they_are_where_the_network_looks() -> None:
    task = make_task("image", "binary")
    model = TorchModel(lambda x, width: Corner(), task.problem)
    model.module, model.head = Corner(), task.target.head(task.data.y)
    image = np.random.default_rng(0).random((3, 5, 4, 1)).astype(np.float32)
    base = Rows(image=np.zeros((1, 5, 4, 1), np.float32))
    found, change = integrated_gradients(model, Rows(image=image), base, np.array([0, 0, 1]))
    assert np.all(found[:, :2, :2] != 0)
    assert not found[:, 2:].any()
    assert not found[:, :, 2:].any()
    seen = image[:, :2, :2].sum(axis=(1, 2, 3))
    np.testing.assert_allclose(change, np.array([1, 1, -1]) * (seen**2 + seen) / 2, rtol=1e-5)


@pytest.mark.parametrize("shape", [(7, 100), (130, 64), (10, 10)])
def test_a_coarse_picture_has_the_means_of_its_blocks(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(0).random(shape)
    found = quality.coarse(values, 20)
    assert found.shape == tuple(min(20, n) for n in shape)
    assert values.min() <= found.min() <= found.max() <= values.max()
    np.testing.assert_allclose(quality.coarse(np.ones(shape), 20), 1)
    if max(shape) <= 20:
        np.testing.assert_array_equal(found, values)
