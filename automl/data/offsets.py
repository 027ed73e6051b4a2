"""Columns of numbers and dates, less a center where float32 could not hold the differences."""

import math
from dataclasses import replace

import numpy as np

from automl.data import dates
from automl.data.findings import Findings
from automl.runtime.arrays import FLOAT32_MAX
from automl.runtime.dates import dates as read_dates
from automl.runtime.numbers import numbers
from automl.runtime.printable import shown
from automl.task import Column

_PRECISION = 1e-6  # of the deviation, that float32 may lose
_LARGEST_SPREAD = 2.0**62
_SMALL, _LARGE = 1e-30, 1e30  # float32 holds some more, and their squares not at all
_MOST_POWER = 1023  # of two, in float64
_FEWEST_BYTES = 4  # of whole numbers that float32 may not hold
_MOST_LOOKED_AT = 1_000_000  # values of a channel
_MOST_REFUSED = 0.01  # of the values, for being far larger than the others


def less_center(values: np.ndarray, column: Column, parsed: np.ndarray | None = None) -> tuple[np.ndarray, float, int]:
    """Return the numbers of a column, less a center where even float64 needs one, and the first that is none, or -1."""
    reading = column.to_dict()
    bad = -1
    if parsed is None:
        parsed, bad = numbers(values, reading)
    present = parsed[np.isfinite(parsed)]
    if bad >= 0 or not len(present) or np.abs(present).max() < 2.0**53 or np.ptp(present) >= _LARGEST_SPREAD:
        return parsed, 0.0, bad
    center = float(present[0])
    if values.dtype.kind == "f" or center != round(center) or abs(center) < 2.0**53:
        return parsed, 0.0, bad
    return numbers(values, {**reading, "center": center})[0], center, bad


def centred(column: Column, values: np.ndarray, center: float) -> Column:
    """Subtract in float64 what lies amid the values of which float32 would lose too much, and bring what it could not
    hold into its range.
    """
    present = values[np.isfinite(values)]
    if center or not len(present):
        return replace(column, center=center)
    column = replace(column, center=_amid(present))
    return replace(column, factor=_factor(present - column.center))


def of_channels(array: np.ndarray, lengths: np.ndarray | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return what is subtracted from each channel of images or sequences, (n, ..., channels), and then multiplied by.

    Both are empty where float32 holds all of them as they are. ``lengths``: (n,), how many steps of each count.
    """
    if array.dtype.kind != "f" and array.dtype.itemsize < _FEWEST_BYTES:
        return (), ()
    values = (
        array.reshape(-1, array.shape[-1]) if lengths is None else array[np.arange(array.shape[1]) < lengths[:, None]]
    )
    some = values[:: len(values) // _MOST_LOOKED_AT + 1].astype(np.float64)
    centers, factors = [], []
    for channel in some.T:
        present = channel[np.isfinite(channel)]
        centers.append(_amid(present))
        factors.append(_factor(present - centers[-1]))
    return (tuple(centers), tuple(factors)) if any(centers) or set(factors) != {1.0} else ((), ())


def _amid(present: np.ndarray) -> float:
    """Return the center that lets float32 keep the differences of the values that it cuts off, or 0.0.

    By medians: zeros or a mark of missing far from all the others, however few or many there are, change nothing.
    """
    cut = present[_lost(present) > 0]
    if not len(cut):
        return 0.0
    median = float(np.median(cut))
    center = float(round(median)) if 1 <= abs(median) < math.inf else 0.0
    lost, kept = np.median(_lost(cut)), np.median(_lost(cut - center))
    low, high = np.quantile(cut, (0.25, 0.75))
    with np.errstate(over="ignore", invalid="ignore"):
        spread = (high - low) or cut.std()
    return center if lost > _PRECISION * spread and kept < lost / 2 else 0.0


def _factor(values: np.ndarray) -> float:
    """Return the power of two that brings values to about 1 where most are very small or very large, else 1.0.

    A few that are far larger are left beyond the range, where they are refused: all others would become zero.
    """
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return 1.0
    usual, largest = float(np.median(sizes)), float(sizes.max())
    for size in (usual, largest):
        factor = 1.0 if _SMALL < size < _LARGE else 2.0 ** -max(-_MOST_POWER, math.frexp(size)[1])
        if (sizes > FLOAT32_MAX / factor).mean() <= _MOST_REFUSED:
            break
    return factor


def _lost(values: np.ndarray) -> np.ndarray:
    """Return what float32 cuts off each value."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.abs(values - values.astype(np.float32))


def dated(column: Column, values: np.ndarray, forms: str | tuple[str, ...], findings: Findings) -> Column:
    """Return ``column`` as one of dates that are written in ``forms``; what says nothing is counted as missing."""
    forms = forms[0] if len(forms) == 1 else forms
    column = Column(column.name, "datetime", format=forms, missing=column.missing)
    moments, bad = read_dates(values, forms, column.to_dict())
    if bad >= 0:
        return column  # encoding names the value
    if since := dates.first_year(moments, forms):
        column = replace(column, since=since)
        moments, _ = read_dates(values, forms, column.to_dict())
        years = f"two digits of a year as those from {since} to {since + 99}"
        findings.notes.append(f"The dates of column '{shown(column.name)}' are read with {years}.")
    findings.missing[column.name] = int(np.isnat(moments).sum())
    return replace(column, center=middle(moments))


def middle(moments: np.ndarray) -> float:
    """Return the day around which dates with a time of the day lie, from 1970; 0.0 where whole days say all."""
    days = moments[~np.isnat(moments)].astype("datetime64[us]").astype(np.int64) / 86_400e6
    return float(round(np.median(days))) if len(days) and (days != np.round(days)).any() else 0.0
