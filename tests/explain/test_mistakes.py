"""The rows that a model is most mistaken about, and what is told of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays
from automl.explain.mistakes import MOST, least_certain, worst
from automl.explain.told import MOST_VALUES, Told
from automl.report import about_answers
from automl.report.subject import Finished
from automl.validation import Validation
from tests.tasks import make

N = 60


def test_the_worst_of_classes_are_misclassified_and_give_the_true_class_the_least_probability() -> None:
    rng = np.random.default_rng(0)
    y, prediction = rng.integers(0, 3, N), rng.dirichlet(np.ones(3), N)
    prediction[:5] = np.nan
    found = worst(y, prediction, ["a", "b", "c"], 8)
    at = [one.at for one in found]
    left, called = prediction[np.arange(N), y], prediction.argmax(axis=1)
    others = [i for i in range(5, N) if called[i] != y[i] and i not in at]
    assert len(at) == 8
    assert min(at) >= 5
    assert all(called[i] != y[i] for i in at)
    assert list(left[at]) == sorted(left[at])
    assert left[at].max() <= left[others].min()
    assert worst(y, np.eye(3)[y], ["a", "b", "c"]) == []
    among = [one.at for one in least_certain(y, prediction, ["a", "b", "c"], 8)]
    assert list(left[among]) == sorted(left[5:])[:8]


def test_the_worst_of_values_are_the_farthest() -> None:
    rng = np.random.default_rng(0)
    y, prediction = rng.normal(size=N), rng.normal(size=(N, 1))
    prediction[3] = np.nan
    at = [one.at for one in worst(y, prediction, [], 10)]
    error = np.abs(y - prediction[:, 0])
    assert 3 not in at
    assert list(error[at]) == sorted(error[at], reverse=True)
    assert error[at].min() >= np.nanmax(np.delete(error, at))
    assert worst(y[:2], np.full((2, 1), np.nan), []) == []


def table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=N).round(3),
            "identity": 1_700_000_000 + rng.integers(0, 90, N) * 2,
            "level": rng.choice(["<b>", "two words", "ünï"], N),
            "truth": rng.choice(["True", "False"], N),
            "day": pd.date_range("2024-01-30", periods=N).astype(str),
            "moment": pd.date_range("2024-02-28 23:59:30", periods=N, freq="61min").astype(str),
        }
    )
    return frame.mask(rng.random(frame.shape) < 0.1)


def test_rows_are_told_as_they_were(tmp_path: Path) -> None:
    x = table()
    task = from_arrays(x, np.arange(N) % 2)
    Validation.of(task).write(tmp_path / "validation.npz")
    told = Validation.read(tmp_path / "validation.npz", with_rows=True).told
    assert told is not None
    assert told.names == list(x)
    for raw, lines in zip(x.itertuples(index=False), told.lines(np.arange(N)), strict=True):
        for name, value, cell in zip(x, raw, lines, strict=True):
            if pd.isna(value):
                assert cell == ""
            elif isinstance(value, float):
                assert float(cell) == pytest.approx(value, rel=1e-6)
            else:
                assert cell == value, name
    assert told.lines([5, 2]) == [told.lines([5])[0], told.lines([2])[0]]
    assert Validation.read(tmp_path / "validation.npz").told is None


def test_what_has_no_columns_or_too_many_values_is_not_kept() -> None:
    image = make("image", "binary")
    assert Told.of(image.schema, image.data.x) is None
    text = make("text", "binary")
    told = Told.of(text.schema, text.data.x)
    assert told is not None
    assert told.kept() is None
    assert any(told.lines([0, 1, 2])[0])
    task = from_arrays(table(), np.arange(N) % 2)
    large = replace(task.data.x, numeric=np.zeros((MOST_VALUES, 2), np.float32))
    other = Told.of(task.schema, large)
    assert other is not None
    assert other.kept() is None


def test_a_report_shows_the_pictures_it_is_mistaken_about() -> None:
    task = make("image", "binary")
    run = Finished(task, kept=None, board=None, folder=Path())
    vars(run)["prediction"] = np.eye(2)[1 - task.data.y]
    _, rows, *pictures = about_answers.mistakes(run)
    assert len(rows.rows) == MOST
    assert len(pictures) == about_answers.MOST_PICTURES
    h, w = task.data.x.image.shape[1:3]
    assert all(one.svg.count("<rect") == h * w for one in pictures)
    vars(run)["prediction"] = np.eye(2)[task.data.y]
    title, rows, *_ = about_answers.mistakes(run)
    assert "No row is misclassified" in title.text
    assert [row[2] for row in rows.rows] == [f"{row[1]} (1.000)" for row in rows.rows]
