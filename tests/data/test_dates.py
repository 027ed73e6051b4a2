"""Dates in every form, several in one column, as numbers; times of the day, durations; and rows in their order."""

import datetime
import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays, rows
from automl.data.infer import infer_columns
from automl.errors import DataError
from automl.runtime.numbers import numbers
from automl.runtime.schema import numeric_names
from tests.data.dated import DAYS, MOMENTS, OTHER, N, Y, check

rng = np.random.default_rng(0)


def ordinal(d: datetime.date) -> str:
    ending = "th" if 4 <= d.day <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(d.day % 10, "th")
    return f"{d:%B} {d.day}{ending}, {d.year}"


def of(form: Any) -> Any:
    return lambda moment: moment.strftime(form)


DAY_FORMS = [
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%y", "%d-%m-%Y", "%m-%d-%Y", "%m/%d/%y",
    "%Y.%m.%d", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%y", "%d-%b-%Y", "%d%b%Y",
    "%d/%b/%Y", "%Y%m%d", "%a, %d %b %Y", "%A, %B %d, %Y", "%d. %B %Y", "%Y-%b-%d", "%d%m%Y", "%m%d%Y", "%d. %m. %Y",
    "%Y. %m. %d.", "%Y年%m月%d日", "%Y년 %m월 %d일", "'%Y-%m-%d'", "%G-W%V-%u",
    "%d / %m / %Y", "%d. %B %Y г.", "%Y-%j", "%Y/%j", "%Y_%m_%d", "%b %d '%y", "%B %d, %y",
]  # fmt: skip
MOMENT_FORMS = [
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.000Z",
    "%Y-%m-%d %H:%M:%S+00:00", "%Y-%m-%d %H:%M:%S +0000", "%Y-%m-%d %H:%M:%S UTC", "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y, %I:%M:%S %p", "%b %d, %Y %I:%M:%S %p", "%b %d, %Y at %I:%M:%S%p",
    "%d-%b-%y %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%S", "%d/%b/%Y:%H:%M:%S +0000",
    "%a, %d %b %Y %H:%M:%S GMT", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S.%f", "%d.%m.%Y %H.%M.%S",
    "%d.%m.%Y, %H:%M:%S Uhr", "%Y-%m-%dT%H:%M:%SZ[Etc/UTC]", "%H:%M:%S %d/%m/%Y", "%Y/%m/%dT%H:%M:%S",
    "[%d/%b/%Y:%H:%M:%S +0000]", "%d-%b-%y %I.%M.%S.000000000 %p", 
    "%a %b %d %Y %H:%M:%S GMT+0000 (Greenwich Mean Time)",
    "%I:%M:%S %p, %d %b %Y", "%H:%M:%S %B %d, %Y", "%Y/%m/%d-%H:%M:%S", "%Y-%m-%d_%H:%M:%S",
    "%d-%B-%Y %I.%M.%S %p", "%Y-%m-%d %H:%M:%S.123456789",
]  # fmt: skip
MIXED = {
    "three forms": [of("%Y-%m-%d"), of("%d/%m/%Y"), of("%b %d, %Y")],
    "two digits of a year": [of("%d.%m.%Y"), of("%d.%m.%y")],
    "some with spaces": [of("%Y-%m-%d"), of(" %Y-%m-%d ")],
    "words": [of("%B %d, %Y"), of("%b %d, %Y"), ordinal, of("%d-%b-%y")],
    "one digit": [of("%Y-%m-%d"), lambda d: f"{d.year}-{d.month}-{d.day}", lambda d: f"{d.day}.{d.month}.{d.year}"],
}


@pytest.mark.parametrize("form", DAY_FORMS)
def test_every_form_of_a_day(form: Any) -> None:
    check([d.strftime(form) for d in DAYS], DAYS)


@pytest.mark.parametrize("form", MOMENT_FORMS)
def test_every_form_of_a_moment_with_its_seconds(form: Any) -> None:
    check([m.strftime(form) for m in MOMENTS], MOMENTS)


@pytest.mark.parametrize("forms", MIXED.values(), ids=MIXED)
def test_several_forms_in_one_column(forms: Any) -> None:
    task = check([forms[i % len(forms)](d) for i, d in enumerate(DAYS)], DAYS)
    assert len(forms) == 2 or isinstance(task.schema.columns[0].format, tuple)


