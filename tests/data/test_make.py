"""Targets, test data, weights, what goes wrong, and that prediction encodes like training."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse as sp
from sklearn.datasets import load_iris

from automl.data import from_arrays, load, rows, source
from automl.data.encode import _prepared
from automl.errors import AutoMLError, ConfigError, DataError, UnknownNameError

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))

TARGETS = {
    "two words": (["a", "b"] * 30, "binary", ("a", "b")),
    "three words": (["a", "b", "c"] * 20, "multiclass", ("a", "b", "c")),
    "zeros and ones": ([0, 1] * 30, "binary", (0, 1)),
    "strings of numbers": (["10", "9", "2"] * 20, "multiclass", ("10", "2", "9")),
    "leading zeros": (["007", "008"] * 30, "binary", ("007", "008")),
    "bools": ([True, False] * 30, "binary", (False, True)),
    "bool strings": (["true", "FALSE"] * 30, "binary", ("FALSE", "true")),
    "two floats": ([0.5, 1.5] * 30, "binary", (0.5, 1.5)),
    "short floats": (np.float32([0.1, 0.9] * 30), "binary", (0.1, 0.9)),
    "large unsigned numbers": (np.uint64([2**63, 2**63 + 1] * 30), "binary", (2**63, 2**63 + 1)),
    "large whole numbers": ([2**53, 2**53 + 1] * 30, "binary", (2**53, 2**53 + 1)),
    "strings of large numbers": ([str(2**53 + 1), str(2**53)] * 30, "binary", (str(2**53), str(2**53 + 1))),
    "strings of endless numbers": (["9" * 30, "9" * 29 + "8"] * 30, "binary", ("9" * 29 + "8", "9" * 30)),
    "versions": (["1.10", "1.1", "1.2"] * 20, "multiclass", ("1.1", "1.10", "1.2")),
    "intervals": (pd.cut(np.arange(60), [-1, 30, 60]).to_numpy(), "binary", ("(-1, 30]", "(30, 60]")),
    "a class called None": (["None", "Low"] * 30, "binary", ("Low", "None")),
    "category type": (pd.Series(["a", "b"] * 30, dtype="category"), "binary", ("a", "b")),
    "floats": (rng.normal(size=60), "regression", ()),
    "few floats, not whole": ([0.5, 1.0, 1.5] * 20, "regression", ()),
    "many whole numbers": (range(60), "regression", ()),
}


@pytest.mark.parametrize(("y", "kind", "classes"), TARGETS.values(), ids=TARGETS)
def test_target_kinds(y: Any, kind: str, classes: Any) -> None:
    task = from_arrays(X, y if hasattr(y, "dtype") else np.array(list(y)))
    assert task.target.kind == kind
    assert task.schema.classes == classes
    assert [type(c) for c in task.schema.classes] == [type(c) for c in classes]
    if classes:
        assert task.data.y.dtype == np.int64
        values = {str(c): i for i, c in enumerate(classes)}
        assert task.data.y.tolist() == [values[str(v)] for v in y]
    else:
        assert task.data.y.dtype == np.float64


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["10", "9", "2"], (2, 9, 10)),
        (["true", "FALSE"], (False, True)),
        (["0.5", "1.5"], (0.5, 1.5)),
        (["0.50", "1.5"], ("0.50", "1.5")),
        ([str(2**53 + 1), str(2**53)], (2**53, 2**53 + 1)),
        (["007", "7"], ("007", "7")),
        (["1.10", "1.1", "1.2"], ("1.1", "1.10", "1.2")),
        (["9" * 30, "9" * 29 + "8"], ("9" * 29 + "8", "9" * 30)),
    ],
)
def test_classes_in_a_file_of_text_become_what_they_are(write_csv: Callable[..., Path], y: Any, classes: Any) -> None:
    path = write_csv({"a": X[:, 0], "target": y * (60 // len(y))})
    task = load(path, test=path)
    assert [(c, type(c)) for c in task.schema.classes] == [(c, type(c)) for c in classes]
    np.testing.assert_array_equal(task.test.y, task.data.y)


@pytest.mark.parametrize(
    ("y", "other"),
    [
        ([0, 1], [False, True]),
        ([False, True], ["0", "1"]),
        ([0.0, 1.0], ["0", "1"]),
        (["no", "yes"], [b"no", b"yes"]),
        (np.float32([0.1, 0.9]), [0.1, 0.9]),
    ],
)
def test_classes_of_test_data_may_be_typed_differently(y: Any, other: Any) -> None:
    task = from_arrays(X, np.array(y)[Y], test=(X, np.array(other)[Y]))
    np.testing.assert_array_equal(task.test.y, Y)


def test_true_is_no_class_where_there_are_more_than_two() -> None:
    with pytest.raises(DataError, match=r"unseen: 'True'"):
        from_arrays(X, np.arange(60) % 3, test=(X[:2], np.array([True, True])))


def test_target_kind_is_obeyed() -> None:
    assert from_arrays(X, np.array(["007", "008", "010"] * 20), target_kind="regression").data.y.max() == 10
    y = np.array([1, 2, 3] * 20)
    assert from_arrays(X, y, target_kind="regression").target.kind == "regression"
    assert from_arrays(X, [f"2024-0{i}" for i in y], target_kind="classification").target.kind == "multiclass"
    assert from_arrays(X, y * 1.5, target_kind="classification").target.kind == "multiclass"
    assert from_arrays(X, y * 1.5, target_kind="multiclass").schema.classes == (1.5, 3.0, 4.5)


def test_rows_without_target_are_left_out_and_counted() -> None:
    y = np.array(["a", "b", ""] * 20, dtype=object)
    task = from_arrays(X, y)
    assert task.n_rows == 40
    assert any("20 rows without a target" in note for note in task.notes)
    np.testing.assert_array_equal(task.data.x.numeric, X[y != ""].astype(np.float32))


LONG, BROKEN = "x" * 50_000, "two\nlines"


def test_labels_are_short_and_on_one_line_in_notes() -> None:
    task = from_arrays(X, np.array([LONG, BROKEN] * 30, dtype=object))
    assert set(task.schema.classes) == {LONG, BROKEN}
    frame = pd.DataFrame({"n": X[:, 0], "c": [LONG] * 60, "d" + LONG: X[:, 1]})
    for note in (*task.notes, *from_arrays(frame, Y).notes):
        assert len(note) < 300
        assert "\n" not in note


@pytest.mark.parametrize("label", [LONG, BROKEN], ids=["long", "two lines"])
def test_labels_are_short_and_on_one_line_in_messages(label: str) -> None:
    labels = np.array(["a", "b"] * 30, dtype=object)
    alone = np.array([label] + ["a"] * 59, dtype=object)
    for make in (
        lambda: from_arrays(X, np.array([label] * 60, dtype=object)),
        lambda: from_arrays(X, alone),
        lambda: from_arrays(X, alone, target_kind="regression"),
        lambda: from_arrays(X, labels, test=(X, alone)),
        lambda: from_arrays(np.array([*map(str, X[:59, 0]), label], dtype=object)[:, None], labels),
    ):
        with pytest.raises(DataError) as caught:
            make()
        assert len(str(caught.value)) < 400
        assert "\n" not in str(caught.value)


def test_whole_numbers_stay_whole_where_some_are_missing(tmp_path: Path) -> None:
    y = pd.array([0, 1, None] * 20, dtype="Int64")
    frame = pd.DataFrame({"a": X[:, 0], "target": y})
    frame.to_parquet(tmp_path / "d.parquet")
    tasks = [from_arrays(X, pd.Series(y)), from_arrays(frame, "target"), load(tmp_path / "d.parquet")]
    for task in tasks:
        assert task.n_rows == 40
        assert [(c, type(c)) for c in task.schema.classes] == [(0, int), (1, int)]
    assert from_arrays(X, np.array([0.5, 1.0, np.nan] * 20)).schema.classes == (0.5, 1.0)


def test_row_numbers_in_errors_are_those_of_the_file(write_csv: Callable[..., Path]) -> None:
    values = [str(i / 7) for i in range(40)]
    values[30] = "0ops"
    path = write_csv({"a": values, "target": ["", *["x", "y"] * 19, "x"]})
    with pytest.raises(DataError, match="row 31 has '0ops'"):
        load(path)
    with pytest.raises(DataError, match="row 31 has '0ops'"):
        load(path, roles={"a": "numeric"})


def test_test_share_is_locked_away_before_anything_is_learnt() -> None:
    words = np.array([f"w{i % 20}" for i in range(60)], dtype=object)
    task = from_arrays(pd.DataFrame({"w": words, "n": X[:, 0]}), np.arange(60) % 2, test_share=0.25, seed=3)
    assert len(task.test) == 15
    assert task.n_rows == 45
    assert task.test.y.sum() in (7, 8)
    together = np.r_[task.data.x.numeric[:, 0], task.test.x.numeric[:, 0]]
    np.testing.assert_array_equal(np.sort(together), np.sort(X[:, 0].astype(np.float32)))
    assert set(np.unique(task.data.x.categories)) == set(range(1, len(task.schema.columns[0].levels) + 1))


def test_test_file_is_matched_by_name(write_csv: Callable[..., Path], table: dict[str, list[Any]]) -> None:
    train = write_csv(table, "train.csv")
    shuffled = {name: table[name][:10] for name in ["target", "open", "colour", "size"]}
    shuffled["colour"][0] = "violet"
    task = load(train, test=write_csv(shuffled, "test.csv"))
    assert len(task.test) == 10
    np.testing.assert_array_equal(task.test.x.numeric, task.data.x.numeric[:10])
    assert task.test.x.categories[0, 0] == 0
    np.testing.assert_array_equal(task.test.y, task.data.y[:10])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("target"), "test data.*target|target.*test data"),
        (lambda t: t.update(target=["maybe"] * 60), "test data.*unseen: 'maybe'"),
        (lambda t: t.update(target=[""] * 60), "missing in every row of the test data"),
        (lambda t: t.update(colours=t.pop("colour")), r"'colour' \(Did you mean 'colours'\?\)"),
        (lambda t: t.update(size=["big"] * 60), "'size' must hold a number.*row 1 has 'big'"),
    ],
)
def test_bad_test_files(
    write_csv: Callable[..., Path], table: dict[str, list[Any]], change: Callable[..., Any], message: str
) -> None:
    train = write_csv(table, "train.csv")
    change(table)
    with pytest.raises(AutoMLError, match=message):
        load(train, test=write_csv(table, "test.csv"))


def test_weights_groups_and_order_are_no_features(table: dict[str, list[Any]]) -> None:
    frame = pd.DataFrame(table).assign(w=np.arange(60) + 1, g=np.arange(60) // 6)
    task = from_arrays(frame, "target", weights="w", group="g", folds=5)
    assert [c.name for c in task.schema.columns if c.role != "dropped"] == ["size", "colour", "open"]
    np.testing.assert_array_equal(task.data.weights, np.arange(60) + 1.0)
    for train, valid in task.splits:
        assert not set(train // 6) & set(valid // 6)
    days = pd.date_range("2024-01-01", periods=60)[::-1]
    for when in (days, days.strftime("%d/%m/%Y"), np.arange(60)[::-1]):
        task = from_arrays(frame.assign(when=when), "target", order="when", folds=3)
        assert all(train.min() > valid.max() for train, valid in task.splits)
        roles = {c.name: c.role for c in task.schema.columns}
        assert roles["when"] == ("dropped" if isinstance(when, np.ndarray) else "datetime")


def test_a_column_may_have_an_empty_name() -> None:
    frame = pd.DataFrame(X, columns=["a", "", "b"])
    task = from_arrays(frame, np.arange(60) % 2)
    assert [c["name"] for c in task.schema.to_dict()["columns"]] == ["a", "", "b"]
    np.testing.assert_array_equal(rows(task.schema, frame).numeric, X.astype(np.float32))


def test_columns_called_by_numbers_can_be_named() -> None:
    frame = pd.DataFrame(np.c_[X, np.arange(60) // 6])
    task = from_arrays(frame, np.arange(60) % 2, roles={0: "categorical"}, drop=[1], group=3, folds=5)
    assert [c.role for c in task.schema.columns] == ["categorical", "dropped", "numeric", "dropped"]
    with pytest.raises(ConfigError, match=r"column in roles '9'"):
        from_arrays(frame, np.arange(60) % 2, roles={9: "numeric"})


def test_arrays_can_be_weights_and_groups() -> None:
    task = from_arrays(X, np.arange(60) % 2, sample_weight=np.ones(60), group=np.repeat(list("abcdef"), 10), folds=3)
    assert task.data.weights.sum() == 60
    assert len(task.splits) == 3


def test_rows_of_weight_zero_are_left_out() -> None:
    weights = np.r_[np.zeros(10), np.ones(50)]
    task = from_arrays(X, np.r_[np.full(10, 2), np.arange(50) % 2], sample_weight=weights)
    assert task.target.kind == "binary"
    np.testing.assert_array_equal(task.data.x.numeric, X[10:].astype(np.float32))
    assert any("10 rows of weight 0" in note for note in task.notes)


def test_a_class_of_one_row_is_kept_where_classes_are_meant() -> None:
    codes = np.r_[np.arange(59) % 2, 9]
    assert from_arrays(X, codes, target_kind="classification").schema.classes == (0, 1, 9)
    assert from_arrays(X, np.array(["a", "b", "c"])[codes % 7]).target.kind == "multiclass"
    with pytest.raises(DataError, match=r"with one: 9.*classification, or regression"):
        from_arrays(X, codes)


def test_sparse_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = sp.random(60, 5, 0.3, random_state=0, format="csr")
    task = from_arrays(matrix, np.arange(60) % 2)
    np.testing.assert_array_equal(task.data.x.numeric, matrix.toarray().astype(np.float32))
    monkeypatch.setattr(source, "MAX_DENSE_VALUES", 100)
    with pytest.raises(DataError, match=r"up to 100 values; this one has 300 \(60 x 5\)"):
        from_arrays(matrix, np.arange(60) % 2)


def test_object_array_and_iris() -> None:
    x = np.array([[1.5, "a"], [2.5, "b"], [None, "a"]] * 10, dtype=object)
    task = from_arrays(x, np.arange(30) % 2)
    assert [c.role for c in task.schema.columns] == ["numeric", "categorical"]
    frame, y = load_iris(return_X_y=True, as_frame=True)
    task = from_arrays(frame, y)
    assert task.target.kind == "multiclass"
    assert task.schema.target_name == "target"
    assert len(task.splits) == 8


def test_three_and_four_axes() -> None:
    y = np.arange(12) % 2
    assert from_arrays(np.ones((12, 6, 2)), y, lengths=np.full(12, 4)).data.x.lengths.tolist() == [4] * 12
    assert from_arrays(np.ones((12, 6, 2)), y, kind="image").schema.shape == (6, 2, 1)
    assert from_arrays(np.ones((12, 6, 6, 3)), y).kind == "image"


def test_test_arrays() -> None:
    task = from_arrays(X, np.arange(60) % 2, test=(X[:5], np.arange(5) % 2))
    np.testing.assert_array_equal(task.test.x.numeric, X[:5].astype(np.float32))


def test_fingerprint_follows_the_data_and_the_splits() -> None:
    y = np.arange(60) % 2
    first = from_arrays(X, y).fingerprint
    assert first == from_arrays(X.copy(), y).fingerprint
    assert first != from_arrays(X, y, seed=5).fingerprint
    assert first != from_arrays(X, y, folds=4).fingerprint
    changed = X.copy()
    changed[7, 1] += 1e-3
    assert first != from_arrays(changed, y).fingerprint
    assert first != from_arrays(X, 1 - y).fingerprint


@pytest.mark.parametrize(
    "as_given", [lambda f: f, lambda f: f.to_dict("records"), lambda f: f.to_dict("list"), lambda f: f.to_numpy()]
)
def test_rows_encodes_like_training(table: dict[str, list[Any]], as_given: Callable[..., Any]) -> None:
    frame = pd.DataFrame(table).drop(columns="target")
    task = from_arrays(frame, table["target"])
    again = rows(task.schema, as_given(frame))
    np.testing.assert_array_equal(again.numeric, task.data.x.numeric)
    np.testing.assert_array_equal(again.categories, task.data.x.categories)


def test_a_schema_is_prepared_for_rows_once() -> None:
    texts = np.array([" ".join(f"w{i * j % 97}" for j in range(9)) for i in range(60)], dtype=object)
    schema = from_arrays(texts, np.arange(60) % 2).schema
    assert _prepared(schema) is _prepared(pickle.loads(pickle.dumps(schema)))
    np.testing.assert_array_equal(rows(schema, texts[:3]).sparse.toarray(), rows(schema, texts).sparse[:3].toarray())


Y = np.arange(60) % 2
DAYS = pd.date_range("2024", periods=60)
BAD = {
    "unknown target": (lambda f: from_arrays(f, "targett"), UnknownNameError, "Did you mean 'target'"),
    "target all missing": (lambda f: from_arrays(X, np.full(60, np.nan)), DataError, "missing in every row"),
    "one value": (lambda f: from_arrays(X, np.ones(60)), DataError, "at least two different values"),
    "one class": (lambda f: from_arrays(X, ["a"] * 60), DataError, "one class"),
    "one class once gaps are gone": (
        lambda f: from_arrays(X, ["a"] * 40 + [None] * 20), DataError, "all 40 rows are 'a'. 20 rows without a target",
    ),
    "one class once marks are gone": (
        lambda f: from_arrays(f.assign(y=["a"] * 58 + ["n/a"] * 2), "y", missing=["n/a"]), DataError, "'n/a' \\(2\\)",
    ),
    "one class that has weight": (
        lambda f: from_arrays(X, Y, sample_weight=Y), DataError, "all 30 rows are 1. 30 rows of weight 0",
    ),
    "one row once gaps are gone": (lambda f: from_arrays(X, [1.5] + [None] * 59), DataError, "1 sample.*59 rows"),
    "two rows": (lambda f: from_arrays(X[:2], ["a", "b"]), DataError, r"have one: 'a', 'b'\. Add rows\.$"),
    "four rows": (lambda f: from_arrays(X[:4], list("aabc")), DataError, "Add rows, or merge classes.$"),
    "one row": (lambda f: from_arrays(X[:1], [1.5]), DataError, "1 sample"),
    "continuous classes": (lambda f: from_arrays(X, X[:, 0], target_kind="multiclass"), DataError, "is continuous"),
    "complex numbers": (lambda f: from_arrays(X * 1j, Y), DataError, "Complex data not supported"),
    "no columns": (lambda f: from_arrays(X[:, :0], Y), DataError, r"0 feature\(s\) \(shape=\(60, 0\)\)"),
    "zero weights": (lambda f: from_arrays(X, Y, sample_weight=0 * Y), DataError, "must not all be zero"),
    "class of one row": (lambda f: from_arrays(X, np.r_[["b"], ["a"] * 59]), DataError, "one: 'b'. Add rows.$"),
    "fewer rows than folds": (lambda f: from_arrays(X[:8], X[:8, 0], folds=9), DataError, "8 rows for 9 folds"),
    "dates as a target": (lambda f: from_arrays(X, DAYS), DataError, "it holds dates"),
    "written dates as a target": (lambda f: from_arrays(X, DAYS.strftime("%d/%m/%Y")), DataError, "it holds dates"),
    "infinite value": (lambda f: from_arrays(f.assign(size=[np.inf, *range(59)]), "target"), DataError, "'size'.*inf"),
    "infinite target": (lambda f: from_arrays(X, np.r_[X[:59, 0], np.inf]), DataError, "finite.*row 60"),
    "mixed target": (lambda f: from_arrays(X, np.array([*X[:59, 0], "bad"])), DataError, "row 60 has 'bad'"),
    "words to regress": (lambda f: from_arrays(f, "target", target_kind="regression"), DataError, "needs numbers"),
    "binary of three": (lambda f: from_arrays(X, np.arange(60) % 3, target_kind="binary"), ConfigError, "has 3"),
    "metric that does not fit": (lambda f: from_arrays(f, "target", metric="rmse"), ConfigError, "is for regression"),
    "unknown metric": (lambda f: from_arrays(f, "target", metric="acuracy"), UnknownNameError, "'accuracy'"),
    "unknown kind": (lambda f: from_arrays(f, "target", kind="tabel"), UnknownNameError, "'table'"),
    "unknown target kind": (lambda f: from_arrays(f, "target", target_kind="clas"), UnknownNameError, "target_kind"),
    "unknown option": (lambda f: from_arrays(f, "target", fold=3), UnknownNameError, "'folds'"),
    "unknown group": (lambda f: from_arrays(f, "target", group="colr"), UnknownNameError, "for group 'colr'"),
    "unknown drop": (lambda f: from_arrays(f, "target", drop=["sizes"]), UnknownNameError, "'size'"),
    "drop as a string": (lambda f: from_arrays(f, "target", drop="size"), ConfigError, r"\['size'\]"),
    "everything dropped": (lambda f: from_arrays(f, "target", drop=["size", "colour", "open"]), DataError, "asked for"),
    "table as images": (lambda f: from_arrays(f, "target", kind="image"), ConfigError, "needs a NumPy array"),
    "unequal rows": (lambda f: from_arrays(X, Y[:50]), DataError, "60 and 50"),
    "two targets": (lambda f: from_arrays(X, np.c_[Y, Y]), DataError, "one column at a time"),
    "negative weight": (lambda f: from_arrays(X, Y, sample_weight=-np.ones(60)), DataError, "row 1 has '-1.0'"),
    "weights of another length": (lambda f: from_arrays(X, Y, weights=np.ones(5)), DataError, "60 rows"),
    "order with gaps": (lambda f: from_arrays(X, Y, order=np.r_[np.nan, Y[1:]]), DataError, "row 1 has 'nan'"),
    "order of words": (lambda f: from_arrays(f, "target", order="colour"), DataError, "number or date"),
    "test share": (lambda f: from_arrays(X, Y, test_share=1.5), ConfigError, "from 0 to 1; got 1.5"),
    "nothing to learn from": (lambda f: from_arrays(X, Y, test_share=1.0), ConfigError, "no rows to learn from"),
    "test share as a word": (lambda f: from_arrays(X, Y, test_share="some"), ConfigError, "'some'"),
    "seed as a word": (lambda f: from_arrays(X, Y, seed="x"), ConfigError, "whole number"),
    "ragged target": (lambda f: from_arrays(X[:2], [[1], [2, 3]]), DataError, "one value in each row"),
    "test twice": (lambda f: from_arrays(X, Y, test=(X, Y), test_share=0.2), ConfigError, "test data already"),
    "no rows": (lambda f: from_arrays(pd.DataFrame({"a": []}), []), DataError, "no rows"),
    "duplicate columns": (lambda f: from_arrays(f.set_axis(["a", "a", "b", "c"], axis=1), Y), DataError, "'a'"),
    "values and lists": (lambda f: from_arrays({"a": 1.0, "b": [1, 2]}, [0, 1]), DataError, "a value: 'a'"),
    "lists far below": (lambda f: from_arrays({"a": [*range(199), [1]]}, [0, 1] * 100), DataError, "'a' holds a list"),
    "lists in the target": (lambda f: from_arrays({"a": [1, 2]}, pd.Series([1, [2]])), DataError, "holds a list"),
    "dicts as columns": (lambda f: from_arrays(f.to_dict(), "target"), DataError, "'size' is a dict"),
    "one axis of numbers": (lambda f: from_arrays(np.ones(60), Y), DataError, r"\(n, columns\); given: shape \(60,\)"),
    "five axes": (lambda f: from_arrays(np.ones((60, 2, 2, 2, 2)), Y), DataError, "shape"),
    "lengths of images": (lambda f: from_arrays(np.ones((60, 2, 2, 1)), Y, lengths=Y), ConfigError, "sequences"),
    "too few lengths": (lambda f: from_arrays(np.ones((60, 2, 3)), Y, lengths=[1, 2]), DataError, "of the 60 rows"),
    "roles of images": (lambda f: from_arrays(np.ones((60, 2, 2, 1)), Y, roles={"a": "text"}), ConfigError, "tables"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input(table: dict[str, list[Any]], make: Callable[..., Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(pd.DataFrame(table))


def test_classes_that_differ_in_case_alone_are_named() -> None:
    task = from_arrays(np.arange(60.0)[:, None], ["Yes", "no", "yes"] * 20)
    assert any("'Yes' and 'yes' differ in case alone" in note for note in task.notes)
    assert not any("differ in case" in note for note in from_arrays(np.arange(60.0)[:, None], ["a", "b"] * 30).notes)
