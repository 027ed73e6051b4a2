"""Compressed networks are smaller, about as good, picklable, and their exports agree with them."""

import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest
from torch import Tensor, nn

from automl.assemble import build, task_space
from automl.search_spaces.compressors import prune_channels, quantize_int8
from automl.search_spaces.images import cells, conv_stages, patches
from automl.search_spaces.sequences import recurrent, temporal_conv
from automl.search_spaces.tables import mlp
from automl.space import Defaults, Params, draw
from automl.task import Batch, Task
from automl.types import Model
from tests.search_spaces import test_image_families as images
from tests.search_spaces import test_sequence_families as sequences
from tests.search_spaces.networks import assert_exports, fitted, n_weights
from tests.tasks import make


def many_digits() -> Task:
    return images.digits(1000)


@cache
def convolutions(**changes: object) -> Any:
    changed = images.params(**{"width": 24, "stages.n": 2, "augment": "none", **changes})
    return fitted(conv_stages, changed, many_digits(), epochs=6)


@cache
def temporal(**changes: object) -> Any:
    return fitted(temporal_conv, sequences.params(temporal_conv, width=32, **changes), sequences.waves(), epochs=10)


@cache
def memory(**changes: object) -> Any:
    changed = sequences.params(recurrent, hidden=32, bidirectional=True, **changes)
    return fitted(recurrent, changed, sequences.waves(), epochs=10)


def compress(module: Any, model: Any, task: Task, **changes: object) -> Any:
    params: Params = draw(module.SPACE, Defaults(changes))
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    smaller = module.build(params, task.problem).compress(model, task.fold(0)[0])
    after = model.module.state_dict()
    assert all(bool((after[name] == value).all()) for name, value in before.items()), "the model itself was changed"
    return None if smaller is None else pickle.loads(pickle.dumps(smaller))


def accuracy(model: Model, task: Task) -> float:
    valid = task.fold(0)[1]
    return float(np.mean(model.predict(valid.x).argmax(axis=1) == valid.y))


@pytest.mark.parametrize("importance", ["taylor", "magnitude"])
@pytest.mark.parametrize("scope", ["layer", "network"])
def test_pruning_shrinks_and_keeps_most_of_the_accuracy(importance: str, scope: str) -> None:
    task, model = many_digits(), convolutions()
    smaller = compress(prune_channels, model, task, importance=importance, scope=scope, epochs=8)
    assert n_weights(smaller.module) < 0.7 * n_weights(model.module)
    assert accuracy(smaller, task) > accuracy(model, task) - 0.1
    assert_exports(smaller, task.data.x.take(slice(0, 40)))


@pytest.mark.parametrize("block", ["plain", "separable", "residual", "bottleneck", "inverted", "convnext"])
@pytest.mark.parametrize("norm", ["group", "none"])
def test_pruning_works_on_every_block_and_norm(block: str, norm: str) -> None:
    task = images.digits()
    model: Any = fitted(
        conv_stages,
        images.params(**{"width": 24, "stages.n": 2, "stages.1.block": block, "norm": norm}),
        task,
        rows=slice(0, 40),
    )
    smaller = compress(prune_channels, model, task, epochs=1)
    assert n_weights(smaller.module) < n_weights(model.module)
    assert_exports(smaller, task.data.x.take(slice(0, 40)))


@pytest.mark.parametrize("cell", ["nas_bench_201", "wide"])
def test_pruning_and_quantising_work_on_cells(cell: str) -> None:
    task = images.digits()
    changes = draw(task_space(task)["family"].options["cells"], Defaults({"width": 24, "cell": cell}))
    model: Any = fitted(cells, changes, task, rows=slice(0, 40))
    pruned = compress(prune_channels, model, task, epochs=1)
    assert n_weights(pruned.module) < n_weights(model.module)
    assert_exports(compress(quantize_int8, pruned, task), task.data.x.take(slice(0, 40)))


@pytest.mark.parametrize(
    ("block", "smaller"),
    [("conv_mixer", {prune_channels}), ("mixer", {quantize_int8}), ("attention", set())],
)
def test_networks_over_patches_are_compressed_where_that_keeps_them_whole(block: str, smaller: set[Any]) -> None:
    """The others come to nothing: positions are learned outside of layers, and few weights are no smaller as bytes."""
    task = images.digits()
    changes = draw(task_space(task)["family"].options["patches"], Defaults({"width": 24, "block": block}))
    model: Any = fitted(patches, changes, task, rows=slice(0, 40))
    for compressor, settings in ((prune_channels, {"epochs": 1}), (quantize_int8, {})):
        compressed = compress(compressor, model, task, **settings)
        assert (compressed is not None) == (compressor in smaller)
        if compressed is not None:
            assert_exports(compressed, task.data.x.take(slice(0, 40)))


def test_a_network_that_answers_over_several_views_is_pruned_and_quantised(caplog: pytest.LogCaptureFixture) -> None:
    task = images.digits()
    model: Any = fitted(conv_stages, images.params(**{"width": 24, "stages.n": 2}), task, rows=slice(0, 40))
    model.views = model.module.view_sets[-1]
    pruned = compress(prune_channels, model, task, epochs=1)
    assert n_weights(pruned.module) < n_weights(model.module)
    with caplog.at_level("WARNING"):
        assert_exports(compress(quantize_int8, pruned, task), task.data.x.take(slice(0, 40)))
    assert not caplog.records, "weights that are used for each view are constants to the quantiser"


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_pruning_works_on_temporal_convolutions(norm: str) -> None:
    task, model = sequences.waves(), temporal(norm=norm)
    smaller = compress(prune_channels, model, task, epochs=3)
    assert n_weights(smaller.module) < 0.8 * n_weights(model.module)
    assert smaller.module.output.out_features == 3
    assert_exports(smaller, task.data.x.take(slice(0, 40)))


