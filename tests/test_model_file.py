"""Fitted models as data: every family comes back bit by bit, and a file that names anything else is refused unread."""

import json
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse as sp

from automl import model_file, registry
from automl.assemble import SpaceConfig, build, task_space
from automl.errors import ArtifactError
from automl.model_file import MAGIC, NotData, dumps, loads
from automl.model_store import ModelStore
from automl.option import TARGETS
from automl.space import Choice, Random, draw
from automl.target import Target
from automl.task import FAMILY_FOLDER
from automl.testing import make_task

KIND_OF = {folder: kind for kind, folder in FAMILY_FOLDER.items()}
DRAWS = 2


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KIND_OF for name in registry.names(kind)])
def test_every_family_is_data_and_predicts_the_same_to_the_last_bit(kind: str, name: str, target: Any) -> None:
    task = make_task(KIND_OF[kind], target)
    families = task_space(task, SpaceConfig())["family"]
    assert isinstance(families, Choice)
    if name not in families.options:
        pytest.skip("not for this target, or not installed")
    train, valid = task.fold(0)
    rng = np.random.default_rng(len(name))
    for _ in range(DRAWS):
        params = draw({"family": Choice({name: families.options[name]})}, Random(rng))
        epochs = f"family.{name}.epochs"
        model = build(params | ({epochs: 1} if epochs in params else {}), task.problem)
        next(iter(model.fit(train, valid)))
        again = loads(dumps(model))
        np.testing.assert_array_equal(again.predict(valid.x), model.predict(valid.x))
        np.testing.assert_array_equal(loads(dumps(again)).predict(valid.x), model.predict(valid.x))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


VALUES: dict[str, Any] = {
    "nothing": None,
    "atoms": [True, 0, -(2**70), 0.1, -0.0, float("inf"), "ü\ud800\n", ""],
    "containers": {"a": (1, [2, (3,)]), "b": {1, 2}, "c": frozenset({"x"}), "d": {(1, "a"): [None]}},
    "keys that are no texts": {1: "a", None: "b", (2, 3): "c"},
    "bytes": [b"", b"\x00\xff"],
    "an order": OrderedDict([("b", 1), ("a", OrderedDict())]),
    "arrays": [noise(3, 4), np.zeros((0, 3)), np.array(7), np.array(["ab", "c"]), np.array([1], "datetime64[s]")],
    "scalars": [np.float32(0.1), np.int64(3), np.bool_(True)],
    "types of arrays": np.dtype("float32"),
    "a sparse matrix": sp.csr_matrix(np.eye(3, dtype=np.float32)),
    "a part of the house": Target("multiclass", 3),
    "a function": partial(make_module := registry.load("tables", "mlp").build, {"depth": 1}),
}  # fmt: skip


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and all(map(same, one, other)) and len(one) == len(other)
    if isinstance(one, dict):
        return type(one) is type(other) and list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if sp.issparse(one):
        return (one != other).nnz == 0
    if isinstance(one, partial):
        return one.func is other.func and same(one.args, other.args)
    return type(one) is type(other) and repr(one) == repr(other)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_values_come_back_as_they_were(value: Any) -> None:
    assert same(value, loads(dumps(value)))


def test_the_layout_of_arrays_stays_and_they_may_be_changed() -> None:
    wide = noise(4, 5)
    for array in (wide, wide.T, np.asfortranarray(noise(2, 3, 4)), noise(2, 3, 4, 5).transpose(0, 3, 1, 2)):
        found = loads(dumps(array))
        np.testing.assert_array_equal(found, array)
        assert found.strides == array.strides
        found += 1
    np.testing.assert_array_equal(loads(dumps(wide[:, ::2])), wide[:, ::2])


def test_what_is_one_stays_one() -> None:
    array, target = noise(3), Target("binary", 2)
    a, b, (c, d) = loads(dumps([array, array, (target, target)]))
    assert a is b
    assert c is d


def test_tensors_stay_what_they_are() -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    layer.weight.requires_grad_(False)
    layers = torch.nn.Sequential(layer, torch.nn.BatchNorm2d(4), torch.nn.GRU(5, 3), torch.nn.Embedding(7, 2))
    found = loads(dumps(layers))
    for (name, one), (_, other) in zip(layers.state_dict().items(), found.state_dict().items(), strict=True):
        assert torch.equal(one, other), name
        assert one.stride() == other.stride(), name
    assert [p.requires_grad for p in found.parameters()] == [p.requires_grad for p in layers.parameters()]
    x = torch.from_numpy(noise(2, 3, 8, 8))
    assert torch.equal(found[0](x), layers[0](x))


