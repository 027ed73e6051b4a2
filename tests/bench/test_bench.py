"""Systems side by side: a row for each fit, failures too; it goes on where it stopped; ranks and what they can tell."""

import json
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from scipy.stats import friedmanchisquare
from sklearn.datasets import load_digits, load_wine

from automl.bench import command, datasets, fits, page, ranks
from automl.bench.fits import Book, SystemFit
from automl.bench.systems import ALWAYS, SYSTEMS, System
from automl.errors import AutoMLError, DataError, UnknownNameError


def write(
    folder: Path, meta: dict[str, Any], frame: pd.DataFrame | None = None, **arrays: np.ndarray
) -> datasets.DataSet:
    """A data set in a folder of its own."""
    folder.mkdir(parents=True)
    file = "data.npz" if frame is None else "data.csv"
    (folder / "meta.json").write_text(json.dumps({"file": file, **meta}))
    if frame is None:
        np.savez(folder / file, **arrays)
    else:
        frame.to_csv(folder / file, index=False)
    return datasets.found(folder.parent, [folder.name])[0]


def wine(folder: Path) -> datasets.DataSet:
    frame = load_wine(as_frame=True).frame
    frame["strong"] = np.where(frame["alcohol"] > 13, "yes", "no")
    meta = {"task": "multiclass", "metric": "log_loss", "categorical": ["strong"]}
    return write(folder / "wine", meta, frame[[*frame.columns.drop("target"), "target"]])


def images(folder: Path) -> datasets.DataSet:
    x, y = load_digits(return_X_y=True)
    parts = {"x_train": x[:300].reshape(-1, 8, 8), "y_train": y[:300], "x_test": x[300:400].reshape(-1, 8, 8)}
    return write(folder / "digits", {"task": "multiclass", "metric": "accuracy"}, **parts, y_test=y[300:400])


def texts(folder: Path) -> datasets.DataSet:
    words = np.random.default_rng(0).choice(["red", "blue", "green", "grey"], (120, 6))
    frame = pd.DataFrame({"text": [" ".join(row) for row in words], "target": (words == "red").any(axis=1)})
    return write(folder / "texts", {"task": "binary", "metric": "roc_auc"}, frame)


def values(folder: Path) -> datasets.DataSet:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=300), "level": [f"l{i % 290}" for i in range(300)]})
    meta = {"task": "regression", "metric": "rmse", "categorical": ["level"]}
    return write(folder / "values", meta, frame.assign(target=3 * frame["a"]))


GOOD = {wine: (0.0, 0.5), images: (0.75, 1.0), texts: (0.9, 1.0), values: (0.0, 1.0)}


@pytest.mark.parametrize(("make", "bounds"), GOOD.items(), ids=[make.__name__ for make in GOOD])
def test_every_kind_of_data_is_fitted_by_its_default(make: Any, bounds: tuple[float, float], tmp_path: Path) -> None:
    book = Book(tmp_path / "out", tmp_path / "environments")
    (row,) = book.do(SystemFit(make(tmp_path / "data"), SYSTEMS["sklearn_default"], None, 0))
    assert bounds[0] <= row["score"] <= bounds[1], row
    assert row["peak_mb"] > 20
    assert min(row["bytes"], row["row_ms"], row["rows_1000_ms"], row["seconds"]) > 0


def test_what_is_always_compared_and_is_not_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wine(tmp_path / "data")
    out = tmp_path / "out"
    given = [str(tmp_path / "data"), "--seconds", "15", "-o", str(out)]
    command.run(given)
    rows = Book(out, out).rows()
    assert {row["system"] for row in rows} == set(ALWAYS)
    assert all(0 < row["score"] < 0.6 for row in rows), rows
    fits = list((out / "fits").iterdir())
    capsys.readouterr()
    command.run([*given, "--sets", "wine"])
    assert list((out / "fits").iterdir()) == fits
    assert "0 of them to do" in capsys.readouterr().err
    for name in page.NAMES:
        assert "Mean ranks that differ by less than" in (out / name).read_text()


def test_a_failure_is_a_row_and_ranks_last(tmp_path: Path) -> None:
    data = write(
        tmp_path / "data" / "broken",
        {"task": "regression", "metric": "rmse"},
        pd.DataFrame({"a": ["one word", "two words"] * 20, "target": np.arange(40.0)}),
    )
    book = Book(tmp_path / "out", tmp_path / "environments")
    (row,) = book.do(SystemFit(data, SYSTEMS["lightgbm_default"], None, 0))
    assert row["failure"]
    (other,) = book.do(SystemFit(data, SYSTEMS["sklearn_default"], None, 0))
    found = ranks.ranking([row, other])
    assert found is not None
    assert found.systems == ("sklearn_default", "lightgbm_default")
    written = page.write(book.rows(), tmp_path)[1].read_text()
    assert "Failures" in written
    assert "failed" in written


def test_what_cannot_be_installed_is_no_row_and_is_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = System("peer", "sklearn_default", requires=(str(tmp_path / "nosuch"),), timed=False)
    monkeypatch.setattr(command, "ALWAYS", ())
    monkeypatch.setitem(SYSTEMS, "peer", peer)
    wine(tmp_path / "data")
    out = tmp_path / "out"
    given = [str(tmp_path / "data"), "--systems", "peer", "--seeds", "0,1", "-o", str(out)]
    command.run(given)
    assert capsys.readouterr().err.count("peer cannot be installed: pip ends with exit code 1") == 1
    assert Book(out, out).rows() == []
    monkeypatch.setitem(SYSTEMS, "peer", replace(peer, requires=()))
    command.run(given)
    assert ["score" in row for row in Book(out, out).rows()] == [True, True]


