"""What folds leave: whole or not there, checked when it is read, in a folder or behind a URL."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl.errors import ArtifactError, AutoMLError
from automl.model_store import ModelStore

PREDICTIONS = np.array([[0.25, 0.75], [1 / 3, np.nan]], np.float32)


@pytest.fixture(params=["folder", "url"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ModelStore:
    root = str(tmp_path / "trials")
    store = ModelStore(root if request.param == "folder" else f"local://{root}")
    store.create()
    os.makedirs(root, exist_ok=True)
    return store


def test_a_fold_comes_back_as_it_was(store: ModelStore) -> None:
    ref = store.put("a/b .7", 3, 0.5, PREDICTIONS, {"weights": [1, 2]})
    assert (ref.fold, ref.score) == (3, 0.5)
    assert ref.n_bytes > PREDICTIONS.nbytes
    back = store.predictions(ref)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, PREDICTIONS)
    assert store.model(ref) == {"weights": [1, 2]}
    assert store.trials() == {"a/b .7"}
    again = store.put("a/b .7", 3, 0.5, PREDICTIONS[:1], "another")
    assert store.model(again) == "another"
    with pytest.raises(ArtifactError, match="damaged"):
        store.model(ref)
    copied = store.copy(again, "8")
    store.drop("a/b .7")
    assert store.trials() == {"8"}
    assert store.model(copied) == "another"
    store.drop("never there")


@pytest.mark.parametrize("part", ["predictions", "model"])
@pytest.mark.parametrize("how", ["torn", "flipped", "grown", "gone"])
def test_what_is_damaged_is_never_used(store: ModelStore, part: str, how: str, tmp_path: Path) -> None:
    ref = store.put("0", 0, 0.5, PREDICTIONS, bytes(10_000))
    path = tmp_path / "trials" / "0" / f"0.{part}"
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    changed = {"torn": content[: len(content) // 2], "flipped": bytes(flipped), "grown": content + b"\0"}
    path.unlink() if how == "gone" else path.write_bytes(changed[how])
    with pytest.raises(ArtifactError, match=f"0/0.{part}"):
        getattr(store, part if part == "model" else "predictions")(ref)


def test_a_fold_that_was_not_kept_says_so(store: ModelStore) -> None:
    ref = store.put("0", 0, 0.5, PREDICTIONS, None)
    with pytest.raises(ArtifactError, match="only its score"):
        store.model(replace(ref, model=None))


def test_arrays_of_objects_are_not_written(store: ModelStore) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        store.put("0", 0, 0.5, np.array([{}], object), None)


def test_a_store_that_a_worker_does_not_see_is_named(tmp_path: Path) -> None:
    with pytest.raises(AutoMLError, match=r"run\.store"):
        ModelStore(str(tmp_path / "on another node")).put("0", 0, 0.5, PREDICTIONS, None)


WRITER = """
import sys, numpy as np
from automl.model_store import ModelStore
store = ModelStore(sys.argv[1])
for i in range(100_000):
    store.put(str(i), 0, 0.5, np.zeros(100_000), bytes(1_000_000))
    print(i, flush=True)
"""


def test_a_killed_worker_leaves_whole_files_only(tmp_path: Path) -> None:
    store = ModelStore(str(tmp_path))
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    sizes = {path.stat().st_size for path in tmp_path.glob("*/*.model")}
    assert len(sizes) == 1
    assert len(store.trials()) >= 5
