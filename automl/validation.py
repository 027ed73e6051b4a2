"""What trials were judged on, beside what they left: their predictions can be looked at without the data."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from automl import files
from automl.errors import ArtifactError
from automl.explain.told import Told
from automl.task import Task

_TOLD = "told_"


@dataclass(frozen=True)
class Validation:
    """The targets of the rows that are searched on, and which of them each fold is validated on.

    ``y``: (n,) class codes, or values. ``weights``: (n,), or None. ``rows``: for each fold, indices into ``y``, in the
    order of the fold's predictions. ``classes``: the labels as words, in the order of their codes; empty for values.
    ``value``: the column of a prediction that stands for the value. ``told``: the rows of a table that is not too
    large, to be shown.
    """

    y: np.ndarray
    weights: np.ndarray | None
    rows: tuple[np.ndarray, ...]
    target: str
    classes: tuple[str, ...] = ()
    told: Told | None = None
    value: int = 0

    @classmethod
    def of(cls, task: Task) -> "Validation":
        """Return that of a task."""
        classes = tuple(str(label) for label in task.schema.classes)
        told, name = Told.of(task.schema, task.data.x), task.schema.target_name
        return cls(task.data.y, task.data.weights, tuple(task.valid_rows), name, classes, told, task.target.middle)

    def write(self, path: Path) -> None:
        """Write it for ``read``."""
        arrays = {f"rows_{i}": rows for i, rows in enumerate(self.rows)} | {"y": self.y}
        arrays["value"] = np.array(self.value)
        if self.weights is not None:
            arrays["weights"] = self.weights
        names = np.frombuffer(json.dumps([self.target, *self.classes]).encode(), np.uint8)
        kept = self.told.kept() if self.told else None
        if kept:
            arrays |= {f"{_TOLD}{name}": array for name, array in kept["arrays"].items()}
            arrays["columns"] = np.frombuffer(json.dumps(kept["columns"]).encode(), np.uint8)
        content = io.BytesIO()
        np.savez_compressed(content, names=names, **arrays)  # type: ignore[arg-type]
        files.write(path, content.getvalue())

    @classmethod
    def read(cls, path: Path, with_rows: bool = False) -> "Validation":
        """Return what ``write`` wrote, with ``told`` only if asked. Raises ``ArtifactError`` where it is not there, or
        damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as found:
                target, *classes = json.loads(found["names"].tobytes())
                rows = tuple(found[f"rows_{i}"] for i in range(sum(name.startswith("rows_") for name in found.files)))
                weights = found["weights"] if "weights" in found.files else None
                told = _told(found) if with_rows and "columns" in found.files else None
                value = int(found["value"]) if "value" in found.files else 0
                return cls(found["y"], weights, rows, target, tuple(classes), told, value)
        except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
            raise ArtifactError(f"'{path}' is not there, or damaged ({error}): it holds a run's targets.") from None


def _told(found: Mapping[str, np.ndarray]) -> Told:
    arrays = {name.removeprefix(_TOLD): found[name] for name in found if name.startswith(_TOLD)}
    return Told.again(json.loads(found["columns"].tobytes()), arrays)