LEFT_BEHIND = """
import os, signal, subprocess, sys, time
server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open(sys.argv[1] + ".pid", "w").write(str(server.pid))
time.sleep(2)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_ends_with_the_fit_that_started_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fit_server.py").write_text(LEFT_BEHIND)
    monkeypatch.setattr(fits, "SCRIPTS", tmp_path)
    book = Book(tmp_path / "out", tmp_path / "environments")
    (row,) = book.do(SystemFit(wine(tmp_path / "data"), System("server", "server"), None, 0))
    assert row["failure"]
    (left,) = tmp_path.glob("out/fits/*/job.json.pid")
    assert not psutil.pid_exists(int(left.read_text())) or psutil.Process(int(left.read_text())).status() == "zombie"


def test_h2o_without_java_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    book = Book(tmp_path / "out", tmp_path / "environments")
    here = replace(SYSTEMS["h2o"], requires=())
    (row,) = book.do(SystemFit(wine(tmp_path / "data"), here, 1, 0))
    assert "install default-jre-headless" in row["failure"]


def row(name: str, system: str, score: float, greater: bool = False) -> dict[str, Any]:
    fixed = {"model": "model", "budget": None, "metric": "m", "greater": greater, "seed": 0}
    return {"set": name, "system": system, "score": score, **fixed}


def test_ranks_and_wins() -> None:
    given = [row("a", "x", 1.0), row("a", "y", 2.0), row("b", "x", 0.7, True), row("b", "y", 0.8, True)]
    given += [row("a", "z", 3.0), row("b", "z", 0.1, True), row("c", "x", 1.0)]
    found = ranks.ranking(given)
    assert found is not None
    assert dict(zip(found.systems, found.mean_ranks, strict=True)) == {"x": 1.5, "y": 1.5, "z": 3.0}
    assert found.n_sets == 2
    beaten = ranks.wins(given)
    assert [beaten["x", "z"], beaten["z", "x"], beaten["x", "y"]] == [(2, 2), (0, 2), (1, 2)]


# Table 5 (a) of Demšar (2006): the critical values of Nemenyi's test at 0.05.
NEMENYI = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}


@pytest.mark.parametrize(("n_systems", "q"), NEMENYI.items())
def test_critical_differences_are_those_of_the_paper(n_systems: int, q: float) -> None:
    expected = q * np.sqrt(n_systems * (n_systems + 1) / (6 * 14))
    assert ranks.critical_difference(n_systems, 14) == pytest.approx(expected, abs=2e-3)


def test_what_is_told_apart_is_more_than_a_critical_difference_apart() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(30, 5)) + np.array([0, 0.2, 1.5, 1.7, 4])
    given = [row(f"s{i}", f"m{k}", float(v)) for i, line in enumerate(scores) for k, v in enumerate(line)]
    found = ranks.ranking(given)
    assert found is not None
    assert found.p_value == pytest.approx(friedmanchisquare(*scores.T).pvalue)
    runs = found.alike()
    for a, b in combinations(range(5), 2):
        together = any(first <= a and b <= last for first, last in runs)
        assert together == (found.mean_ranks[b] - found.mean_ranks[a] < found.critical)
    assert runs
    assert all(one[0] < two[0] and one[1] < two[1] for one, two in pairwise(runs))


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds none"):
        datasets.found(tmp_path)
    wine(tmp_path)
    with pytest.raises(UnknownNameError, match="wine"):
        datasets.found(tmp_path, ["whine"])
    with pytest.raises(UnknownNameError, match="flaml"):
        command.run([str(tmp_path), "--systems", "flamel"])
    with pytest.raises(AutoMLError, match="takes numbers"):
        command.run([str(tmp_path), "--seconds", "a minute"])
    (tmp_path / "wine" / "meta.json").write_text("{}")
    with pytest.raises(DataError, match="must say task"):
        datasets.found(tmp_path)
    assert ranks.ranking([row("a", "x", 1.0)]) is None


DAMAGED_ROWS = ["", "{", "3", "[3]", "[{}]", '{"set": 1}', "[" * 50_000, '[{"failure": "x"}]', "\xff"]


@pytest.mark.parametrize("content", DAMAGED_ROWS, ids=range(len(DAMAGED_ROWS)))
def test_rows_that_are_damaged_are_named_and_left_out(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = wine(tmp_path / "data")
    book = Book(tmp_path / "out", tmp_path / "environments")
    (tmp_path / "out" / "rows").mkdir(parents=True)
    of_all = {"budget": None, "seed": 0, "metric": "log_loss", "seconds": 1.0, "peak_mb": 100, "bytes": 1000}
    for name in ALWAYS:
        own = row("wine", name, 0.5) | of_all | {"row_ms": 1.0, "rows_1000_ms": 1.0}
        path = book._rows_of(SystemFit(data, SYSTEMS[name], 60 if SYSTEMS[name].timed else None, 0))
        path.write_text(json.dumps([own]))
    assert len(book.rows()) == len(ALWAYS)
    path.write_text(content, encoding="latin-1")
    assert [one["system"] for one in book.rows()] == [*ALWAYS[:-1]]
    command.run([str(tmp_path / "data"), "-o", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert "0 of them to do" in said
    assert said.count("is damaged") == 1
    assert f"left out: '{path}' is damaged: " in said
    assert "Remove it, and its fit is done again" in said
