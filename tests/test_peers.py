"""The comparison of systems: a row for each fit, failures too; it goes on where it stopped; ranks are right."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_wine

ROOT = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "wine"
    folder.mkdir(parents=True)
    frame = load_wine(as_frame=True).frame
    frame.to_csv(folder / "data.csv", index=False)
    meta = {"task": "multiclass", "metric": "log_loss", "file": "data.csv", "categorical": []}
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder.parent


def peers(data: Path, out: Path, *more: str) -> str:
    command = [sys.executable, str(ROOT / "peers"), "--data", str(data), "--sets", "wine", "--out", str(out), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(out: Path) -> list[dict[str, Any]]:
    return [row for file in sorted((out / "rows").iterdir()) for row in json.loads(file.read_text())]


def test_a_system_is_fitted_once_and_measured(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    page = peers(data, out, "--systems", "lightgbm")
    (row,) = rows(out)
    assert 0 < row["score"] < 0.5
    assert row["peak_mb"] > 20
    assert min(row["bytes"], row["row_ms"], row["rows_1000_ms"], row["seconds"]) > 0
    assert "lightgbm" in page
    assert (out / "README.md").read_text() in page
    fits = list((out / "fits").iterdir())
    peers(data, out, "--systems", "lightgbm")
    assert list((out / "fits").iterdir()) == fits, "what is done is not done again"


def test_a_failure_is_a_row(data: Path, tmp_path: Path) -> None:
    meta = json.loads((data / "wine" / "meta.json").read_text())
    (data / "wine" / "meta.json").write_text(json.dumps(meta | {"categorical": ["alcohol"], "task": "regression"}))
    (data / "wine" / "data.csv").write_text("alcohol,target\n" + "1,x\n" * 20)
    out = tmp_path / "out"
    assert "Failures" in peers(data, out, "--systems", "lightgbm")
    (row,) = rows(out)
    assert row["failure"]


def test_ranks_and_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "peers"))
    import report  # type: ignore[import-not-found]

    def row(name: str, system: str, score: float, greater: bool = False) -> dict[str, Any]:
        fixed = {"model": "model", "budget": 60.0, "metric": "m", "greater": greater, "seed": 0}
        return {"set": name, "system": system, "score": score, **fixed}

    given = [row("a", "x", 1.0), row("a", "y", 2.0), row("b", "x", 0.7, True), row("b", "y", 0.8, True)]
    given += [row("a", "z", 3.0), row("b", "z", 0.1, True), row("c", "x", 1.0)]
    first, second, third = report.standings(given)
    assert {first["mean rank"], second["mean rank"]} == {1.5}
    assert (third["system"], third["mean rank"], third["sets"]) == ("z 60 s", 3.0, 2)
    assert first["beats z 60 s"] == "2 of 2"
    assert {first["beats y 60 s"], first["beats x 60 s"]} == {"", "1 of 2"}
