"""The command line, and the file that is shipped."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl.commands import predict
from automl.errors import AutoMLError
from automl.export.one_file import predict_py
from automl.runtime.main import main
from automl.runtime.printable import defused
from tests.runtime.folders import set_schema


def test_the_file_predicts_alone_what_the_modules_do(table_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("c,n,extra\nhot,1,9\ncold,-2,9\n,0,9\n")
    # -I: nothing of this project can be imported, only what is installed.
    command = [sys.executable, "-I", str(table_folder / "predict.py"), "in.csv", "--threads", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "prediction,probability_no,probability_yes"
    assert [line.split(",")[0] for line in lines[1:3]] == ["yes", "no"]
    predict(str(table_folder), str(tmp_path / "in.csv"), str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_bytes() == done.stdout


def test_the_runtime_needs_numpy_alone(tmp_path: Path) -> None:
    (tmp_path / "predict.py").write_text(predict_py())
    program = "import runpy, sys\nrunpy.run_path('predict.py', run_name='predict')\n"
    program += "print(sorted({m.split('.')[0] for m in sys.modules} & {'onnxruntime', 'automl', 'pandas', 'sklearn'}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_error_leaves_the_old_output_alone(
    table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("c,n\nhot,word\n")
    (tmp_path / "out.csv").write_text("old")
    code = main([str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv"), "--model", str(table_folder)])
    assert code == 2
    assert "row 1 has 'word'" in capsys.readouterr().err
    assert (tmp_path / "out.csv").read_text() == "old"
    assert {p.name for p in tmp_path.iterdir()} == {"in.csv", "out.csv", "model"}


def predict_into(output: Any, table_folder: Path) -> None:
    data = table_folder.parent / "in.csv"
    data.write_text("c,n\nhot,1\n")
    assert main([str(data), "-o", str(output), "--model", str(table_folder)]) == 0


def test_a_device_or_a_pipe_is_written_to_not_replaced(table_folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        predict_into(pipe, table_folder)
        assert read.result().startswith("prediction,probability_no,probability_yes\nyes,")
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["in.csv", "link.csv", "twin.csv", "./in.csv"])
def test_predictions_are_never_written_over_what_they_are_for(
    name: str, table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "in.csv"
    data.write_text("c,n\nhot,1\n")
    (tmp_path / "link.csv").symlink_to(data)
    (tmp_path / "twin.csv").hardlink_to(data)
    assert main([str(data), "-o", name, "--model", str(table_folder)]) == 2
    assert "would be written over" in capsys.readouterr().err
    with pytest.raises(AutoMLError, match="would be written over"):
        predict(str(table_folder), "in.csv", name)
    assert data.read_text() == "c,n\nhot,1\n"


def test_a_link_is_followed(table_folder: Path, tmp_path: Path) -> None:
    for target in (tmp_path / "new.csv", tmp_path / "old.csv"):
        link = tmp_path / f"link to {target.name}"
        link.symlink_to(target)
    target.write_text("old")
    for target in (tmp_path / "new.csv", tmp_path / "old.csv"):
        predict_into(tmp_path / f"link to {target.name}", table_folder)
        assert target.read_text().startswith("prediction,")
        assert (tmp_path / f"link to {target.name}").is_symlink()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.txt", b"", "must be a .csv"),
        ("in.csv.parquet", b"", "must be a .csv"),
        ("in.npz", b"PK", "cannot be read"),
        ("in.csv", b"", "is empty"),
        ("in.csv", b"a,b\n1,2,3\n", "line 2"),
        ("in.csv", b"a\n\xff\n", "UTF-8"),
    ],
)
def test_bad_input_files(
    table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: Any, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert main([str(tmp_path / name), "--model", str(table_folder)]) == 2
    assert message in capsys.readouterr().err


def test_missing_input_names_the_nearest(
    table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "input.csv").write_text("c,n\nhot,1\n")
    assert main([str(tmp_path / "imput.csv"), "--model", str(table_folder)]) == 2
    assert "Did you mean 'input.csv'" in capsys.readouterr().err


def test_npz_without_x(table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "d.npz", z=np.ones(3))
    assert main([str(tmp_path / "d.npz"), "--model", str(table_folder)]) == 2
    assert "it has 'z'" in capsys.readouterr().err


def test_nothing_beside_the_copied_file_is_run(table_folder: Path, tmp_path: Path) -> None:
    for name in ("numpy", "csv", "onnxruntime", "lz4"):
        (table_folder / f"{name}.py").write_text("raise SystemExit('planted')\n")
    (tmp_path / "in.csv").write_text("c,n\nhot,1\n")
    for where in (table_folder, tmp_path):
        command = [sys.executable, str(table_folder / "predict.py"), str(tmp_path / "in.csv")]
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[1].startswith("yes,")


@pytest.mark.parametrize("program", ["predict.py", "-m automl.cli predict"])
def test_onnxruntime_keeps_no_file_of_its_own(table_folder: Path, tmp_path: Path, program: str) -> None:
    (tmp_path / "in.csv").write_text("c,n\nhot,1\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    own = [str(table_folder / "predict.py")] if program == "predict.py" else [*program.split(), str(table_folder)]
    env = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"} | {"TMPDIR": str(scratch)}
    subprocess.run(
        [sys.executable, *own, str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")], env=env, check=True
    )
    assert list(scratch.iterdir()) == []


def test_texts_that_are_formulas_are_exact_unless_they_are_for_a_spreadsheet(
    table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_schema(classes=["=1+1", "-1"])(table_folder)
    (tmp_path / "in.csv").write_text("c,n\nhot,1\ncold,-9\n")
    arguments = [str(tmp_path / "in.csv"), "--model", str(table_folder)]
    answers = []
    for more in ([], ["--spreadsheet"]):
        assert main([*arguments, *more]) == 0
        answers.append([line.split(",")[0] for line in capsys.readouterr().out.splitlines()])
    assert answers == [["prediction", "-1", "=1+1"], ["prediction", "-1", "'=1+1"]]


@pytest.mark.parametrize("cell", ["=1+1", "+1+cmd", "-x", "@SUM(A1)", "\t=1", "\r=1", "= 1"])
def test_formulas_are_defused(cell: Any) -> None:
    assert defused(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", [-1.5, 3, None, "-1", "+1e3", "-0.5", "a=b", "", "1+1", "'x"])
def test_what_is_no_formula_stays(cell: Any) -> None:
    assert defused(cell) == cell


def test_a_full_disk_is_named_and_what_was_there_stays(
    table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("c,n\nhot,1\n")
    assert main([str(tmp_path / "in.csv"), "-o", "/dev/full", "--model", str(table_folder)]) == 2
    assert "'/dev/full' (No space left on device)" in capsys.readouterr().err
