"""Integrated gradients of networks of every family: they sum to the change of the score, and lie where it looks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from automl import registry
from automl.assemble import build, task_space
from automl.errors import NotApplicable
from automl.explain.gradients import integrated_gradients
from automl.report import quality
from automl.space import Defaults, draw
from automl.task import FAMILY_FOLDER, Rows, Task
from automl.testing import make_task
from automl.training.torch_model import TorchModel

NETWORKS = [
    (kind, name)
    for kind, folder in FAMILY_FOLDER.items()
    for name in registry.names(folder)
    if registry.load(folder, name).network is not None
]
SMALL = {"width": 8, "size": 8, "hidden": 8, "members": 2, "epochs": 2}


def network(kind: str, name: str, target: str) -> tuple[Task, TorchModel, Rows]:
    """A fitted network of a family's defaults, and the rows as it sees them."""
    task = make_task(kind, target)
    small = {f"family.{name}.{path}": value for path, value in SMALL.items()}
    params = draw(task_space(task), Defaults({"family": name, **small}))
    pipeline = build(params, task.problem)
    list(pipeline.fit(*task.fold(0)))
    assert isinstance(pipeline.model, TorchModel)
    return task, pipeline.model, pipeline.transform(task.data.x)


@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize(("kind", "name"), NETWORKS)
def test_they_sum_to_the_change_of_the_score(kind: str, name: str, target: str) -> None:
    task, model, rows = network(kind, name, target)
    outputs = np.arange(5) % task.target.width
    found = integrated_gradients(model, rows.take(slice(0, 5)), rows.take(slice(0, 60)), outputs, 256)
    changes = np.array([one.change for one in found])
    assert np.abs(changes).max() > 0
    np.testing.assert_allclose([one.total for one in found], changes, atol=0.03 * np.abs(changes).max())
    for i, one in enumerate(found):
        shapes = {name: part.shape for name, part in one.parts.items() if name != "subwords"}
        assert shapes == {name: getattr(rows, name).shape[1:] for name in shapes}
        if kind == "text":
            assert one.parts["subwords"].shape == (rows.subwords[[i]].nnz,)
        if kind == "sequence":
            assert not one.parts["sequence"][rows.lengths[i] :].any()
    assert not any(hooks for part in model.fitted.modules() for hooks in [part._forward_hooks])


def test_all_columns_of_a_table_have_a_part_and_missing_ones_none() -> None:
    _, model, rows = network("table", "realmlp", "regression")
    (one,) = integrated_gradients(model, rows.take(slice(0, 1)), rows, np.array([0]))
    assert set(one.parts) == {"numeric", "categories"}
    assert all(part.any() for part in one.parts.values())
    lost = replace(rows.take(slice(0, 1)), numeric=np.full_like(rows.numeric[:1], np.nan))
    (other,) = integrated_gradients(model, lost, rows, np.array([0]))
    assert not other.parts["numeric"].any()
    assert other.parts["categories"].any()


def test_a_network_by_whose_input_there_is_no_slope_is_refused() -> None:
    class Counts(torch.nn.Linear):
        inputs = ("sparse",)

    task = make_task("text", "binary")
    model = TorchModel(lambda x, width: Counts(2, 2), task.problem)
    model.module = Counts(2, 2)
    with pytest.raises(NotApplicable, match="takes sparse, by which"):
        integrated_gradients(model, task.data.x, task.data.x, np.array([0]))


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
    each = integrated_gradients(model, Rows(image=image), base, np.array([0, 0, 1]))
    found, change = np.stack([one.parts["image"] for one in each]), [one.change for one in each]
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