@pytest.mark.parametrize("shape", [(3, 4, 3, 1), (3, 4, 1, 1), (4, 4, 5, 4), (1, 4, 3, 1), (4, 1, 1, 1), (1, 1, 1, 1)])
def test_weights_lie_in_memory_as_they_did(shape: tuple[int, int, int, int]) -> None:
    torch = pytest.importorskip("torch")
    n_in, n_out, kernel, groups = shape
    for order in (torch.contiguous_format, torch.channels_last):
        layer = torch.nn.Conv2d(n_in, n_out, kernel, groups=groups).to(memory_format=order)
        found = loads(dumps(layer))
        assert found.weight.stride() == layer.weight.stride()
        assert torch.equal(found.weight, layer.weight)


class Own:
    """A class of a person's own."""


def looped() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


OTHERS = [
    Own(),
    Own,
    looped(),
    np.array([{}], object),
    lambda: 0,
    partial(print),
    np.random.default_rng(0),
    Path("x"),
    json.JSONDecoder(),
]


@pytest.mark.parametrize("value", OTHERS, ids=lambda value: type(value).__name__)
def test_what_is_no_data_is_not_written(value: Any) -> None:
    with pytest.raises(NotData):
        dumps([value])


def written(model: Any, arrays: Any = ()) -> bytes:
    text = json.dumps({"model": model, "arrays": arrays}).encode()
    return MAGIC + len(text).to_bytes(8, "little") + text


REFUSED: dict[str, bytes] = {
    "a function of the system": written({"partial": ["os:system", ["true"], {"map": {}}]}),
    "a class of the system": written({"new": "subprocess:Popen", "state": {"map": {}}}),
    "what fits trials": written({"new": "automl.training.objective:FitFolds", "state": {"map": {}}}),
    "a room that is none": written({"name": "automl.cli:main"}),
    "what a room imports": written({"name": "automl.training.loop:time"}),
    "a class that a room imports": written({"new": "automl.training.forest:Any", "state": {"map": {}}}),
    "a name in a name": written({"name": "automl.task:Rows.take"}),
    "a module that is none": written({"name": "automl.training.none:x"}),
    "no path": written({"name": "print"}),
    "a class with a way of its own": written({"new": "automl.metrics:Callable", "state": {"map": {}}}),
    "an array of objects": written({"array": [0, None]}, [["|O", [1]]]),
    "an array beyond the file": written({"array": [0, None]}, [["<f8", [10**9]]]),
    "a negative size": written({"array": [0, None]}, [["<f8", [-1]]]),
    "a number that was not there": written({"same": 3}),
    "an unknown kind": written({"call": "os:system"}),
    "a state that is none": written({"new": "automl.target:Target", "state": 7}),
    "no JSON": MAGIC + (5).to_bytes(8, "little") + b"{{{{{",
    "no text": MAGIC + (10**6).to_bytes(8, "little"),
    "deep": MAGIC + (2 * 10**5).to_bytes(8, "little") + b"[" * 10**5 + b"]" * 10**5,
    "nothing": MAGIC,
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_what_was_not_written_so_is_refused(content: bytes) -> None:
    with pytest.raises(ArtifactError, match="no model that this version can read"):
        loads(content)


def test_a_store_says_by_the_names_of_files_what_is_data(tmp_path: Path) -> None:
    store = ModelStore(str(tmp_path))
    plain = store.put("0", 0, 0.5, np.zeros((1, 1)), Target("binary", 2))
    own = store.put("0", 1, 0.5, np.zeros((1, 1)), Own())
    assert {path.name for path in tmp_path.glob("0/*")} >= {"0.model", "1.pickle"}
    assert not (tmp_path / "0" / "0.pickle").exists()
    assert store.model(plain) == Target("binary", 2)
    assert isinstance(store.model(own), Own)
    for ref, name in ((plain, "0.model"), (own, "1.pickle")):
        copied = store.copy(ref, "7")
        assert copied.model is not None
        assert copied.model.key == f"7/{name}"
        assert type(store.model(copied)) is type(store.model(ref))


def test_the_rooms_that_models_come_from_start_nothing_and_open_no_files() -> None:
    """A file may name what is in them: none of that reaches outside."""
    root = Path(model_file.__file__).parent
    for room in ("training", "search_spaces"):
        for path in set((root / room).rglob("*.py")) - {root / "training" / "objective.py"}:
            text = path.read_text()
            assert not any(f"import {name}\n" in text for name in ("subprocess", "socket", "shutil", "pickle", "os")), (
                path
            )
