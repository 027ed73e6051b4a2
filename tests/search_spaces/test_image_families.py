"""Networks for images: every option of the space builds, learns and exports; views and statistics are right."""

import tracemalloc
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from automl.assemble import build, task_space
from automl.data import from_arrays
from automl.search_spaces.images import _network as parts
from automl.search_spaces.images import _views, conv_stages
from automl.space import Choice, Defaults, Params, Random, draw
from automl.task import Rows, Task
from tests.search_spaces.networks import assert_exports, fitted, n_weights

SMALL = {"width": 8, "epochs": 5}


@cache
def digits(n: int = 400) -> Task:
    images, labels = load_digits(return_X_y=True)
    images = images[:n].reshape(n, 8, 8, 1).astype(np.uint8)
    return from_arrays(images, labels[:n], kind="image", target_kind="multiclass", folds=2, seed=0)


def params(**changes: object) -> Params:
    return draw(task_space(digits())["family"].options["conv_stages"], Defaults({**SMALL, **changes}))


def module(x: Rows, **changes: object) -> torch.nn.Module:
    return conv_stages.make_module(params(**changes), x, 10).eval()


EVERY_OPTION = [
    (f"{prefix}{name}", option)
    for prefix, space in (("", conv_stages.SPACE), ("stages.1.", conv_stages.STAGE))
    for name, domain in space.items()
    if isinstance(domain, Choice)
    for option in domain.options
]


@pytest.mark.parametrize(("name", "option"), EVERY_OPTION)
def test_every_option_exports(name: str, option: object) -> None:
    task = digits()
    model = fitted(conv_stages, params(**{name: option, "stages.n": 2}), task, rows=slice(0, 40))
    assert_exports(model, task.data.x.take(slice(0, 64)))


@pytest.mark.parametrize("block", parts.BLOCKS)
@pytest.mark.parametrize("norm", ["batch", "group", "none"])
def test_blocks_and_norms_work_together(block: str, norm: str) -> None:
    x = digits().data.x.take(slice(0, 16))
    net = conv_stages.make_module(params(**{"stages.1.block": block, "norm": norm}), x, 10)
    scores = net.train()(torch.tensor(x.image).float())
    assert scores.shape == (16, 10)
    scores.square().sum().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in net.layers.parameters())


def test_the_defaults_learn_digits() -> None:
    task = digits(1200)
    family = task_space(task)["family"]
    defaults = draw({"family": family}, Defaults({"family": "conv_stages", "family.conv_stages.epochs": 8}))
    train, valid = task.fold(0)
    model = build(defaults, task.problem)
    *_, last = model.fit(train, valid)
    assert last == 1.0
    assert np.mean(model.predict(valid.x).argmax(axis=1) == valid.y) > 0.93


def test_random_candidates_build_and_answer() -> None:
    rng = np.random.default_rng(0)
    for shape in [(9, 14, 3), (5, 5, 1), (70, 40, 2)]:
        x = Rows(image=rng.integers(0, 255, (3, *shape)).astype(np.uint8))
        for _ in range(4):
            net = conv_stages.make_module(draw(conv_stages.SPACE, Random(rng)), x, 4).eval()
            assert net(torch.tensor(x.image).float()).shape == (3, 4)


