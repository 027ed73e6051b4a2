"""Images and sequences as the inputs of a model."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from automl.runtime.arrays import FLOAT32_MAX
from automl.runtime.columns import named_columns
from automl.runtime.errors import NO_ROWS, PredictionError, listed, row_number
from automl.runtime.schema import Schema, shape_of_rows, takes

# So many times as bright is another scale: between 0 to 1 and 0 to 255 lies 255.
_OTHER_SCALE = 50.0


def encode_array(
    schema: Schema, x: Any, lengths: Any = None, row_numbers: Sequence[int] | None = None
) -> dict[str, np.ndarray]:
    """Check images or sequences against the schema.

    Returns ``image`` (n, height, width, channels) uint8 or float32; or ``sequence`` (n, steps, channels) float32,
    zero padded or cut to the schema's steps, with ``lengths`` (n,) int64 in [1, steps]. ``row_numbers``: how error
    messages call the rows (default: 1, 2, ...).
    """
    named = named_columns(x)
    if named is not None:
        raise PredictionError(f"The model takes {takes(schema)}; given: a table with the columns {listed([*named])}.")
    try:
        x = np.asarray(x)
    except ValueError as error:  # rows of different shapes
        raise PredictionError(f"The data must be one array in which all rows have one shape ({error}).") from None
    shape = tuple(schema["shape"])
    if x.dtype.kind not in "biuf":
        raise PredictionError(f"The data must be an array of numbers; its type is {x.dtype}.")
    if x.ndim == len(shape) and shape[-1] == 1:
        x = x[..., None]
    kind = schema["kind"]
    fits = x.ndim == len(shape) + 1 and (x.shape[1:] == shape if kind == "image" else x.shape[-1] == shape[-1])
    if not fits:
        raise PredictionError(
            f"The {kind}s must have the shape {shape_of_rows(schema)}; given: {x.shape}. Resize them first."
        )
    if not len(x) or not x.shape[1]:
        raise PredictionError(NO_ROWS)
    if x.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(x).reshape(len(x), -1).all(axis=1))
        if bad.size:
            row = row_number(int(bad[0]), row_numbers)
            raise PredictionError(f"The {kind}s must hold finite numbers; row {row} does not. Replace them.")
    if kind == "image":
        if lengths is not None:
            raise PredictionError("Lengths are for sequences; the model takes images. Leave the lengths out.")
        _refuse_other_scale(float(x.max()), x.dtype, float(schema.get("brightest", 0.0)))
        return {"image": x if x.dtype == np.uint8 else _as_float32(schema, x, row_numbers)}
    return _sequence(_as_float32(schema, x, row_numbers), lengths, shape[0], row_numbers)


def _as_float32(schema: Schema, x: np.ndarray, row_numbers: Sequence[int] | None) -> np.ndarray:
    """Return x as the model takes it: each channel less its center, times its factor, where float32 needs that."""
    if schema.get("centers"):
        with np.errstate(over="ignore"):
            x = (x - np.array(schema["centers"])) * np.array(schema["factors"])
    if x.dtype.kind == "f" and x.dtype.itemsize > 4:
        large = np.flatnonzero((np.abs(x) > FLOAT32_MAX).reshape(len(x), -1).any(axis=1))
        if large.size:
            limit = FLOAT32_MAX / max(schema.get("factors") or [1.0])
            raise PredictionError(
                f"The {schema['kind']}s must hold numbers between ±{limit:.1e}; row "
                f"{row_number(int(large[0]), row_numbers)} does not. Correct it."
            )
    return x.astype(np.float32)


def _refuse_other_scale(brightest: float, dtype: np.dtype, known: float) -> None:
    """Raise ``PredictionError`` for images from 0 to 1 where those of training went to 255, and the other way round.

    ``known``: the greatest value in the training data; 0 where it is not known. Whole numbers are never too small:
    dark images exist.
    """
    too_large = brightest > _OTHER_SCALE * known
    too_small = dtype.kind == "f" and 0 < brightest <= 1 and known > _OTHER_SCALE
    if known > 0 and (too_large or too_small):
        raise PredictionError(
            f"The images have another scale than those of the training data: their greatest value is {brightest:g}, "
            f"there it was {known:g}. Multiply them by what lies between, such as "
            f"{'1 / 255' if too_large else '255'}."
        )


def _sequence(x: np.ndarray, lengths: Any, steps: int, row_numbers: Sequence[int] | None) -> dict[str, np.ndarray]:
    lengths = np.full(len(x), x.shape[1]) if lengths is None else np.asarray(lengths).reshape(-1)
    if len(lengths) != len(x) or lengths.dtype.kind not in "biu":
        raise PredictionError(
            f"The lengths must be {len(x)} whole numbers, one for each sequence; "
            f"given: {len(lengths)} of type {lengths.dtype}."
        )
    wrong = np.flatnonzero((lengths < 1) | (lengths > x.shape[1]))
    if wrong.size:
        raise PredictionError(
            f"The length of a sequence must be from 1 to {x.shape[1]}, the steps of the array; "
            f"row {row_number(int(wrong[0]), row_numbers)} has {lengths[wrong[0]]}. Correct it, or leave the row out."
        )
    lengths = np.minimum(lengths, steps).astype(np.int64)  # beyond the steps of training nothing is read
    result = np.zeros((len(x), steps, x.shape[2]), np.float32)
    result[:, : x.shape[1]] = x[:, :steps]
    result[np.arange(steps) >= lengths[:, None]] = 0.0
    return {"sequence": result, "lengths": lengths}
