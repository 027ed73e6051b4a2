"""Forms of dates of statistics, programs and languages, and what only looks like them."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays
from automl.errors import DataError
from tests.data.dated import DAYS, MOMENTS, OTHER, N, Y, check

STAMPS = [
    "%Y%m%d_%H%M%S", "%Y%m%d-%H%M%S", "%Y%m%d %H%M%S", "%Y%m%d_%H%M%SZ", "%a %b %d %H:%M:%S UTC %Y",
    "%a %b %d %H:%M:%S +0000 %Y", "%a %b %d %I:%M:%S %p GMT %Y", "%a %d. %b %H:%M:%S UTC %Y", "%Y. %m. %d. %H:%M:%S",
    "%Y-%m-%d %H:%M:%S Etc/UTC", "%Y-%m-%d %H:%M:%S Africa/Abidjan", "%d.%m.%Y %H:%M:%S Atlantic/Reykjavik",
    "%Y-%m-%dT%H:%M:%S+00:00[Europe/Berlin]",
]  # fmt: skip


@pytest.mark.parametrize("form", STAMPS)
def test_moments_as_programs_write_them(form: str) -> None:
    check([m.strftime(form) for m in MOMENTS], MOMENTS)


MINUTES = [m.replace(second=0) for m in MOMENTS]
HALF_DAYS = {
    "%m/%d/%Y %I:%M{}": "ap", "%d.%m.%Y %I:%M {}": "ap", "%Y/%m/%d {} %I:%M": ("上午", "下午"),
    "%Y年%m月%d日 {}%I:%M": ("午前", "午後"), "%Y. %m. %d. {} %I:%M": ("오전", "오후"),
    "%Y-%m-%d {} %I:%M:%S": ("上午", "下午"),
}  # fmt: skip


@pytest.mark.parametrize(("form", "names"), HALF_DAYS.items(), ids=HALF_DAYS)
def test_halves_of_a_day(form: str, names: str) -> None:
    check([m.strftime(form).format(names[m.hour // 12]) for m in MINUTES], MINUTES)


def test_compact_stamps_of_minutes_and_weeks() -> None:
    check([m.strftime("%Y%m%d %H%M") for m in MINUTES], MINUTES)
    check([m.strftime("%Y%m%d_%H%M") for m in MINUTES], MINUTES)
    check([d.strftime("%GW%V%u") for d in DAYS], DAYS)
    epoch = dt.datetime(1970, 1, 1)
    check([f"/Date({(m - epoch) // dt.timedelta(milliseconds=1)})/" for m in MOMENTS], MOMENTS)
    check([f"/Date({(m - epoch) // dt.timedelta(milliseconds=1)}+0100)/" for m in MOMENTS], MOMENTS)


def test_a_region_is_an_offset_that_depends_on_the_day() -> None:
    for form in ("%Y-%m-%d %H:%M:%S {}", "%Y-%m-%dT%H:%M:%S[{}]", "%d/%m/%Y %H:%M:%S {}"):
        regions = [("Europe/Berlin", "America/New_York", "America/Argentina/Ushuaia")[i % 3] for i in range(N)]
        texts = [m.strftime(form).format(region) for m, region in zip(MOMENTS, regions, strict=True)]
        there = [m.replace(tzinfo=ZoneInfo(region)) for m, region in zip(MOMENTS, regions, strict=True)]
        check(texts, [m.astimezone(dt.UTC).replace(tzinfo=None) for m in there])


@pytest.mark.parametrize(
    "form", ["{e}{n}年{d.month}月{d.day}日", "{e}{n}年{d:%m月%d日}", "{e} {n}年 {d.month}月 {d.day}日"]
)
@pytest.mark.parametrize(
    ("era", "first"), [("明治", 1868), ("大正", 1912), ("昭和", 1926), ("平成", 1989), ("令和", 2019), ("民國", 1912)]
)
def test_years_of_eras(era: str, first: int, form: str) -> None:
    days = [d.replace(year=first + i % 14, day=min(d.day, 28)) for i, d in enumerate(DAYS)]
    years = [d.year - first + 1 for d in days]
    check([form.format(e=era, n="元" if n == 1 else n, d=d) for n, d in zip(years, days, strict=True)], days)


OF_LANGUAGES = {
    "Vietnamese": "{d.day} tháng {d.month} năm {d.year}",
    "Vietnamese, long": "Ngày {d.day} tháng {d.month} năm {d.year}",
    "Catalan": "{d.day} d'abril de {d.year}",
    "Catalan, long": "{d.day} d’octubre del {d.year}",
    "Hungarian": "{d.year}. március {d.day}.",
    "Thai": "{d.day} กุมภาพันธ์ {y}",
    "Greek, no accents": "{d.day} ΜΑΙΟΥ {d.year}",
}
ONE_MONTH = {"Catalan": 4, "Catalan, long": 10, "Hungarian": 3, "Thai": 2, "Greek, no accents": 5}


@pytest.mark.parametrize("language", OF_LANGUAGES)
def test_dates_of_languages_with_more_than_names(language: str) -> None:
    days = [d.replace(month=ONE_MONTH.get(language, d.month), day=min(d.day, 28)) for d in DAYS]
    check([OF_LANGUAGES[language].format(d=d, y=d.year + 543) for d in days], days)


@pytest.mark.parametrize("most", [20, 60])
def test_minutes_and_seconds_with_a_fraction_are_durations(most: int) -> None:
    parts = [(i % most, i * 7 % 60, i * 37 % 1000) for i in range(N)]
    task = from_arrays({"when": [f"{m:02d}:{s:02d}.{f:03d}" for m, s, f in parts], "o": OTHER}, Y)
    assert task.schema.columns[0].role == "numeric"
    np.testing.assert_allclose(task.data.x.numeric[:, 0], [m * 60 + s + f / 1000 for m, s, f in parts], rtol=1e-6)


@pytest.mark.parametrize("nothing", ["00000000", "000000", "0", "99999999", "00.00.0000", "-"])
@pytest.mark.parametrize("form", ["%d%m%Y", "%m%d%Y", "%Y%m%d"])
def test_no_day_among_days_in_digits_is_missing(form: str, nothing: str) -> None:
    texts = [nothing if i % 10 == 0 else d.strftime(form) for i, d in enumerate(DAYS)]
    task = from_arrays({"when": texts, "o": OTHER}, Y)
    assert task.schema.columns[0].role == "datetime"
    years = [np.nan if i % 10 == 0 else d.year for i, d in enumerate(DAYS)]
    np.testing.assert_array_equal(task.data.x.numeric[:, 0], years)


@pytest.mark.parametrize("form", ["%d%m%Y", "%m%d%Y"])
def test_the_end_of_all_days_is_one(form: str) -> None:
    days = [dt.datetime(9999, 12, 31) if i % 10 == 0 else d for i, d in enumerate(DAYS)]
    check([d.strftime(form) for d in days], days)


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
    "orders": [f"20160618-{i:04d}" for i in range(N)],
    "long orders": [f"20160618-{i:06d}" for i in range(N)],
    "pairs": [f"{10_000_000 + i * 123_457} {1_000 + i * 7}" for i in range(N)],
    "seats": [f"{i % 30 + 1}{'ap'[i % 2]}" for i in range(N)],
    "weekly codes": [f"{2000 + i}W{i * 13 % 1000:03d}" for i in range(N)],
    "paths": [f"{i} Sales/Europe" for i in range(N)],
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
    "short versions": [f"{i % 9}.{i * 7 % 99}.{i * 31 % 99}" for i in range(N)],
    "fractions": [f"{i % 12 + 1}.{i * 37 % 9000 + 1000}" for i in range(N)],
}


@pytest.mark.parametrize("texts", NO_DATES.values(), ids=NO_DATES)
def test_what_looks_like_a_date_is_none(texts: list[str]) -> None:
    assert from_arrays({"when": texts, "o": OTHER}, Y).schema.columns[0].role != "datetime"
