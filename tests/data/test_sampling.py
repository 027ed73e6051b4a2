"""Data that takes longer to read than there is time: a sample of its rows, said, repeatable, whole in what matters."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays, load
from automl.data.files import read
from automl.data.sampling import Keys, Sampling, sample
from automl.errors import AutoMLError, DataError

N = 6_000
KEPT = 1_500
rng = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "place": np.arange(N) + 0.5,  # tells which rows are read
        "words": [f'says "{i % 7}",\nand more' if i % 5 == 0 else f"w{i % 3}" for i in range(N)],
        "group": [f"g{i % 40}" for i in range(N)],
        "target": np.where(np.arange(N) % 400 == 7, "rare", np.where(rng.random(N) < 0.3, "yes", "no")),
    }
)


def csv(folder: Path) -> Path:
    FRAME.to_csv(folder / "data.csv", index=False)
    return folder / "data.csv"


def comments(folder: Path) -> Path:
    lines = FRAME.drop(columns="words").to_csv(index=False).splitlines()
    (folder / "data.csv").write_text(
        "# made today\nsep=,\n" + "\n# a comment\n\n".join(lines[:9]) + "\n" + "\n".join(lines[9:])
    )
    return folder / "data.csv"


def semicolons(folder: Path) -> Path:
    FRAME.to_csv(folder / "data.csv.gz", index=False, sep=";")
    return folder / "data.csv.gz"


def json_lines(folder: Path) -> Path:
    (folder / "data.jsonl").write_text("\n\n".join(map(json.dumps, FRAME.to_dict("records"))))
    return folder / "data.jsonl"


def parquet(folder: Path) -> Path:
    FRAME.to_parquet(folder / "data.parquet")
    return folder / "data.parquet"


def feather(folder: Path) -> Path:
    FRAME.to_feather(folder / "data.feather")
    return folder / "data.feather"


FILES = [csv, comments, semicolons, json_lines, parquet, feather]


def places(task: Any) -> list[int]:
    """The rows that were read, from 0."""
    column = task.schema.columns[[c.name for c in task.schema.columns].index("place")]
    return (task.data.x.numeric[:, 0].astype(np.float64) + column.center - 0.5).round().astype(int).tolist()


@pytest.mark.parametrize("write", FILES)
def test_a_number_of_rows_is_read_of_every_kind_of_file(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    path = write(tmp_path)
    task = load(path, rows=KEPT)
    found = places(task)
    assert task.n_rows == pytest.approx(KEPT, abs=15)
    assert (found == sorted(set(found)), task.sampled) == (True, KEPT)
    codes = [task.schema.classes.index(label) for label in FRAME["target"].to_numpy()[found]]
    assert task.data.y.tolist() == codes  # whole rows
    assert any(f"of the {N:,} rows" in note and "rows=1500 asks" in note for note in task.notes)
    again = load(path, rows=KEPT)
    assert (again.fingerprint, places(again)) == (task.fingerprint, found)
    assert places(load(path, rows=KEPT, seed=1)) != found
    for rows in ("all", N, N + 1):
        assert (load(path, rows=rows).n_rows, load(path, rows=rows).sampled) == (N, None)


@pytest.mark.parametrize("write", [csv, parquet])
def test_what_cannot_be_read_in_time_is_a_sample_that_can_be_read_again(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    path = write(tmp_path)
    task = load(path, until=time.time())
    assert task.sampled
    assert task.n_rows < N
    assert any("reading all would take about" in note and "data.rows=all" in note for note in task.notes)
    assert load(path, rows=task.sampled).fingerprint == task.fingerprint
    assert load(path, until=time.time() + 600).sampled is None


@pytest.mark.parametrize("write", FILES)
def test_classes_keep_their_shares_and_rare_ones_stay(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    path = write(tmp_path)
    counts = Counter(load(path, rows=KEPT).data.y.tolist())
    whole = Counter(load(path, rows="all").data.y.tolist())
    assert counts[1] == 10  # "rare", of 15
    for code in (0, 2):
        assert counts[code] == pytest.approx(whole[code] * KEPT / N, abs=1)


@pytest.mark.parametrize("write", FILES)
def test_groups_are_read_whole(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    task = load(write(tmp_path), rows=KEPT, group="group")
    groups = Counter(FRAME["group"].to_numpy()[places(task)])
    assert set(groups.values()) == {N // 40}
    assert len(groups) == KEPT // (N // 40)
    assert any("whole groups" in note for note in task.notes)
    for train, valid in task.splits:
        assert not set(task.data.groups[train]) & set(task.data.groups[valid])


@pytest.mark.parametrize("write", [json_lines, parquet, feather])
def test_a_sample_refuses_a_key_that_no_column_may_be(
    tmp_path: Path, write: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "FRAME", FRAME.assign(group=[[i % 40] for i in range(N)]))
    with pytest.raises(DataError, match=r"'group'.* in a field"):
        load(write(tmp_path), rows=KEPT, group="group")


def test_what_is_in_memory_is_sampled_with_all_that_belongs_to_it() -> None:
    x = FRAME[["place", "words"]]
    weights = np.arange(N) + 1.0
    task = from_arrays(x, FRAME["target"], sample_weight=weights, order=np.arange(N)[::-1], rows=KEPT)
    found = places(task)
    assert len(found) == pytest.approx(KEPT, abs=15)
    assert task.data.weights.tolist() == [place + 1.0 for place in found]
    for train, valid in task.splits:
        assert min(np.array(found)[train]) > max(np.array(found)[valid])
    late = from_arrays(x, FRAME["target"], until=time.time())
    assert late.sampled
    assert from_arrays(x, FRAME["target"], rows=late.sampled).fingerprint == late.fingerprint


def test_errors_name_the_rows_of_the_file(tmp_path: Path) -> None:
    frame = FRAME.assign(place=FRAME["place"].astype(str))
    frame.loc[::9, "place"] = "12 furlongs"
    frame.to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(AutoMLError, match=r"row (\d+) has '12 furlongs'") as caught:
        load(tmp_path / "data.csv", rows=KEPT, roles={"place": "numeric"})
    row = int(re.findall(r"row (\d+) has", str(caught.value))[0])
    assert frame["place"][row - 1] == "12 furlongs"
    with (tmp_path / "data.csv").open("a") as file:
        file.write("1,2\n" * 4_000)
    with pytest.raises(AutoMLError, match=r"line \d+: every row must have 4 fields"):
        load(tmp_path / "data.csv", rows=KEPT)


def test_test_data_and_small_data_stay_whole(tmp_path: Path) -> None:
    path = csv(tmp_path)
    task = load(path, test=path, rows=KEPT)
    assert task.n_test == N
    FRAME[:1_000].to_csv(tmp_path / "small.csv", index=False)
    assert load(tmp_path / "small.csv", until=time.time()).n_rows == 1_000


def test_images_are_sampled_before_they_are_opened(tmp_path: Path) -> None:
    from PIL import Image

    for i in range(60):
        folder = tmp_path / f"class{i % 3}"
        folder.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8), i, np.uint8)).save(folder / f"{i}.png")
    task = load(tmp_path, rows=30)
    assert np.bincount(task.data.y).tolist() == [10, 10, 10]
    assert any("30 of the 60" in note for note in task.notes)


@pytest.mark.parametrize("rows", [0, 1, -5, 1.5, True, "some", None])
def test_a_wrong_number_of_rows_is_refused(rows: Any) -> None:
    with pytest.raises(AutoMLError, match="rows"):
        from_arrays(FRAME[["place"]], FRAME["target"], rows=rows)


@pytest.mark.parametrize("n_keep", [2, 10, 77, 199])
def test_a_sample_is_of_distinct_rows_in_order_whatever_it_respects(n_keep: int) -> None:
    classes = np.array(list("aab" * 66 + "cc"), object)
    for keys in (Keys(), Keys(classes=classes), Keys(groups=classes)):
        found = sample(200, n_keep, 3, keys).tolist()
        assert found == sorted(set(found))
        assert set(found) <= set(range(200))
    assert len(sample(200, n_keep, 3, Keys())) == n_keep


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "dos"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "iso2022_jp"])
@pytest.mark.parametrize("write", [csv, comments, json_lines])
def test_lines_are_what_the_reader_takes_for_rows(
    tmp_path: Path, write: Callable[[Path], Path], encoding: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = write(tmp_path).read_text().replace("yes", "\u65e5" if encoding == "iso2022_jp" else "s\xed")
    path = next(tmp_path.iterdir())
    path.write_bytes(text.replace("\n", end).encode(encoding))
    monkeypatch.setattr("automl.data.lines._BLOCK", 1_000)  # which ends within lines, and within quotes
    whole = read(path)[0]
    sampled = read(path, sampling=Sampling(N - 1))[0]
    assert (len(whole), whole.encoding) == (N, sampled.encoding)
    assert whole.columns is not None
    assert sampled.columns is not None
    index = np.asarray(sampled.row_numbers) - 1
    for name, values in whole.columns.items():
        assert sampled.columns[name].tolist() == values[index].tolist(), name


def test_of_very_many_rows_only_some_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automl.data.sampling._MOST_LOOKED_AT", 3_000)
    path = csv(tmp_path)
    counts = Counter(load(path, rows=KEPT).data.y.tolist())
    assert sum(counts.values()) == pytest.approx(KEPT, abs=15)
    assert counts[0] / counts[2] == pytest.approx(0.7 / 0.3, rel=0.15)
    by_groups = load(path, rows=KEPT, group="group")
    assert by_groups.n_rows == pytest.approx(KEPT, abs=N // 40)
    assert not any("by whole groups" in note for note in by_groups.notes)


COSTS: dict[str, Callable[[int], float]] = {
    "by the row": lambda n: 0.01 * n,
    "mostly fixed": lambda n: 0.5 + 0.002 * n,
    "vocabularies, learned from the first rows": lambda n: 0.002 * min(n, 700) + 0.001 * n,
    "dear rows": lambda n: 0.02 * n,
}


@pytest.mark.parametrize("cost", COSTS.values(), ids=COSTS)
def test_a_sample_ends_in_its_time_and_uses_it(monkeypatch: pytest.MonkeyPatch, cost: Callable[[int], float]) -> None:
    now = [1_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def learn_from(rows: np.ndarray) -> None:
        now[0] += cost(len(rows))

    sampling = Sampling(until=now[0] + 30, learn_from=learn_from)
    index, _ = sampling.choose(50_000, 50_000_000, lambda index: index, lambda index: Keys(), "the data")
    assert index is not None
    measured = now[0] - 1_000
    learn_from(index)
    assert measured < 0.5 * 30
    assert 0.6 * 30 < now[0] - 1_000 <= 30


@pytest.mark.parametrize("first_of", [20, 100, 400], ids="loaded with {} rows".format)
def test_what_is_loaded_once_takes_no_rows_away(monkeypatch: pytest.MonkeyPatch, first_of: int) -> None:
    now, loaded = [1_000.0], [False]
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def learn_from(rows: np.ndarray) -> None:
        now[0] += 1e-5 * len(rows)
        if len(rows) >= first_of and not loaded[0]:  # as a library on a machine that has not read it yet
            now[0] += 5.0
            loaded[0] = True

    sampling = Sampling(until=now[0] + 17, learn_from=learn_from)
    assert sampling.choose(8_000, 500_000, lambda index: index, lambda index: Keys(), "the data") == (None, ())


def test_a_sample_keeps_rows_that_begin_with_a_sign_of_comments_and_takes_any_width(tmp_path: Path) -> None:
    tags = [f"#{i % 9}" if i % 2 else f"t{i}" for i in range(3_000)]
    frame = pd.DataFrame({"tag": tags, "a": np.arange(3_000), " target": np.arange(3_000) % 2, "d": 1.5})
    path = tmp_path / "tags.csv"
    path.write_text(frame.to_csv(index=False) + "Source: the ministry\n")
    task = load(path, target="target", rows=1_000)
    assert task.n_rows == 1_000
    levels = next(column for column in task.schema.columns if column.name == "tag")
    assert any(level.startswith("#") for level in levels.levels) or levels.role != "categorical"
    assert abs(task.data.y.mean() - 0.5) < 0.01, "in the shares of the classes"
