"""Columns of numbers and dates, less a center where float32 could not hold the differences."""

import math
from dataclasses import replace

import numpy as np

from automl.data import dates
from automl.data.findings import Findings
from automl.runtime.dates import dates as read_dates
from automl.runtime.numbers import numbers
from automl.runtime.printable import shown
from automl.task import Column

_PRECISION = 1e-6  # of the deviation, that float32 may lose
_LARGEST_SPREAD = 2.0**62
_SMALL, _LARGE = 1e-30, 1e30  # float32 holds some more, and their squares not at all
_MOST_POWER = 1023  # of two, in float64


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
    """Subtract the median in float64 where float32 would lose too much of the differences, and bring what it could not
    hold into its range.
    """
    present = values[np.isfinite(values)]
    if center or not len(present):
        return replace(column, center=center)
    column = _less_median(column, present)
    return replace(column, factor=_factor(present - column.center))


def _less_median(column: Column, present: np.ndarray) -> Column:
    median = float(np.median(present))
    median = float(round(median)) if abs(median) >= 1 else 0.0
    lost, kept = _lost(present), _lost(present - median)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = present.std()
    return replace(column, center=median) if lost > _PRECISION * spread and kept < lost / 2 else column


def _factor(values: np.ndarray) -> float:
    """Return the power of two that brings values to about 1 where all are very small, or some very large, else 1.0."""
    largest = float(np.abs(values).max())
    if _SMALL < largest < _LARGE or not 0 < largest < math.inf:
        return 1.0
    return 2.0 ** -max(-_MOST_POWER, math.frexp(largest)[1])


def _lost(values: np.ndarray) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.abs(values - values.astype(np.float32)).max())


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
