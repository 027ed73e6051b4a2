"""Files appear whole or not at all, on a full disk too; temporary folders do not outlive their owners."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from automl import blend_runs, files, run_folder
from automl.errors import AutoMLError, ConfigError
from tests import disks


def test_a_full_disk_leaves_the_old_file_and_is_named(tmp_path: Path) -> None:
    files.write(tmp_path / "a", "old")
    with disks.full(), pytest.raises(AutoMLError, match=f"cannot be written.*kept; make room in '{tmp_path}'"):
        files.write(tmp_path / "a", "new" * 100)
    assert (tmp_path / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_new_file_is_private_and_whole(tmp_path: Path) -> None:
    files.write(tmp_path / "a", "ü")
    files.write(tmp_path / "b", b"x", files.PUBLIC)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "ab"] == [0o600, 0o644]
    assert (tmp_path / "a").read_text(encoding="utf-8") == "ü"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [1]\nb: *a", "aliases"),
        ("[" * 100 + "]" * 100, "nested in more than"),
        ("a: [", "expected"),
        ("!!python/object:os.system {}", "constructor"),
        ("#" * 10_000_001, "larger than"),
    ],
    ids=["aliases", "deep", "torn", "python", "large"],
)
def test_yaml_within_limits(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        files.read_yaml(tmp_path / "a.yaml")


def test_the_folders_of_killed_processes_are_cleared_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from automl.files import scratch\n"
        f"with scratch(Path({str(tmp_path)!r}), 'automl-') as f: print(f, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        other = Path(process.stdout.readline().strip())
        with files.scratch(tmp_path, "automl-"):
            assert other.is_dir()
        process.kill()
    (tmp_path / "automl-of somebody else").mkdir()
    with files.scratch(tmp_path, "automl-") as own:
        assert {p.name for p in tmp_path.iterdir()} == {own.name, "automl-of somebody else"}
    assert not own.exists()


def test_runs_that_start_at_the_same_moment_have_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: run_folder.create().path, range(24)))
    assert len(set(made)) == 24

    def taken(_: int) -> bool:
        try:
            return bool(run_folder.create("same"))
        except ConfigError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(taken, range(24))) == 1


def test_a_run_folder_is_private(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o755)
    for name in ("new", "there"):
        folder = run_folder.create(tmp_path / name).bind(1)
        paths = (folder.path, Path(folder.models(None)), folder.path / "run.json", Path(folder.leaderboard_url))
        assert [path.stat().st_mode & 0o077 for path in paths] == [0, 0, 0, 0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("part", ["", "run.json", "trials"])
def test_the_folder_of_another_user_is_opened_when_it_is_trusted(tmp_path: Path, part: str) -> None:
    folder = run_folder.create(tmp_path / "run").bind(7)
    os.chown(folder.path / part, 12345, 12345)
    with pytest.raises(AutoMLError, match=r"belongs to another user.*--trust"):
        run_folder.find(folder.path)
    assert run_folder.find(folder.path, trust=True).run_id == 7


DAMAGED = ["", "{", "[]", "{}", "[" * 50_000, "ÿ"]


@pytest.mark.parametrize("record", [*DAMAGED, '{"run_id": "1"}', '{"run_id": true}'])
def test_a_damaged_record_is_named(tmp_path: Path, record: str) -> None:
    (tmp_path / "run.json").write_text(record, encoding="latin-1")
    with pytest.raises(AutoMLError, match=r"run\.json' is damaged: .*\. Bring it back from a copy"):
        run_folder.find(tmp_path)
    for number in (0, -1, 2**63):
        (tmp_path / "run.json").write_text(json.dumps({"run_id": number, "leaderboard": "x"}))
        with pytest.raises(AutoMLError, match="its run_id is none"):
            run_folder.find(tmp_path)


@pytest.mark.parametrize("at", range(0, 150, 7))
def test_a_record_in_which_a_character_has_changed_is_damaged(tmp_path: Path, at: int) -> None:
    folder = run_folder.create(tmp_path / "run").bind(7)
    path = folder.path / "run.json"
    text = path.read_text()
    assert run_folder.find(folder.path) == folder
    at %= len(text.rstrip())
    path.write_text(f"{text[:at]}{'1' if text[at] != '1' else '2'}{text[at + 1 :]}")
    with pytest.raises(AutoMLError, match=r"run\.json' is damaged"):
        run_folder.find(folder.path)


@pytest.mark.parametrize(
    "record", [*DAMAGED, '{"targets": ["a"]}', '{"targets": {"a": 1}}', '{"targets": {"a": ".."}}']
)
def test_a_damaged_record_of_several_targets_is_named(tmp_path: Path, record: str) -> None:
    (tmp_path / run_folder.TARGETS).write_text(record, encoding="latin-1")
    with pytest.raises(AutoMLError, match=r"targets\.json' is damaged: .*\. Bring it back from a copy"):
        run_folder.runs_in(tmp_path)


FORM = {"id": "id", "target": "y", "columns": ["y"], "answers": "values", "classes": []}
NOTED: dict[str, Any] = {"train": "a.csv", "test": "b.csv", "sample": "c.csv", "forms": [FORM]}
NOT_NOTED = [NOTED | {"forms": []}, NOTED | {"test": None}, *(NOTED | {"forms": [FORM | {key: 1}]} for key in FORM)]


@pytest.mark.parametrize("record", [*DAMAGED, *map(json.dumps, NOT_NOTED)])
def test_a_damaged_note_of_a_contest_is_named(tmp_path: Path, record: str) -> None:
    runs = [run_folder.create(tmp_path / name).bind(1).path for name in "ab"]
    with pytest.raises(AutoMLError, match="is no run of `automl compete`"):
        blend_runs.ensemble([str(run) for run in runs], "x.csv")
    (runs[0] / "contest.json").write_text(record, encoding="latin-1")
    with pytest.raises(AutoMLError, match=r"contest\.json' is damaged: .*\. Bring it back from a copy"):
        blend_runs.ensemble([str(run) for run in runs], "x.csv")