def test_standardise_gives_mean_0_and_deviation_1_per_channel() -> None:
    images = np.random.default_rng(0).integers(0, 255, (50, 6, 4, 3)).astype(np.uint8)
    images[..., 2] = 7
    x = _views.Standardise(images)(torch.tensor(images).float())
    assert x.shape == (50, 3, 6, 4)
    torch.testing.assert_close(x.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(x[:, :2].std(dim=(0, 2, 3)), torch.ones(2), atol=1e-3, rtol=0)


def test_standardise_takes_a_fraction_of_the_memory_of_the_images() -> None:
    images = np.random.default_rng(0).integers(0, 255, (50_000, 16, 16, 3), np.uint8)
    tracemalloc.start()
    made = _views.Standardise(images)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < images.nbytes / 2
    np.testing.assert_allclose(made.mean, images.mean(axis=(0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(1 / made.scale, images.std(axis=(0, 1, 2)), rtol=1e-6)


def test_large_images_are_halved_until_the_first_stage_fits() -> None:
    x = Rows(image=np.zeros((2, 48, 48, 3), np.uint8))
    net = module(x, **{"first_size": 24, "stages.n": 2})
    assert net.layers[0](net.front(torch.zeros(1, 48, 48, 3))).shape[2:] == (24, 24)


def test_stages_may_differ() -> None:
    blocks = {"stages.0.block": "convnext", "stages.1.block": "inverted", "stages.2.block": "residual"}
    more = {"stages.1.block.inverted.squeeze": True, "stages.2.depth": 2, "stages.0.block.convnext.kernel": 5}
    net = module(digits().data.x.take(slice(0, 4)), **blocks, **more)
    kernels = [m.kernel_size[0] for m in net.layers.modules() if isinstance(m, torch.nn.Conv2d) and m.groups > 1]
    assert kernels == [5, 3]
    assert sum(isinstance(m, parts.Squeeze) for m in net.modules()) == 1
    assert [type(m).__name__ for m in net.layers.modules()].count("Skip") == 4


def test_a_transition_halves_the_size_and_none_leaves_it() -> None:
    x = torch.randn(2, 3, 9, 12)
    for how in ("conv_max", "stride", "max_conv", "avg_conv"):
        assert parts.Transition(3, 8, how, "batch", "relu")(x).shape == (2, 8, 5, 6)
    assert parts.Transition(3, 8, "none", "batch", "relu")(x).shape == (2, 8, 9, 12)


def test_depth_and_width_grow_the_network() -> None:
    x = digits().data.x.take(slice(0, 4))
    small = n_weights(module(x))
    assert n_weights(module(x, **{"stages.1.depth": 3})) > small < n_weights(module(x, width=32))


def test_views_leave_predictions_alone_and_change_training_images() -> None:
    x = torch.randn(6, 3, 12, 10)
    views = _views.RandomViews(zoom=0.2, rotate_degrees=20, brightness=0.3, cutout=0.3)
    assert views.eval()(x) is x
    changed = views.train()(x)
    assert changed.shape == x.shape
    assert (changed - x).abs().mean() > 0.1
    torch.testing.assert_close(_views.RandomViews().train()(x), x)


def test_a_flip_mirrors_and_a_shift_moves() -> None:
    x = torch.rand(200, 5, 6, 3)
    flipped = _views.RandomMoves(flip=True).train()(x)
    mirrored = (flipped == x.flip(2)).all(dim=(1, 2, 3))
    assert 60 < mirrored.sum() < 140
    assert torch.equal(flipped[~mirrored], x[~mirrored])
    moved = _views.RandomMoves(shift=0.2).train()(x)  # one pixel each way, and what comes in is reflected
    padded = torch.nn.functional.pad(x.movedim(3, 1), (1, 1, 1, 1), mode="reflect").movedim(1, 3)
    crops = [padded[:, i : i + 5, j : j + 6] for i in range(3) for j in range(3)]
    found = torch.stack([(moved == crop).all(dim=(1, 2, 3)) for crop in crops])
    assert found.any(dim=0).all()
    assert found.any(dim=1).all()
    assert _views.RandomMoves(shift=0.2, flip=True).eval()(x) is x


def test_many_images_get_larger_batches_and_light_augmentation_first_unless_a_person_says() -> None:
    few = digits()
    many = few.problem.on(few.data.take(np.zeros(60_000, np.int64)))
    space: Any = task_space(few)["family"].options["conv_stages"]
    adapted = conv_stages.adapt(space, many)
    assert adapted["batch_size"].start == 128
    assert adapted["augment"].start == "light"
    own = {**space, "batch_size": replace(space["batch_size"], default=256), "augment": Choice(["none"])}
    adapted = conv_stages.adapt(own, many)
    assert adapted["batch_size"].start == 256
    assert adapted["augment"].start == "none"


def test_a_cut_and_mixed_image_has_each_pixel_from_one_of_two() -> None:
    torch.manual_seed(0)
    x = torch.arange(6.0)[:, None, None, None].expand(6, 12, 10, 2).clone()
    other = torch.tensor([1, 2, 3, 4, 5, 0])
    shares = []
    for _ in range(20):
        mixed, share = _views.CutMix(alpha=1.0, share=0.8)(other, x)
        own = mixed == x
        assert (own | (mixed == x[other])).all()
        assert own.float().mean().item() == pytest.approx(share)
        shares.append(share)
    assert min(shares) < 0.8
    assert 1.0 in shares, "some batches are left as they are"
    assert x[3].unique().tolist() == [3.0], "what is given is not changed"
