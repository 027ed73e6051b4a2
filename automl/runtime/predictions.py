"""Predictions as CSV."""

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from automl.runtime.errors import PredictionError
from automl.runtime.model import Model
from automl.runtime.models import Several
from automl.runtime.printable import defused, printable
from automl.runtime.whole import whole


def _columns_of(
    model: Model, scores: np.ndarray, target: str | None, cell: Callable[[Any], Any]
) -> tuple[list[str], Iterator[list[Any]]]:
    """Return what is written of a model's predictions: the names of the columns, and their values row by row.

    ``target``: how the columns are called; None where it is the only one, whose column is "prediction". ``cell``: makes
    a text what may be written.
    """
    rows, classes = scores.tolist(), list(map(cell, model.classes))
    if model.quantiles:
        name = target or model.schema["target_name"]
        return [cell(f"{name}_q{q:g}") for q in model.quantiles], iter(rows)
    name, behind = ("prediction", "") if target is None else (target, f"{target}_")
    if not classes:
        return [cell(name)], iter(rows)
    columns = [cell(name), *(cell(f"{behind}probability_{c}") for c in classes)]
    called = model.codes(scores).tolist()
    # The text gives the same number again: nine digits do for a float32 probability.
    return columns, ([classes[k], *(f"{p:.9g}" for p in row)] for k, row in zip(called, rows, strict=True))


def _write(model: Model | Several, scores: Any, output: IO[str], spreadsheet: bool) -> None:
    def cell(value: Any) -> Any:
        value = defused(value) if spreadsheet else value
        return printable(value) if isinstance(value, str) and output.isatty() else value

    if isinstance(model, Several):
        parts = [_columns_of(one, scores[target], target, cell) for target, one in model.models.items()]
    else:
        parts = [_columns_of(model, scores, None, cell)]
    columns = [name for names, _ in parts for name in names]
    # Python before 3.13 quotes no carriage return by itself, which readers take for the end of a row.
    returns = any("\r" in name for name in columns)  # those of classes have these in them
    writer = csv.writer(output, lineterminator="\n", quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    for row in zip(*(rows for _, rows in parts), strict=True):
        writer.writerow([value for part in row for value in part])


def refuse_overwriting(data: Path, output: str) -> None:
    """Raise ``PredictionError`` where the predictions for a file or folder would be written over it."""
    path = Path(output)
    if output != "-" and path.exists() and data.exists() and path.samefile(data) and not path.is_char_device():
        raise PredictionError(f"The predictions would be written over '{data}', which they are for; choose another -o.")


def write_predictions(model: Model | Several, scores: Any, output: str, spreadsheet: bool = False) -> None:
    """Write predictions as CSV to the file ``output``, or to standard output for "-"; a link is followed.

    ``scores``: as ``model.scores`` gives them. ``spreadsheet``: texts are ``defused``; otherwise they are exactly the
    classes. Raises ``PredictionError`` where ``output`` cannot be written, and leaves what was there.
    """
    path = Path(output)
    try:
        if output == "-":
            _write(model, scores, sys.stdout, spreadsheet)
            sys.stdout.flush()
        elif path.exists() and not path.is_file():  # a pipe or a device is written to, never replaced
            with path.open("w", encoding="utf-8", newline="") as file:
                _write(model, scores, file, spreadsheet)
        else:
            with whole(path.resolve()) as file:
                _write(model, scores, file, spreadsheet)
    except BrokenPipeError:  # its reader has seen enough
        raise
    except (OSError, UnicodeEncodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise PredictionError(f"The predictions cannot be written to '{output}' ({why}); choose another -o.") from None