MONTHS = {
    "German": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "German, short": "Jan. Feb. Mär. Apr. Mai Jun. Jul. Aug. Sep. Okt. Nov. Dez.",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "French, short": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "Portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november december",
    "Romanian": "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "Polish": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "Czech": "ledna února března dubna května června července srpna září října listopadu prosince",
    "Russian": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "Ukrainian": "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "Turkish": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
    "Finnish": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta "
    "lokakuuta marraskuuta joulukuuta",
    "Hungarian": "január február március április május június július augusztus szeptember október november december",
    "Catalan": "gener febrer març abril maig juny juliol agost setembre octubre novembre desembre",
    "Indonesian": "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember",
    "Greek": "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου Οκτωβρίου "
    "Νοεμβρίου Δεκεμβρίου",
    "Hebrew": "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר",
    "Hebrew, in": "בינואר בפברואר במרץ באפריל במאי ביוני ביולי באוגוסט בספטמבר באוקטובר בנובמבר בדצמבר",
    "Arabic": "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "Swedish": "januari februari mars april maj juni juli augusti september oktober november december",
}
WITH_MONTHS = [
    "{d}. {m} {y}", "{d} {m} {y}", "{d:02d}-{m}-{y}", "{m} {d}, {y}", "{d} de {m} de {y}", "{d}. {m} {y} 00:00 Uhr",
]  # fmt: skip


@pytest.mark.parametrize("form", WITH_MONTHS)
@pytest.mark.parametrize("language", MONTHS)
def test_months_in_many_languages(language: str, form: str) -> None:
    names = MONTHS[language].split()
    texts = [
        form.format(d=d.day, m=names[d.month - 1].upper() if d.day % 2 else names[d.month - 1], y=d.year) for d in DAYS
    ]
    check(texts, DAYS)
    check([form.format(d=1, m=names[d.month - 1], y=d.year) for d in DAYS], [d.replace(day=1) for d in DAYS])


def test_days_of_the_week_in_many_languages() -> None:
    for week, months in (
        ("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag", "German"),
        ("lundi mardi mercredi jeudi vendredi samedi dimanche", "French"),
        ("lunes martes miércoles jueves viernes sábado domingo", "Spanish"),
    ):
        names = MONTHS[months].split()
        check([f"{week.split()[d.weekday()]}, {d.day} {names[d.month - 1]} {d.year}" for d in DAYS], DAYS)


QUARTERS = ["Q{q} {y}", "{y}-Q{q}", "{y}Q{q}", "{y} q{q}", "Q{q}/{y}", "{q}Q{s:02d}", "Q{q}-{s:02d}", "Q{q}'{s:02d}",
            "{q}. Quartal {y}", "T{q} {y}", "{q}q{y}"]  # fmt: skip
WEEKS = ["{y}-W{w:02d}", "{y}W{w:02d}", "{y}-W{w}", "W{w:02d} {y}", "KW {w}/{y}", "week {w}, {y}"]


