"""A submission: filled in from predictions, written as the sample is, and checked as it lies on the disk."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from automl import decision, files
from automl.contest.form import Form
from automl.errors import DataError
from automl.runtime.labels import label
from automl.runtime.printable import defused, shown
from automl.runtime.table import read_csv
from automl.runtime.whole import whole

LOG = ("time", "file", "sha256", "rows", "run", "metric", "validation score")


def fill_in(
    form: Form,
    sample: Mapping[str, np.ndarray],
    test: Mapping[str, np.ndarray],
    scores: np.ndarray,
    classes: Sequence[Any],
    class_weights: np.ndarray | None = None,
) -> dict[str, list[Any]]:
    """Return the columns of a submission, with the rows of the sample in their order.

    ``scores``: (n, width) what the model says about the rows of ``test``. ``classes``: its labels, in the order of the
    columns of ``scores``; none for values. ``class_weights``: (n_classes,) by how much each class counts where
    labels are decided; None: all alike. Raises ``DataError`` where sample and test are not about the same rows.
    """
    order = _rows_of(form, sample, test)
    answers = scores[order]
    filled: dict[str, list[Any]] = {form.id: sample[form.id].tolist()} if form.id else {}
    if form.answers == "probabilities":
        place = {label(name): k for k, name in enumerate(classes)}
        lacking = [name for name in form.classes if name not in place]
        if lacking:
            raise DataError(
                f"The model does not know the class '{shown(lacking[0])}' that the sample has a column for."
            )
        return filled | {c: answers[:, place[k]].tolist() for c, k in zip(form.columns, form.classes, strict=True)}
    if form.answers == "quantiles":
        return filled | {
            column: values.tolist() for column, values in zip(form.columns, np.sort(answers).T, strict=True)
        }
    (column,) = form.columns
    if not classes:
        return filled | {column: answers[:, 0].tolist()}
    if form.answers == "probability":
        return filled | {column: answers[:, 1].tolist()}
    return filled | {column: [classes[k] for k in decision.labels(answers, class_weights)]}


def _rows_of(form: Form, sample: Mapping[str, np.ndarray], test: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the row of ``test`` for each row of ``sample``."""
    n_sample, n_test = (len(next(iter(table.values()))) for table in (sample, test))
    if not form.id:
        if n_sample != n_test:
            raise DataError(f"Sample and test must have the same number of rows; they have {n_sample} and {n_test}.")
        return np.arange(n_test)
    place: dict[str, int] = {}
    for i, value in enumerate(test[form.id].tolist()):
        key = label(value)
        if key in place:
            raise DataError(f"The id '{form.id}' must name one row of the test data; '{shown(key)}' names two.")
        place[key] = i
    wanted = [label(value) for value in sample[form.id].tolist()]
    lacking = [key for key in wanted if key not in place]
    if lacking or len(set(wanted)) != len(wanted):
        what = f"'{shown(lacking[0])}' is not in the test data" if lacking else "an id is there twice"
        raise DataError(
            f"Each row of the sample must be one row of the test data: {what}. Are the files of one contest?"
        )
    return np.array([place[key] for key in wanted])


def write(columns: Mapping[str, Sequence[Any]], path: Path, permissions: int = files.PUBLIC) -> None:
    """Write a submission; numbers with all their digits."""
    with whole(path, permissions) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*([_cell(v) for v in values] for values in columns.values()), strict=True))


def _cell(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    return repr(float(value)) if isinstance(value, float) else value


def check(form: Form, sample: Mapping[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    """Read a submission back and compare it with the sample; return its columns.

    Raises ``DataError`` for the first thing that is wrong.
    """
    found = read_csv(path)
    if list(found) != list(sample):
        raise DataError(f"'{path}' must have the columns {', '.join(map(shown, sample))}, in this order.")
    n_rows = len(next(iter(sample.values())))
    if len(next(iter(found.values()))) != n_rows:
        raise DataError(f"'{path}' must have {n_rows} rows, as the sample has.")
    if form.id and [label(v) for v in found[form.id].tolist()] != [label(v) for v in sample[form.id].tolist()]:
        raise DataError(f"'{path}' must have the ids of the sample, in their order.")
    for name in form.columns:
        _check_column(form, path, name, found[name])
    return found


def _check_column(form: Form, path: Path, name: str, values: np.ndarray) -> None:
    for i, text in enumerate(values.tolist()):
        if text == "" or (form.answers != "labels" and not _is_finite(text)):
            raise DataError(f"'{path}' must hold an answer in each row; row {i + 1} of '{shown(name)}' has '{text}'.")
        if form.answers in ("probability", "probabilities") and not -1e-6 <= float(text) <= 1 + 1e-6:
            raise DataError(f"'{path}' must hold probabilities; row {i + 1} of '{shown(name)}' has {text}.")


def _is_finite(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def log(path: Path, folder: Path, run: str, metric: str, score: float, n_rows: int) -> None:
    """Add a line about the submission ``path`` to ``submissions.csv`` in ``folder``."""
    book = folder / "submissions.csv"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    line = [datetime.now(UTC).isoformat(timespec="seconds"), str(path), digest, n_rows, run, metric, repr(score)]
    with files.locked(book, files.PUBLIC):
        earlier = book.read_bytes()
        added = io.StringIO(newline="")
        writer = csv.writer(added, lineterminator="\n")
        if not earlier:
            writer.writerow(LOG)
        writer.writerow([defused(cell) for cell in line])
        files.write(book, files.with_line(earlier, added.getvalue()), files.PUBLIC)
