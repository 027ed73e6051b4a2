"""What a run keeps of its targets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl.errors import ArtifactError
from automl.validation import Validation
from tests.tasks import make


@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
def test_targets_come_back_as_they_were(tmp_path: Path, target: str) -> None:
    task = make("table", target)
    weighted = replace(task, data=replace(task.data, weights=np.linspace(1, 2, task.n_rows)))
    for of in (task, weighted):
        Validation.of(of).write(tmp_path / "validation.npz")
        found = Validation.read(tmp_path / "validation.npz")
        np.testing.assert_array_equal(found.y, of.data.y)
        assert (found.weights is None) == (of.data.weights is None)
        assert [rows.tolist() for rows in found.rows] == [rows.tolist() for rows in of.valid_rows]
        assert (found.target, found.classes) == (task.schema.target_name, tuple(map(str, task.schema.classes)))


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "validation.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"validation\.npz"):
        Validation.read(path)