@pytest.mark.parametrize("form", QUARTERS)
def test_quarters_are_their_first_days(form: str) -> None:
    starts = [d.replace(month=(d.month - 1) // 3 * 3 + 1, day=1) for d in DAYS]
    check([form.format(q=d.month // 3 + 1, y=d.year, s=d.year % 100) for d in starts], starts)


@pytest.mark.parametrize("form", WEEKS)
def test_weeks_are_their_first_days(form: str) -> None:
    starts = [d - dt.timedelta(days=d.weekday()) for d in DAYS]
    weeks = [d.isocalendar() for d in starts]
    check([form.format(w=week.week, y=week.year) for week in weeks], starts)


@pytest.mark.parametrize("form", ["%m.%Y", "%m-%Y", "%Y%m", "%m/%Y", "%b %Y", "%b'%y", "%Y年%m月"])
def test_months_are_their_first_days(form: str) -> None:
    starts = [d.replace(day=1) for d in DAYS]
    check([d.strftime(form) for d in starts], starts)


@pytest.mark.parametrize("form", ["%Y-%m-%d 24:00", "%Y-%m-%dT24:00:00", "%d.%m.%Y 24:00"])
def test_the_end_of_a_day_is_the_next_one(form: str) -> None:
    texts = [d.strftime(form if i % 5 else form.replace("24", "00")) for i, d in enumerate(DAYS)]
    check(texts, [d + dt.timedelta(days=1) if i % 5 else d for i, d in enumerate(DAYS)])
    leap = [m.strftime("%Y-%m-%dT%H:%M:%SZ") for m in MOMENTS]
    check([*leap[1:], "2016-12-31T23:59:60Z"], [*MOMENTS[1:], dt.datetime(2017, 1, 1)])


ZONES = {"EST": -5, "PDT": -7, "CET": 1, "CEST": 2, "MSK": 3, "JST": 9, "GMT": 0}


def test_names_of_time_zones_are_their_offsets() -> None:
    for form in ("%Y-%m-%d %H:%M:%S {}", "%b %d, %Y %I:%M:%S %p {}", "%d/%m/%Y %H:%M:%S {}"):
        zones = [[*ZONES][i % len(ZONES)] for i in range(N)]
        texts = [m.strftime(form).format(zone) for m, zone in zip(MOMENTS, zones, strict=True)]
        check(texts, [m - dt.timedelta(hours=ZONES[zone]) for m, zone in zip(MOMENTS, zones, strict=True)])


@pytest.mark.parametrize(("first", "last"), [(1930, 2011), (1945, 1990), (1969, 2068), (2020, 2050), (1999, 2001)])
@pytest.mark.parametrize("form", ["%d/%m/%y", "%d-%b-%y", "%y-%m-%d"])
def test_two_digits_of_a_year_are_one_span_of_years(first: int, last: int, form: str) -> None:
    days = [dt.datetime(first + i * (last - first) // (N - 1), 1 + i % 12, 13 + i % 16) for i in range(N)]
    task = check([d.strftime(form) for d in days], days)
    moved = any("two digits of a year" in note for note in task.notes)
    assert moved == (first < 1969)


def test_days_that_sheets_count_are_dates_where_declared_or_called_so() -> None:
    serials = [(d - dt.datetime(1899, 12, 30)).days for d in DAYS]
    check(serials, DAYS, roles={"when": "datetime"})
    task = from_arrays({"order_date": serials, "amount": serials}, Y)
    assert [c.role for c in task.schema.columns] == ["datetime", "numeric"]
    assert task.data.x.numeric[:, 0].tolist() == [d.year for d in DAYS]


@pytest.mark.parametrize("form", ["%b-%y", "%b %y", "%B-%y", "%b. %y"])
def test_months_with_two_digits_are_those_of_a_year_unless_they_reach_the_end_of_a_month(form: str) -> None:
    firsts = [d.replace(day=1) for d in DAYS]
    check([d.strftime(form) for d in firsts], firsts)
    days = [d.strftime(form.replace("y", "d")) for d in DAYS]
    assert from_arrays({"when": days, "o": OTHER}, Y).schema.columns[0].role == "categorical"


@pytest.mark.parametrize(("form", "zero"), [("%Y-%m-%d", "0000-00-00"), ("%Y-%m-%d %H:%M:%S", "0000-00-00 00:00:00"),
                                            ("%d.%m.%Y", "00.00.0000"), ("%m/%d/%Y", "00/00/0000"),
                                            ("%Y-%m", "0000-00"), ("%m/%Y", "00/0000")])  # fmt: skip
def test_a_date_of_zeros_is_none(form: str, zero: str) -> None:
    task = from_arrays(
        {"when": [zero if i % 4 == 0 else m.strftime(form) for i, m in enumerate(MOMENTS)], "o": OTHER}, Y
    )
    assert task.schema.columns[0].role == "datetime"
    assert np.flatnonzero(np.isnan(task.data.x.numeric[:, 0])).tolist() == list(range(0, N, 4))


def test_a_form_of_a_single_row_and_times_in_some_rows() -> None:
    rare = [d.strftime("%b %d, %Y" if i == 77 else "%d/%m/%Y") for i, d in enumerate(DAYS)]
    check(rare, DAYS)
    some = [
        (m if i % 3 else d).strftime("%d/%m/%Y %H:%M:%S" if i % 3 else "%d/%m/%Y")
        for i, (m, d) in enumerate(zip(MOMENTS, DAYS, strict=True))
    ]
    check(some, [m if i % 3 else d for i, (m, d) in enumerate(zip(MOMENTS, DAYS, strict=True))])


@pytest.mark.parametrize(
    ("form", "bad"), [("%d/%m/%Y", "31/02/2016"), ("%Y-%m-%d", "2016-13-45"), ("%b %d, %Y", "Jam 5, 2016")]
)
def test_the_value_that_is_no_date_is_named_and_no_other(form: Any, bad: str) -> None:
    values = [d.strftime(form) for d in DAYS]
    values[77] = bad
    with pytest.raises(DataError, match=rf"'when'.*row 78 has '{bad}' \(1 such row\)"):
        from_arrays({"when": values, "other": OTHER}, Y)
    task = check([d.strftime(form) for d in DAYS], DAYS)
    with pytest.raises(DataError, match=rf"row 2 has '{bad}'"):
        rows(task.schema, {"when": [values[0], bad], "other": [1, 2]})


def test_evidence_decides_the_order_of_day_and_month_and_both_are_refused() -> None:
    first = [d.strftime("%d/%m/%Y") for d in DAYS]
    assert from_arrays({"when": first, "o": OTHER}, Y).schema.columns[0].format == "%d/%m/%Y"
    both = [d.strftime("%d/%m/%Y" if i % 2 else "%m/%d/%Y") for i, d in enumerate(DAYS)]
    with pytest.raises(DataError, match=r"two conventions: '.*' fits %./%./%Y alone, and '.*' fits"):
        from_arrays({"when": both, "o": OTHER}, Y)


SECONDS = [int(m.replace(tzinfo=dt.UTC).timestamp()) for m in MOMENTS]


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("ticks", [1, 1_000, 1_000_000, 1_000_000_000])
def test_seconds_since_1970_are_dates_where_declared_or_called_so(ticks: int, as_text: bool) -> None:
    values = [str(s * ticks) if as_text else s * ticks for s in SECONDS]
    check(values, MOMENTS, roles={"when": "datetime"})
    task = from_arrays({"created_at": values, "amount": values}, Y)
    assert [c.role for c in task.schema.columns] == ["datetime", "numeric"]
    np.testing.assert_array_equal(task.data.x.numeric[:, 7], [m.second for m in MOMENTS])


@pytest.mark.parametrize("form", ["%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M"])
def test_days_that_are_numbers_are_dates_and_said(form: Any) -> None:
    truth = [
        m.replace(second=0) if form == "%Y%m%d%H%M" else m if "H" in form else d
        for m, d in zip(MOMENTS, DAYS, strict=True)
    ]
    for values in (np.array([int(m.strftime(form)) for m in MOMENTS]), [float(m.strftime(form)) for m in MOMENTS]):
        task = check(values, truth)
        assert any("are read as dates" in note for note in task.notes)
    ids = rng.integers(10**7, 10**8, N)
    assert from_arrays({"when": ids, "o": OTHER}, Y).schema.columns[0].role == "numeric"


NO_DAY = {"%Y%m%d": ("0", "99999999"), "%Y%m%d%H%M%S": ("0", "99999999999999"), "%Y%m": ("0", "999999")}


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("form", NO_DAY)
def test_among_days_that_are_numbers_zeros_and_nines_are_missing_and_an_open_end_is_far(
    form: str, as_text: bool
) -> None:
    """Exports of large systems write 00000000 where there is no day, and 99991231 where there is no end."""
    open_end = {"%Y%m": "999912", "%Y%m%d": "99991231"}.get(form, "99991231235959")
    texts = [m.strftime(form) for m in MOMENTS]
    for at, mark in enumerate([*NO_DAY[form], open_end]):
        texts[at::20] = [mark] * len(texts[at::20])
    values = [text.replace("0", "0" * len(open_end), 1) if text == "0" else text for text in texts]
    task = from_arrays({"when": values if as_text else [int(t) for t in texts], "o": OTHER}, Y)
    column = task.schema.columns[0]
    assert (column.role, column.format) == ("datetime", form)
    assert any("there is none" in note for note in task.notes)
    assert not any("far from all its other values" in note for note in task.notes)
    year = task.data.x.numeric[:, 0]
    assert np.isnan(year[::20]).all()
    assert np.isnan(year[1::20]).all()
    assert (year[2::20] == 9999).all()
    np.testing.assert_array_equal(year[5::20], [m.year for m in MOMENTS[5::20]])


TIMES = {
    "seconds": of("%H:%M:%S"),
    "minutes": of("%H:%M"),
    "one digit": lambda m: f"{m.hour}:{m:%M}",
    "am and pm": of("%I:%M %p"),
    "am and pm, seconds": of("%I:%M:%S%p"),
    "objects": dt.datetime.time,
}


@pytest.mark.parametrize("form", TIMES.values(), ids=TIMES)
def test_times_of_a_day(form: Any) -> None:
    task = from_arrays({"when": [form(m) for m in MOMENTS], "o": OTHER}, Y)
    assert task.schema.columns[0].role == "datetime"
    np.testing.assert_array_equal(task.data.x.numeric[:, 5:7], [[m.hour, m.minute] for m in MOMENTS])


LENGTHS = [dt.timedelta(seconds=int(s)) for s in rng.integers(0, 10**6, N)]
DURATIONS = {
    "timedelta": LENGTHS,
    "timedelta64": np.array(LENGTHS, "m8[ms]"),
    "pandas": pd.Series(LENGTHS),
    "words": [str(pd.Timedelta(t)) for t in LENGTHS],
    "words of Python": [str(t) for t in LENGTHS],
    "clock": [f"{t.days * 24 + t.seconds // 3600}:{t.seconds // 60 % 60:02d}:{t.seconds % 60:02d}" for t in LENGTHS],
    "ISO": [f"P{t.days}DT{t.seconds}S" for t in LENGTHS],
    "ISO, weeks": [f"P{t.days // 7}W{t.days % 7}DT{t.seconds},0S" for t in LENGTHS],
    "units": [f"{t.days}d {t.seconds // 3600}h {t.seconds // 60 % 60}m {t.seconds % 60}s" for t in LENGTHS],
    "units without spaces": [
        f"{t.days * 24 + t.seconds // 3600}h{t.seconds // 60 % 60:02d}m{t.seconds % 60}s" for t in LENGTHS
    ],
    "units in words": [f"{t.days} days, {t.seconds // 60} minutes and {t.seconds % 60} seconds" for t in LENGTHS],
    "units in German": [f"{t.days // 7} Wochen {t.days % 7} Tage {t.seconds} Sek." for t in LENGTHS],
    "one unit in each": [
        f"{t.days} days"
        if i % 9 == 0 and not t.seconds
        else f"{t.days * 24 * 3600 + t.seconds} s"
        if i % 2
        else f"{(t.days * 24 * 3600 + t.seconds) / 60:.10f} min"
        for i, t in enumerate(LENGTHS)
    ],
}


MONTH = 365.25 / 12 * 86_400
AGES = {
    "2 years 3 months": 27 * MONTH, "3y 2m": 38 * MONTH, "15yrs 3mon": 183 * MONTH, "P1Y2M": 14 * MONTH,
    "2 Jahre": 24 * MONTH, "3 weeks": 21 * 86_400, "1 month": MONTH, "5 days": 5 * 86_400, "1h30": 5_400, "-2h": -7_200,
}  # fmt: skip


def test_ages_are_durations_and_units_out_of_order_are_none() -> None:
    column = infer_columns({"age": np.array([*AGES] * 6, object)}, {}, {})[0][0]
    assert (column.role, column.format) == ("numeric", "duration")
    values = numbers([*AGES], column.to_dict())[0] + column.center
    np.testing.assert_allclose(values, [*AGES.values()])
    for text in ("5m 2h", "2h 1h", "5 furlongs", "P", "PT", "h"):
        assert numbers([text], column.to_dict())[1] == 0


@pytest.mark.parametrize("values", DURATIONS.values(), ids=DURATIONS)
def test_durations_are_seconds(values: Any) -> None:
    task = from_arrays({"d": values, "o": OTHER}, Y)
    assert task.schema.columns[0].role == "numeric"
    seconds = np.float32([t.total_seconds() for t in LENGTHS])
    np.testing.assert_array_equal(task.data.x.numeric[:, 0], seconds)
    other_way = {"d": [str(pd.Timedelta(t)) for t in LENGTHS[:4]], "o": OTHER[:4]}
    np.testing.assert_array_equal(rows(task.schema, other_way).numeric[:, 0], seconds[:4])


def test_a_target_of_durations_is_a_number_of_seconds_and_few_dates_are_classes() -> None:
    for texts in (DURATIONS["units"], DURATIONS["clock"], DURATIONS["units in words"]):
        task = from_arrays({"o": OTHER}, texts)
        assert task.target.kind == "regression"
        np.testing.assert_array_equal(task.data.y, [t.total_seconds() for t in LENGTHS])
    quarters = [f"Q{i % 4 + 1} 2016" for i in range(N)]
    assert from_arrays({"o": OTHER}, quarters).schema.classes == tuple(sorted(set(quarters)))
    with pytest.raises(DataError, match="holds dates"):
        from_arrays({"o": OTHER}, [d.strftime("%d.%m.%Y") for d in DAYS])


AS_NUMBERS: dict[str, tuple[str, Any]] = {
    "seconds": ("timestamp", lambda m: int((m - dt.datetime(1970, 1, 1)).total_seconds())),
    "seconds, text": ("timestamp", lambda m: f"{(m - dt.datetime(1970, 1, 1)).total_seconds():.0f}"),
    "days of a sheet": ("order_date", lambda m: (m - dt.datetime(1899, 12, 30)).days),
    "digits": ("when", lambda m: int(m.strftime("%Y%m%d"))),
}


@pytest.mark.parametrize(("name", "form"), AS_NUMBERS.values(), ids=AS_NUMBERS)
def test_dates_that_are_numbers_stay_features_of_what_is_ordered_by_them(name: str, form: Any) -> None:
    task = from_arrays({name: [form(m) for m in MOMENTS], "o": OTHER}, Y, order=name)
    assert task.schema.columns[0].role == "datetime"
    steps = from_arrays({"step": rng.permutation(N), "o": OTHER}, Y, order="step")
    assert steps.schema.columns[0].role == "dropped"


def test_what_rows_are_ordered_by_stays_a_feature_and_says_what_it_does() -> None:
    when = [d.strftime("%d/%m/%Y") for d in DAYS]
    task = from_arrays(pd.DataFrame({"when": when, "o": OTHER, "y": Y}), "y", order="when")
    assert task.schema.columns[0].role == "datetime"
    for train, valid in task.splits:
        assert max(DAYS[i] for i in train) < min(DAYS[i] for i in valid)
    assert any("always later rows" in note for note in task.notes)
    assert any("lags" in note for note in task.notes)


@pytest.mark.parametrize("groups", [np.arange(N) % 6, np.argsort(np.argsort(DAYS)) // 6], ids=["lasting", "passing"])
def test_order_and_groups_hold_together(groups: Any) -> None:
    frame = pd.DataFrame({"when": DAYS, "g": groups, "o": OTHER, "y": Y})
    task = from_arrays(frame, "y", order="when", group="g", test_share=0.2, folds=3, metric="log_loss")
    assert len(task.splits) >= 2
    kept = task.data.x.numeric
    days = numeric_names(task.schema.to_dict()).index("when.days")
    known = dict(zip(np.round(OTHER, 9).tolist(), groups.tolist(), strict=True))
    group_of = np.array([min((abs(v - o), group) for v, group in known.items())[1] for o in kept[:, -1].tolist()])
    for train, valid in task.splits:
        assert not set(group_of[train]) & set(group_of[valid])
        assert kept[train, days].max() < kept[valid, days].min()


CLOCKS = {"4:13": 253.0, "59:59": 3_599.0, "0:07": 7.0, "24:50": 1_490.0, "1:02:30": 3_750.0, "12:00:00": 43_200.0}


def test_beside_three_parts_a_clock_of_two_is_in_minutes_and_seconds() -> None:
    """As races and films are timed; alone, two parts are hours and minutes."""
    columns, notes = infer_columns({"time": np.array([*CLOCKS] * 5, object)}, {}, {})[:2]
    column = columns[0]
    assert column.format == "duration m:ss"
    np.testing.assert_allclose(numbers([*CLOCKS], column.to_dict())[0] + column.center, [*CLOCKS.values()])
    assert any("'4:13' is 253 seconds" in note for note in notes)
    seconds = 7 * np.arange(N) + 3_400
    shown = [f"{v // 60}:{v % 60:02}" if v < 3600 else f"{v // 3600}:{v % 3600 // 60:02}:{v % 60:02}" for v in seconds]
    task = from_arrays({"o": OTHER}, shown)
    assert task.target.kind == "regression"
    np.testing.assert_allclose(np.sort(task.data.y), seconds)
    alone = infer_columns({"time": np.array(["26:03", "30:10", "1:30"] * 9, object)}, {}, {})[0][0]
    assert numbers(["1:30"], alone.to_dict())[0] + alone.center == 5_400


DIGITS = {"ddmmyyyy": "%d%m%Y", "month": "%m.%Y", "two digits": "%m/%d/%y", "iso": "%Y-%m-%d", "whole": "%Y%m%d"}


@pytest.mark.parametrize("form", DIGITS.values(), ids=DIGITS)
def test_rows_are_ordered_by_when_their_dates_are_however_written(form: str) -> None:
    months = pd.date_range("1955-02-01", periods=N, freq="1MS" if form == "%m.%Y" else "100D")
    when = months[np.random.default_rng(1).permutation(N)]
    task = from_arrays({"when": when.strftime(form), "o": OTHER}, Y, order="when", rows="all")
    for train, valid in task.splits:
        assert when[train].max() < when[valid].min()
    assert [column.role for column in task.schema.columns if column.name == "when"] == ["datetime"]
