"""What trials were judged on, beside what they left: their predictions can be looked at without the data."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from automl import files
from automl.errors import ArtifactError
from automl.task import Task


@dataclass(frozen=True)
class Validation:
    """The targets of the rows that are searched on, and which of them each fold is validated on.

    ``y``: (n,) class codes, or values. ``weights``: (n,), or None. ``rows``: for each fold, indices into ``y``, in the
    order of the fold's predictions. ``classes``: the labels as words, in the order of their codes; empty for values.
    """

    y: np.ndarray
    weights: np.ndarray | None
    rows: tuple[np.ndarray, ...]
    target: str
    classes: tuple[str, ...] = ()

    @classmethod
    def of(cls, task: Task) -> "Validation":
        """Return that of a task."""
        classes = tuple(str(label) for label in task.schema.classes)
        return cls(task.data.y, task.data.weights, tuple(task.valid_rows), task.schema.target_name, classes)

    def write(self, path: Path) -> None:
        """Write it for ``read``."""
        arrays = {f"rows_{i}": rows for i, rows in enumerate(self.rows)} | {"y": self.y}
        if self.weights is not None:
            arrays["weights"] = self.weights
        names = np.frombuffer(json.dumps([self.target, *self.classes]).encode(), np.uint8)
        content = io.BytesIO()
        np.savez_compressed(content, names=names, **arrays)  # type: ignore[arg-type]
        files.write(path, content.getvalue())

    @classmethod
    def read(cls, path: Path) -> "Validation":
        """Return what ``write`` wrote. Raises ``ArtifactError`` where it is not there, or damaged."""
        try:
            with np.load(path, allow_pickle=False) as found:
                target, *classes = json.loads(found["names"].tobytes())
                rows = tuple(found[f"rows_{i}"] for i in range(sum(name.startswith("rows_") for name in found.files)))
                weights = found["weights"] if "weights" in found.files else None
                return cls(found["y"], weights, rows, target, tuple(classes))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise ArtifactError(f"'{path}' is not there, or damaged ({error}): it holds a run's targets.") from None
