"""Forms of dates of statistics, programs and languages, and what only looks like them."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays
from automl.errors import DataError
from tests.data.dated import DAYS, OTHER, N, Y, check

HALVES = ["{y}S{h}", "{y}-H{h}", "{y}H{h}", "H{h} {y}", "S{h}-{y}", "{h}H {y}", "{h}. Halbjahr {y}"]
NUMBERED = ["{y}M{m:02d}", "{y}M{m}", "{y}-M{m:02d}", "M{m:02d} {y}", "M{m}/{y}", "{y}m{m}"]


@pytest.mark.parametrize("form", HALVES)
def test_half_years_are_their_first_days(form: str) -> None:
    starts = [d.replace(month=7 if d.month > 6 else 1, day=1) for d in DAYS]
    check([form.format(h=d.month // 7 + 1, y=d.year) for d in starts], starts)


@pytest.mark.parametrize("form", NUMBERED)
def test_numbered_months_are_their_first_days_and_no_lengths(form: str) -> None:
    starts = [dt.datetime(2006 + i // 12, i % 12 + 1, 1) for i in range(N)]
    texts = [form.format(m=d.month, y=d.year) for d in starts]
    check(texts, starts)
    check([*texts[1:], texts[0]], [*starts[1:], starts[0]])
    with pytest.raises(DataError, match="holds dates"):
        from_arrays({"o": OTHER}, texts)


@pytest.mark.parametrize("start", ["2015-03", "3015-03"])
@pytest.mark.parametrize("frequency", ["Y", "Q", "M", "W", "D", "h", "min"])
def test_periods_are_their_first_moments(frequency: str, start: str) -> None:
    periods = pd.period_range(start, periods=N, freq=frequency)
    starts = [dt.datetime.fromisoformat(str(p.asfreq("s", "start"))) for p in periods]
    check(pd.Series(periods), starts)
    check(list(periods), starts)


@pytest.mark.parametrize("form", ["-{:04}-03-07", "-{:04}/03/07", "+{:04}-03-07", "-{:04}-03-07 10:30"])
def test_years_before_christ_are_not_read_as_others(form: str) -> None:
    assert from_arrays({"when": [form.format(i + 1) for i in range(N)], "o": OTHER}, Y).schema.columns[0].role != (
        "datetime"
    )


def test_a_minus_before_a_clock_is_a_duration() -> None:
    texts = [f"{'-' if i % 3 else ''}{i % 20:02d}:{i * 7 % 60:02d}" for i in range(N)]
    task = from_arrays({"when": texts, "o": OTHER}, Y)
    assert task.schema.columns[0].role == "numeric"
    minutes = [(-1 if i % 3 else 1) * (i % 20 * 60 + i * 7 % 60) for i in range(N)]
    np.testing.assert_array_equal(task.data.x.numeric[:, 0], np.float32(minutes) * 60)


NO_DATES = {
    "seasons": [f"{2009 + i % 9}-{10 + i % 9}" for i in range(N)],
    "school years": [f"{2014 + i % 5}/{15 + i % 5}" for i in range(N)],
    "ratios": [f"{i % 9 + 1}:{i % 5 + 1}" for i in range(N)],
    "areas": [f"{1900 + i * 7}m2" for i in range(N)],
    "volumes": [f"{1850 + i} m3" for i in range(N)],
    "heights": [f"{1 + i % 2}m{50 + i % 49}" for i in range(N)],
    "hours": [f"{1 + i % 2}H{10 + i % 49}" for i in range(N)],
    "sizes": [f"M{i % 12 + 1}" for i in range(N)],
    "wells": [f"{1 + i % 2}H{i % 12 + 1:02d}" for i in range(N)],
    "models": [f"S{i % 2 + 1}{2010 + i % 10}" for i in range(N)],
    "serial numbers": [f"{2000 + i}S{i % 7}" for i in range(N)],
    "months alone": [d.strftime("%B") for d in DAYS],
    "versions": [f"{i % 9 + 1}.{2010 + i % 5 * 100}.{i % 3}" for i in range(N)],
    "fractions": [f"{i % 12 + 1}.{i * 37 % 9000 + 1000}" for i in range(N)],
}


@pytest.mark.parametrize("texts", NO_DATES.values(), ids=NO_DATES)
def test_what_looks_like_a_date_is_none(texts: list[str]) -> None:
    assert from_arrays({"when": texts, "o": OTHER}, Y).schema.columns[0].role != "datetime"
