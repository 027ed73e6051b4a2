"""Patches: images of any size are embedded whole, every block learns and exports, places are told apart."""

from typing import Any

import numpy as np
import pytest
import torch

from automl.assemble import task_space
from automl.export.measure import numbers_in
from automl.limits import SPARE_PARAMETERS
from automl.search_spaces.images import _patches, patches
from automl.space import Choice, Defaults, Params, Random, draw
from automl.task import Rows
from automl.training.steps import EncoderBlock
from tests.search_spaces.networks import assert_exports, fitted
from tests.search_spaces.test_image_families import digits

BLOCKS = patches.SPACE["block"]
assert isinstance(BLOCKS, Choice)


def params(**changes: object) -> Params:
    return draw(task_space(digits())["family"].options["patches"], Defaults({"width": 16, "depth": 2, **changes}))


@pytest.mark.parametrize(
    ("name", "option"),
    [
        (f"{prefix}{name}", option)
        for prefix, space in (
            ("", patches.SPACE),
            *((f"block.{block}.", below) for block, below in BLOCKS.options.items()),
        )
        for name, domain in space.items()
        if isinstance(domain, Choice)
        for option in domain.options
    ],
)
def test_every_option_exports(name: str, option: object) -> None:
    task = digits()
    block = {"block": name.split(".")[1]} if name.startswith("block.") else {}
    model: Any = fitted(patches, params(**{name: option, "patches": 4, **block}), task, rows=slice(0, 40))
    assert_exports(model, task.data.x.take(slice(0, 64)))


@pytest.mark.parametrize("block", BLOCKS.options)
@pytest.mark.parametrize("embedding", ["squares", "convolutions"])
def test_blocks_and_embeddings_work_together(block: str, embedding: str) -> None:
    x = Rows(image=np.random.default_rng(0).integers(0, 255, (6, 11, 18, 3)).astype(np.uint8))
    net = patches.make_module(params(block=block, embedding=embedding, patches=5), x, 4)
    scores = net.train()(torch.tensor(x.image).float())
    assert scores.shape == (6, 4)
    scores.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters() if p.ndim > 1)


@pytest.mark.parametrize("kind", ["squares", "convolutions"])
@pytest.mark.parametrize(("size", "most"), [((28, 28), 7), ((13, 40), 8), ((5, 3), 16), ((48, 48), 9), ((4, 1), 4)])
def test_a_grid_has_at_most_so_many_patches_a_side_and_all_pixels(kind: str, size: tuple[int, int], most: int) -> None:
    embedding = _patches.Embedding(kind, 2, 16, size, most, "batch", "relu")
    x = torch.randn(3, 2, *size, requires_grad=True)
    found = embedding.eval()(x)
    assert found.shape == (3, 16, *embedding.grid)
    assert max(embedding.grid) <= most
    found.square().sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().sum(dim=(0, 1)) > 0).all()


@pytest.mark.parametrize("block", BLOCKS.options)
def test_a_graph_holds_no_more_numbers_than_are_known_beforehand(block: str) -> None:
    task = digits()
    model: Any = fitted(patches, params(block=block, patches=8, embedding="squares"), task, rows=slice(0, 40))
    known = model.sizes(task.data.x)["parameters"]
    assert numbers_in(model.module_onnx().SerializeToString()) <= known + SPARE_PARAMETERS


def test_positions_tell_places_apart_for_attention() -> None:
    torch.manual_seed(0)
    same = torch.randn(1, 8, 1, 1).expand(1, 8, 3, 4)
    block = EncoderBlock(8, heads=2, expansion=1, dropout=0.0)
    learned, none = (_patches.Tokens((3, 4), 8, [block], learned).eval()(same) for learned in (True, False))
    assert learned.shape == none.shape == same.shape
    assert not torch.allclose(learned[0, :, 0, 0], learned[0, :, 1, 3], atol=1e-3)
    torch.testing.assert_close(none[0, :, 0, 0], none[0, :, 1, 3])


def test_random_candidates_build_and_answer() -> None:
    rng = np.random.default_rng(0)
    for shape in [(9, 14, 3), (5, 5, 1), (70, 40, 2)]:
        x = Rows(image=rng.integers(0, 255, (3, *shape)).astype(np.uint8))
        for _ in range(4):
            net = patches.make_module(draw(patches.SPACE, Random(rng)), x, 4).eval()
            assert net(torch.tensor(x.image).float()).shape == (3, 4)
