"""Every format gives the same task, and every bad file says what to change."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from automl.data import from_arrays, load, rows
from automl.data.files import read, read_features
from automl.data.lines import Lines
from automl.errors import ConfigError, DataError
from automl.runtime.errors import PredictionError
from automl.runtime.table import read_csv, table_in


def write_as(frame: pd.DataFrame, path: Path) -> Path:
    name = path.name
    if name.endswith((".csv", ".csv.gz")):
        frame.to_csv(path, index=False)
    elif name.endswith((".tsv", ".tsv.gz")):
        frame.to_csv(path, index=False, sep="\t")
    elif name.endswith(".parquet"):
        frame.to_parquet(path)
    elif name.endswith(".feather"):
        frame.to_feather(path)
    else:
        frame.to_json(path, orient="records", lines=True)
    return path


ENDINGS = ["csv", "csv.gz", "tsv", "tsv.gz", "parquet", "feather", "jsonl", "ndjson"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_gives_the_same_rows(table: dict[str, list[Any]], tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame(table)
    frame.loc[[3, 7], "size"] = np.nan
    frame.loc[[4, 8], "colour"] = None
    task = load(write_as(frame, tmp_path / f"data.{ending}"))
    assert task.kind == "table"
    assert task.target.kind == "binary"
    assert task.schema.classes == ("no", "yes")
    assert [c.role for c in task.schema.columns] == ["numeric", "categorical", "boolean"]
    x = task.data.x
    np.testing.assert_array_equal(x.numeric[:, 0], np.asarray(frame["size"], np.float32))
    np.testing.assert_array_equal(x.numeric[:, 1], np.asarray(table["open"], np.float32))
    expected = [0 if pd.isna(c) else ["blue", "green", "red"].index(c) + 1 for c in frame["colour"]]
    assert x.categories[:, 0].tolist() == expected
    assert x.cardinalities == (4,)


def test_whole_numbers_stay_whole_as_classes(write_csv: Callable[..., Path], table: dict[str, list[Any]]) -> None:
    table["target"] = [2, 1, 1] * 20
    task = load(write_csv(table))
    assert task.schema.classes == (1, 2)
    assert all(type(c) is int for c in task.schema.classes)


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_leading_zeros_are_kept_in_training_and_prediction(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"zip": ["02139", "90210", "00501"] * 20, "target": ["a", "b"] * 30})
    path = write_as(frame, tmp_path / f"data.{ending}")
    task = load(path)
    assert task.schema.columns[0].levels == ("00501", "02139", "90210")
    x, _ = read_features(path, task.schema.to_dict())
    np.testing.assert_array_equal(rows(task.schema, x).categories, task.data.x.categories)
    assert sorted(set(task.data.x.categories[:, 0].tolist())) == [1, 2, 3]


def test_semicolons_and_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a;b;target\n" + "1;x;0\n2;y;1\n" * 10, encoding="utf-8-sig")
    assert [c.name for c in load(path).schema.columns] == ["a", "b"]


def test_parquet_dictionary_columns_are_categories(tmp_path: Path) -> None:
    frame = pd.DataFrame({"code": pd.Categorical([1, 2, 3, 1] * 10), "z": range(40), "target": [0, 1] * 20})
    frame.to_parquet(tmp_path / "data.parquet")
    task = load(tmp_path / "data.parquet")
    assert task.schema.columns[0].levels == ("1", "2", "3")


@pytest.mark.parametrize(
    ("x", "kind", "shape"),
    [
        (np.zeros((40, 8, 8), np.uint8), "image", (8, 8, 1)),
        (np.zeros((40, 8, 6, 3), np.float32), "image", (8, 6, 3)),
        (np.zeros((40, 8, 6), np.uint8), "image", (8, 6, 1)),
        (np.zeros((40, 8, 8), np.float32), "image", (8, 8, 1)),
        (np.zeros((40, 12, 2), np.float32), "sequence", (12, 2)),
    ],
)
def test_npz_arrays(tmp_path: Path, x: Any, kind: str, shape: tuple[int, ...]) -> None:
    y = np.arange(40) % 2
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x[:10], y_test=y[:10])
    task = load(tmp_path / "d.npz")
    assert task.kind == kind
    assert task.schema.shape == shape
    assert len(task.test) == 10
    if kind == "image":
        assert task.data.x.image.dtype == x.dtype


def test_npz_kind_and_lengths_decide_what_three_axes_are(tmp_path: Path) -> None:
    x = np.ones((40, 8, 8), np.uint8)
    lengths = np.r_[np.full(39, 3), 8]
    np.savez(tmp_path / "s.npz", x_train=x, y_train=np.arange(40) % 2, len_train=lengths)
    task = load(tmp_path / "s.npz")
    assert task.kind == "sequence"
    assert task.data.x.lengths.tolist() == [3] * 39 + [8]
    assert task.data.x.sequence[0].sum() == 3 * 8
    np.savez(tmp_path / "i.npz", x_train=x[:, :6], y_train=np.arange(40) % 2)
    assert load(tmp_path / "i.npz").kind == "image"
    assert load(tmp_path / "i.npz", kind="sequence").kind == "sequence"


def test_a_length_out_of_range_names_the_row_of_the_file(tmp_path: Path) -> None:
    x, y = np.ones((40, 8, 2)), np.where(np.arange(40) < 5, np.nan, np.arange(40) % 2)
    np.savez(tmp_path / "s.npz", x_train=x, y_train=y, len_train=np.r_[np.full(39, 3), 9])
    with pytest.raises(DataError, match=r"from 1 to 8.*row 40 has 9"):
        load(tmp_path / "s.npz")


def test_a_guess_at_three_axes_is_noted_with_the_way_out() -> None:
    y = np.arange(40) % 2
    for x, way_out in [(np.zeros((40, 8, 8)), "data.kind=sequence"), (np.zeros((40, 8, 6)), "data.kind=image")]:
        assert any(way_out in note for note in from_arrays(x, y).notes)
    for kind in ("image", "sequence"):
        assert not any("data.kind" in note for note in from_arrays(x, y, kind=kind).notes)


@pytest.mark.parametrize("largest", [1, 16, 255])
def test_float_images_keep_their_values(largest: int) -> None:
    x = np.random.default_rng(0).uniform(0, largest, (40, 8, 8))
    image = from_arrays(x, np.arange(40) % 2).data.x.image
    np.testing.assert_array_equal(image[..., 0], x.astype(np.float32))


def test_lengths_of_test_images_are_refused(tmp_path: Path) -> None:
    x, y = np.zeros((40, 8, 8)), np.arange(40) % 2
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x, y_test=y, len_test=np.full(40, 3))
    with pytest.raises(DataError, match="Lengths are for sequences"):
        load(tmp_path / "d.npz", kind="auto")


def test_a_target_column_is_for_tables(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y)
    assert load(tmp_path / "d.npz", "target").schema.target_name == "target"
    make_images(tmp_path / "photos", [20] * 8)
    for path in ("d.npz", "photos"):
        with pytest.raises(ConfigError, match="target='foo' must name a column of a table"):
            load(tmp_path / path, "foo")


def test_npz_of_two_axes_is_a_table(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    np.savez(tmp_path / "d.npz", x_train=x, y_train=np.arange(40) % 2)
    task = load(tmp_path / "d.npz")
    assert [c.name for c in task.schema.columns] == ["x0", "x1", "x2"]


def make_images(folder: Path, sizes: list[int], mode: str = "RGB") -> Path:
    rng = np.random.default_rng(0)
    for i, size in enumerate(sizes):
        path = folder / ("cat" if i % 2 else "dog") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        channels = () if mode == "L" else (3,)
        Image.fromarray(rng.integers(0, 255, (size, size, *channels), dtype=np.uint8)).save(path)
    return folder


@pytest.mark.parametrize(
    ("sizes", "mode", "shape"),
    [([20] * 8, "RGB", (20, 20, 3)), ([20] * 8, "L", (20, 20, 1)), ([30, 50, 50, 70] * 2, "RGB", (50, 50, 3)),
     ([100] * 8, "RGB", (64, 64, 3)), ([10, 12] * 4, "L", (32, 32, 1))],
)  # fmt: skip
def test_image_folder(tmp_path: Path, sizes: list[int], mode: str, shape: tuple[int, ...]) -> None:
    task = load(make_images(tmp_path / "photos", sizes, mode))
    assert task.schema.shape == shape
    assert task.schema.classes == ("cat", "dog")
    assert task.data.x.image.dtype == np.uint8


@pytest.mark.parametrize(
    ("dtype", "scale", "ending"),
    [(np.uint16, 257, "png"), (np.int32, 257, "tif"), (np.float32, 1 / 255, "tif"), (np.float32, 1, "tif")],
    ids=["16 bits", "32 bits", "fractions", "floats"],
)
def test_deep_grey_images_keep_their_greys(tmp_path: Path, dtype: Any, scale: float, ending: str) -> None:
    greys = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for i, name in enumerate(["cat", "dog"] * 4):
        path = tmp_path / "photos" / name / f"{i}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((greys * np.float64(scale)).astype(dtype)).save(path)
    task = load(tmp_path / "photos")
    assert task.schema.shape == (16, 16, 1)
    np.testing.assert_array_equal(task.data.x.image, np.broadcast_to(greys[..., None], (8, 16, 16, 1)))


def test_a_folder_is_for_models_of_images(tmp_path: Path, table: dict[str, list[Any]]) -> None:
    folder = make_images(tmp_path / "photos", [20] * 8)
    schema = from_arrays(pd.DataFrame(table), "target").schema.to_dict()
    with pytest.raises(DataError, match=r"takes a table with the columns 'size', 'colour', 'open'; given: the folder"):
        read_features(folder, schema)
    sequences = from_arrays(np.zeros((40, 8, 2)), np.arange(40) % 2).schema.to_dict()
    with pytest.raises(DataError, match=r"takes sequences.*\(n, steps, 2\).*given: the folder"):
        read_features(folder, sequences)


def test_corrupt_image_is_named(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "photos", [20] * 8)
    (folder / "dog" / "2.png").write_bytes(b"\x89PNG no")
    with pytest.raises(DataError, match=r"2\.png"):
        load(folder)


HEADER = "a,b,target\n"
ROWS = "1.5,x,0\n2.5,y,1\n" * 10

BAD_TEXT = {
    "empty": ("", "is empty"),
    "blank": ("\n\n", "is empty"),
    "header only": (HEADER, "no rows"),
    "ragged, too many": (HEADER + ROWS + "1,2,3,4\n", "line 22.*3 fields.*has 4"),
    "ragged, too few": (HEADER + "1,x,0\n1,2\n", "line 3.*has 2"),
    "duplicate names": ("a,a,target\n" + ROWS, "given more than once: 'a'"),
    "open quote": (HEADER + '1,"x,0\n' + ROWS, "line"),
    "no target": ("a,b,c\n" + ROWS, "Name the column to predict"),
}


@pytest.mark.parametrize(("content", "message"), BAD_TEXT.values(), ids=BAD_TEXT)
def test_bad_text_files(write_csv: Callable[..., Path], content: Any, message: str) -> None:
    with pytest.raises(Exception, match=message) as caught:
        load(write_csv(content))
    assert type(caught.value).__module__ == "automl.errors"


def test_missing_file_names_the_nearest(write_csv: Callable[..., Path], tmp_path: Path) -> None:
    write_csv(HEADER + ROWS, "train.csv")
    with pytest.raises(DataError, match=r"Did you mean 'train\.csv'"):
        load(tmp_path / "trian.csv")


def test_the_last_ending_says_what_a_file_is(tmp_path: Path, table: dict[str, list[Any]]) -> None:
    frame = pd.DataFrame(table)
    frame.to_parquet(tmp_path / "data.csv.parquet")
    frame.to_csv(tmp_path / "data.tsv.csv", index=False)
    for name in ("data.csv.parquet", "data.tsv.csv"):
        task = load(tmp_path / name)
        x, _ = read_features(tmp_path / name, task.schema.to_dict())
        np.testing.assert_array_equal(rows(task.schema, x).numeric, task.data.x.numeric)


def test_unknown_ending(write_csv: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"\.csv.*\.parquet.*\.npz"):
        load(write_csv("x", "data.xlsx"))


@pytest.mark.parametrize(("encoding", "word"), [("latin-1", "café"), ("cp1252", "5 €"), ("latin-1", "caf\x81é")])
def test_not_utf8_is_read_and_said(tmp_path: Path, encoding: str, word: str) -> None:
    text = "a,b,target\n" + "".join(f"{i},{(word, 'thé')[i % 2]},{i % 3 % 2}\n" for i in range(30))
    (tmp_path / "d.csv").write_bytes(text.encode(encoding))
    task = load(tmp_path / "d.csv")
    assert set(task.schema.columns[1].levels) == {word, "thé"}
    assert any("is not UTF-8; it was read as" in note for note in task.notes)


PLAIN = "n,word,target\n" + "".join(f'{i}.5,"a, {i % 3}",{i % 2}\n' for i in range(40))


def semicolons(text: str) -> str:
    return text.replace(", ", "~").replace(",", ";").replace("~", ", ").replace('"', "")


DIALECTS = {
    "commas": PLAIN,
    "a byte order mark": PLAIN.encode("utf-8-sig"),
    "utf-16": PLAIN.encode("utf-16"),
    "utf-16, big end first": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "utf-32": PLAIN.encode("utf-32"),
    "gzip by another name": gzip.compress(PLAIN.encode()),
    "utf-16 in gzip": gzip.compress(PLAIN.encode("utf-16")),
    "semicolons": semicolons(PLAIN),
    "semicolons and decimal commas": semicolons(PLAIN).replace(".5", ",5"),
    "bars": semicolons(PLAIN).replace(";", "|"),
    "tabs": semicolons(PLAIN).replace(";", "\t"),
    "sep=": "sep=;\n" + semicolons(PLAIN),
    "quoted sep=": '"sep=;"\r\n' + semicolons(PLAIN),
    "comments above": "# made by a machine, in 2024\n#\n\n" + PLAIN,
    "comments below": PLAIN + "# the end\n",
    "empty lines": "\n\n" + PLAIN.replace("\n", "\n\n"),
    "windows lines": PLAIN.replace("\n", "\r\n"),
    "old mac lines": PLAIN.replace("\n", "\r"),
    "spaces after commas": PLAIN.replace(',"', ', "'),
    "everything quoted": PLAIN.replace("n,word,target", '"n","word","target"'),
}  # fmt: skip


@pytest.mark.parametrize("name", ["d.csv", "D.CSV", "d.csv.gz"])
@pytest.mark.parametrize("content", DIALECTS.values(), ids=DIALECTS)
def test_every_dialect_gives_the_same_rows(tmp_path: Path, content: Any, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    task = load(path)
    assert [c.name for c in task.schema.columns] == ["n", "word"]
    assert task.schema.columns[1].levels == ("a, 0", "a, 1", "a, 2")
    np.testing.assert_array_equal(task.data.x.numeric[:, 0], np.arange(40) + 0.5)
    x, _ = read_features(path, task.schema.to_dict())
    np.testing.assert_array_equal(rows(task.schema, x).categories, task.data.x.categories)


HEADERS = {
    "commas in a header of semicolons": ("a; price, EUR;target\n", "1;2;0\n3;4;1\n", ["a", "price, EUR", "target"]),
    "commas everywhere but between": (
        "a, b; price, EUR;target\n",
        "1,5;2,5;0\n3,1;4,1;1\n",
        ["a, b", "price, EUR", "target"],
    ),
    "semicolons in texts": ("a,b,target\n", "x;y,1,0\nz;w,2,1\n", ["a", "b", "target"]),
    "a header that begins with #": ("#a,b,target\n", "1,x,0\n3,y,1\n", ["a", "b", "target"]),
    "comments above such a header": ("##v, 1\n#a\tb\ttarget\n", "1\t2\t0\n3\t4\t1\n", ["a", "b", "target"]),
    "a column that is called #": ("#,b,target\n", "1,2,0\n3,4,1\n", ["#", "b", "target"]),
    "a comment above numbers": ("# a,b,target\n", "1,NaN,0\n3,4,1\n", ["a", "b", "target"]),
    "a comment of spaces": ("# a b target\n", "1e+00 2 0\n3e+00 4 1\n", ["a", "b", "target"]),
    "the last of several comments": ("# made by me\n# a;b;target\n", "1;2;0\n3;4;1\n", ["a", "b", "target"]),
    "a comment above a header": ("# one, two, three\na,b,target\n", "1,2,0\n3,4,1\n", ["a", "b", "target"]),
    "a comment above a header with years": ("# by land, in, k\na,2019,2020\n", "x,2,0\ny,4,1\n", ["a", "2019", "2020"]),
    "a comment of numbers": ("# 1,2,0\na,b,target\n", "1,2,0\n3,4,1\n", ["a", "b", "target"]),
    "one column": ("target\n", "1\n0\n", ["target"]),
    "lines in quotes": ('a,"b\nc",target\n', '1,"x\ny",0\n2,"x, z",1\n', ["a", "b\nc", "target"]),
}


@pytest.mark.parametrize(("header", "body", "names"), HEADERS.values(), ids=HEADERS)
def test_the_separator_is_what_makes_the_rows_as_wide_as_the_header(
    write_csv: Callable[..., Path], header: str, body: str, names: Any
) -> None:
    columns = read_csv(write_csv(header + body * 10))
    assert list(columns) == names
    assert {len(values) for values in columns.values()} == {20}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("comments", ["# ", "#", "#  "])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", " ", "|"])
def test_the_names_that_numpy_writes_into_a_comment(tmp_path: Path, delimiter: str, comments: str, mark: str) -> None:
    path = tmp_path / "d.csv"
    header = f"made by numpy\n{delimiter.join(['a', 'b', 'target'])}"
    values = np.arange(90.0).reshape(30, 3) % 7
    np.savetxt(path, values, delimiter=delimiter, header=header, comments=comments)
    path.write_text(mark + path.read_text())
    lines = Lines.of_table(path)
    chosen = table_in(path, lines.text(np.arange(len(lines))), 0, lines.separator)
    for columns in (read_csv(path), chosen.columns):
        assert list(columns) == ["a", "b", "target"]
        np.testing.assert_array_equal(np.array(list(columns.values())).astype(float).T, values)


def test_lines_in_quotes_are_kept_and_rows_that_do_not_fit_are_named_by_their_line(
    write_csv: Callable[..., Path],
) -> None:
    assert read_csv(write_csv('a,b\n1,"x\ny"\n'))["b"].tolist() == ["x\ny"]
    with pytest.raises(PredictionError, match="line 5: every row must have 2 fields"):
        read_csv(write_csv('# a comment\na,b\n1,"x\ny"\n1,2,3\n'))


NO_TEXT = {
    "zip": (b"PK\x03\x04 and more", "zip archive or an Excel workbook"),
    "parquet": (b"PAR1....", r"Parquet. Call it \.parquet"),
    "xz": (b"\xfd7zXZ\0", "compressed by xz"),
    "bzip2": (b"BZh91AY", "compressed by bzip2"),
    "web page": (b"<!DOCTYPE html><html>", "a web page"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "git lfs pull"),
    "a page in small letters": (b"\n <!doctype html>\n<p>", "HTML or XML"),
    "a table of HTML": (b"<table>\n<tr><td>a,b</td></tr>\n</table>\n", "HTML or XML"),
    "XML": (b"\xef\xbb\xbf<?xml version='1.0'?>\n<rows/>\n", "HTML or XML"),
    "a list of JSON": (b'[{"a": 1, "target": 2},\n {"a": 2, "target": 3}]\n', r"JSON, one list of rows"),
    "a list in lists": (b"[\n [1, 2],\n [3, 4]]\n", r"JSON, one list of rows"),
    "lines of JSON": (b'{"a": 1, "target": 2}\n{"a": 2, "target": 3}\n', r"call it \.jsonl"),
    "torn utf-16 without a mark": ("α,β\n" * 9).encode("utf-16-le")[:-1],
    "torn gzip": (gzip.compress(PLAIN.encode())[:-20], "cannot be read"),
}


@pytest.mark.parametrize("given", NO_TEXT.values(), ids=NO_TEXT)
def test_what_is_no_text_is_named(tmp_path: Path, given: Any) -> None:
    content, message = given if isinstance(given, tuple) else (given, "UTF-16")
    (tmp_path / "d.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(tmp_path / "d.csv")


@pytest.mark.parametrize("name", ["d.csv", "d.tsv.gz", "d.parquet", "d.feather", "d.jsonl", "d.npz", "a/d.png"])
def test_pointers_of_git_lfs_are_named_whatever_they_point_to(tmp_path: Path, name: str) -> None:
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n")
    with pytest.raises(DataError, match="git lfs pull"):
        load(path.parents[1] if name.startswith("a/") else path)


@pytest.mark.parametrize("name", ["d.csv", "d.parquet", "d.jsonl", "d.npz"])
def test_a_pipe_is_no_file(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    schema = {"kind": "table", "columns": []}
    for use in (load, lambda path: read_features(path, schema)):
        with pytest.raises(DataError, match="it is a pipe or a device"):
            use(tmp_path / name)


def test_arrays_of_an_archive_that_are_not_read_are_named(tmp_path: Path) -> None:
    x, y = np.arange(80.0).reshape(40, 2), np.arange(40) % 2
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x, other=y)
    said = "Not read of 'd.npz', as test data is x_test with y_test: 'other', 'x_test'."
    assert said in load(tmp_path / "d.npz").notes
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    task = load(tmp_path / "d.npz")
    assert task.n_test == 40
    assert not any("Not read" in note for note in task.notes)


@pytest.mark.parametrize("name", ["d.csv.gz", "d.parquet", "d.feather", "d.npz"])
def test_damaged_archives(write_csv: Callable[..., Path], name: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load(write_csv("this is no such file", name))


def test_cut_off_gzip(tmp_path: Path) -> None:
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress((HEADER + ROWS * 50).encode())[:-20])
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "d.csv.gz")


@pytest.mark.parametrize(
    ("lines", "message"),
    [(["{"], "line 1.*not JSON"), (["[1]"], "line 1.*JSON object"),
     (['{"a": 1}', "[" * 100_000], "line 2.*nested too deeply"),
     (['{"a": 1}', '{"a": ' * 100_000], "line 2.*nested too deeply"),
     (['{"a": 1}', f'{{"a": {"9" * 5_000}}}'], "line 2.*too many digits"), ([""], "no rows"),
     ([json.dumps({"a": [1, 2], "target": i % 2}) for i in range(8)], "'a' holds a list")],
)  # fmt: skip
def test_bad_json_lines(write_csv: Callable[..., Path], lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(write_csv("\n".join(lines) + "\n", "d.jsonl"))


X = np.zeros((10, 4, 4, 1))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": X}, "must hold the arrays x_train and y_train.*x_train"),
        ({"x_train": X, "y_train": np.zeros(9)}, "y_train must have one value"),
        ({"x_train": X[..., 0], "y_train": np.arange(10) % 2, "len_train": np.ones(3, int)}, "len_train must have"),
        ({"x_train": np.zeros((10, 3, 8, 8)), "y_train": np.arange(10) % 2}, "channels last"),
        ({"x_train": np.full_like(X, np.nan), "y_train": np.arange(10) % 2}, "finite.*row 1"),
        ({"x_train": np.array([["a"]] * 10)[..., None, None], "y_train": np.arange(10) % 2}, "must be numbers"),
        ({"x_train": np.array([{}] * 10), "y_train": np.arange(10) % 2}, "cannot be read"),
    ],
)
def test_bad_npz(tmp_path: Path, arrays: Any, message: str) -> None:
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(DataError, match=message):
        load(tmp_path / "d.npz")


LINES = [f"{i / 8},w{i % 2},{i % 3 % 2}" for i in range(60)]
LAID_OUT = {
    "rows are numbered": ["a,b,target", *(f"{i},{row}" for i, row in enumerate(LINES))],
    "rows end in a comma": ["a,b,target", *(f"{row}," for row in LINES)],
    "a title": ["Report of 2016", "a,b,target", *LINES],
    "other comments": ["% made today", "% by hand", "a,b,target", *LINES],
    "DOS": ["a,b,target", *LINES, "\x1a"],
    **{f"split by {sign!r}": [line.replace(",", sign) for line in ("a,b,target", *LINES)] for sign in "|~^\x01\x1f"},
}  # fmt: skip


@pytest.mark.parametrize("lines", LAID_OUT.values(), ids=LAID_OUT)
def test_what_surrounds_the_fields_is_no_field(write_csv: Any, lines: list[str]) -> None:
    task = load(write_csv("\n".join(lines).replace("\n\x1a", "\x1a")))
    used = {column.name: column.role for column in task.schema.columns if column.role != "dropped"}
    assert used == {"a": "numeric", "b": "categorical"}
    assert task.data.x.numeric[:, 0].tolist() == [i / 8 for i in range(60)]
    assert task.n_rows == 60


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "data.csv").write_bytes("\n".join(["a,b,target", *LINES]).encode(encoding))
    assert load(tmp_path / "data.csv").schema.columns[1].levels == ("w0", "w1")


def test_a_broken_byte_among_many_letters_costs_its_letter_alone(tmp_path: Path) -> None:
    text = "\n".join(["a,b,target", *LINES]).replace("w", "ö").encode()
    (tmp_path / "data.csv").write_bytes(text.replace("ö".encode(), b"\xf6", 1))
    task = load(tmp_path / "data.csv")
    assert task.schema.columns[1].levels == ("ö0", "ö1", "\ufffd0")
    assert any("1 bytes that are none" in note for note in task.notes)


def test_empty_image_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one folder per class"):
        load(tmp_path)
    (tmp_path / "train.csv").touch()
    with pytest.raises(DataError, match=r"For a table, give its file, such as 'train\.csv'"):
        load(tmp_path)


def test_images_are_upright_and_on_white(tmp_path: Path) -> None:
    half = np.zeros((8, 8, 4), np.uint8)
    half[:4] = (200, 0, 0, 255)  # red above; black, and wholly transparent, below
    palette = Image.fromarray(half).convert("P")
    palette.info["transparency"] = palette.getpixel((0, 7))
    grey = Image.fromarray(half).convert("LA")
    turned = Image.fromarray(np.repeat(half[:4, :, :3], 2, axis=0)[:4])  # 8 wide, 4 high
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(half).save(tmp_path / name / "rgba.png")
        palette.save(tmp_path / name / "palette.png", transparency=palette.info["transparency"])
        grey.save(tmp_path / name / "grey.png")
    data, _ = read(tmp_path)
    assert data.array is not None
    for image in data.array:
        assert (image[4:] == 255).all()
        assert image[0, 0].tolist() != [255, 255, 255]
    for name in ("a", "b"):
        (tmp_path / "turned" / name).mkdir(parents=True)
        turned.save(tmp_path / "turned" / name / "photo.jpg", exif=exif)
    upright, _ = read(tmp_path / "turned")
    assert upright.array is not None
    assert upright.array.shape == (2, 8, 4, 3)


def test_what_a_folder_of_images_holds_besides_is_said(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name / "old").mkdir(parents=True)
        for i in range(2):
            Image.fromarray(np.full((8, 8, 3), 40 * i, np.uint8)).save(tmp_path / name / f"{i}.png")
        (tmp_path / name / "._0.png").write_bytes(b"left by a system")
    (tmp_path / "cat" / "empty.jpg").touch()
    (tmp_path / "cat" / "notes.txt").write_text("nothing")
    (tmp_path / "stray.png").write_bytes((tmp_path / "cat" / "0.png").read_bytes())
    data, _ = read(tmp_path)
    assert len(data) == 4
    said = [note for note in data.notes if note.startswith("Not read")]
    wanted = ("folders inside", "hidden files: 2", "empty images: 1", "in no folder of a class: 1", "no images: 1")
    for words in wanted:
        assert any(words in note for note in said), words


@pytest.mark.parametrize("footer", ["Source: a ministry\n", "\n\nTotal of 40\nprinted by hand\n", '"Note: 1, 2"'])
def test_what_stands_below_a_table_is_left_out_and_said(write_csv: Callable[..., Path], footer: str) -> None:
    text = "x,target\n" + "".join(f"{i},{i % 2}\n" for i in range(40))
    task = load(write_csv(text + footer))
    assert task.n_rows == 40
    assert any("have one field, and were left out" in note for note in task.notes)
    with pytest.raises(DataError, match=r"line 42: every row must have 2 fields like the header; this one has 1"):
        load(write_csv(text + "Source: a ministry\n" + "1,1\n"))


def test_a_quote_that_is_never_closed_is_named(write_csv: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="a double quote is opened, and never closed"):
        load(write_csv('x,target\n"a,1\n' + "b,0\n" * 40))


def test_an_empty_line_of_a_single_column_is_a_missing_value_and_not_a_lost_row(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("text\nfirst\n\n\nfourth\n\n")
    assert read_csv(tmp_path / "texts.csv")["text"].tolist() == ["first", "", "", "fourth"]
    (tmp_path / "two.csv").write_text("a,b\n1,2\n\n3,4\n")
    assert read_csv(tmp_path / "two.csv")["a"].tolist() == ["1", "3"]


def test_nested_columns_may_be_there_as_long_as_nobody_uses_them(tmp_path: Path) -> None:
    records = [{"a": i * 1.5, "tags": [i, "x"], "where": {"x": i}, "target": i % 2} for i in range(60)]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, records)))
    with pytest.raises(DataError, match=r"'tags' holds a list in a field.*drop=\['tags'\]"):
        load(tmp_path / "d.jsonl", target="target")
    with pytest.raises(DataError, match="'where' holds a dict"):
        load(tmp_path / "d.jsonl", target="target", drop=["tags"])
    task = load(tmp_path / "d.jsonl", target="target", drop=["tags"], roles={"where": "dropped"})
    assert [column.role for column in task.schema.columns] == ["numeric", "dropped", "dropped"]
    x, _ = read_features(tmp_path / "d.jsonl", task.schema.to_dict())
    assert len(rows(task.schema, x)) == 60
    for named in ({"target": "tags"}, {"target": "target", "group": "tags", "drop": ["where"]}):
        with pytest.raises(DataError, match="'tags' holds a list"):
            load(tmp_path / "d.jsonl", **named)