def test_pruning_works_for_a_regression() -> None:
    task = make("image", "regression")
    model: Any = fitted(conv_stages, {**images.params(**{"stages.n": 2, "width": 16}), "loss": "squared"}, task)
    smaller = compress(prune_channels, model, task, epochs=1)
    assert n_weights(smaller.module) < n_weights(model.module)
    assert_exports(smaller, task.data.x)


def test_pruning_gives_up_where_a_shortcut_starts_at_the_input() -> None:
    task = images.digits()
    model: Any = fitted(conv_stages, images.params(), task, rows=slice(0, 40))
    assert compress(prune_channels, model.with_module(Shortcut()), task) is None


class Shortcut(nn.Module):
    inputs = ("image",)

    def __init__(self) -> None:
        super().__init__()
        self.around, self.output = nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, image: Tensor) -> Tensor:
        x = image.flatten(1)
        return self.output(x + self.around(x))


def test_pruning_does_not_apply_to_recurrent_networks() -> None:
    assert compress(prune_channels, memory(), sequences.waves()) is None


CASES = [
    pytest.param(convolutions, many_digits, {"activations.int8.range": "minmax"}, id="images-minmax"),
    pytest.param(convolutions, many_digits, {"activations.int8.range": "percentile"}, id="images-percentile"),
    pytest.param(convolutions, many_digits, {"activations": "float"}, id="images-weights"),
    pytest.param(temporal, sequences.waves, {}, id="temporal"),
    pytest.param(temporal, sequences.waves, {"activations": "float"}, id="temporal-weights"),
    pytest.param(memory, sequences.waves, {}, id="gru"),
    pytest.param(lambda: memory(cell="lstm"), sequences.waves, {"activations": "float"}, id="lstm-weights"),
]


@pytest.mark.parametrize(("make_model", "make_task", "changes"), CASES)
def test_quantising_shrinks_and_keeps_most_of_the_accuracy(
    make_model: Callable[..., Any], make_task: Callable[..., Any], changes: Any
) -> None:
    task, model = make_task(), make_model()
    smaller = compress(quantize_int8, model, task, **changes)
    assert len(smaller.model_bytes) < 0.8 * model.module_onnx().ByteSize()
    assert accuracy(smaller, task) > accuracy(model, task) - 0.05
    x = task.data.x.take(slice(0, 64))
    np.testing.assert_allclose(smaller.predict(x), model.predict(x), atol=0.2)
    assert_exports(smaller, x)


def test_quantised_weights_are_integers() -> None:
    smaller = compress(quantize_int8, memory(), sequences.waves(), activations="float")
    model = onnx.load_from_string(smaller.model_bytes)
    large = [t for t in model.graph.initializer if np.prod(t.dims) >= 512]
    assert large
    assert all(t.data_type == onnx.TensorProto.INT8 for t in large)


def test_a_quantised_regression_is_on_the_targets_own_scale() -> None:
    task = make("image", "regression")
    model: Any = fitted(
        conv_stages, {**images.params(**{"stages.n": 2, "width": 16}), "loss": "squared"}, task, epochs=4
    )
    smaller = compress(quantize_int8, model, task)
    y = task.data.y
    assert abs(smaller.predict(task.data.x).mean() - y.mean()) < y.std()
    assert_exports(smaller, task.data.x)


def test_a_pruned_network_can_be_quantised() -> None:
    task = images.digits()
    pruned = compress(prune_channels, convolutions(), task, epochs=1)
    smaller = compress(quantize_int8, pruned, task)
    assert_exports(smaller, task.data.x.take(slice(0, 40)))


def test_other_models_and_unfitted_quantising() -> None:
    task = images.digits()
    assert (
        quantize_int8.build(draw(quantize_int8.SPACE, Defaults()), task.problem).compress(object(), task.data) is None
    )
    assert (
        prune_channels.build(draw(prune_channels.SPACE, Defaults()), task.problem).compress(object(), task.data) is None
    )
    smaller = compress(quantize_int8, convolutions(), task)
    with pytest.raises(RuntimeError, match="cannot be fitted"):
        smaller.fit(task.data, task.data)


@pytest.mark.parametrize("numbers", mlp.SPACE["numbers"].options)
def test_a_table_network_with_embedded_numbers_is_quantised(numbers: str) -> None:
    task = make("table", "binary")
    params = draw(task_space(task), Defaults({"family": "mlp", "family.mlp.numbers": numbers}))
    model: Any = build(params | {"family.mlp.epochs": 2}, task.problem)
    train, valid = task.fold(0)
    list(model.fit(train, valid))
    compressor = quantize_int8.build(draw(quantize_int8.SPACE, Defaults()), task.problem)
    smaller = compressor.compress(model.model, Batch(model.transform(train.x), train.y))
    assert smaller is not None
    prediction = smaller.predict(model.transform(valid.x))
    np.testing.assert_allclose(prediction, model.predict(valid.x), atol=0.1)
