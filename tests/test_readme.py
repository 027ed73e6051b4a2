"""What the README says, works: its commands parse, its options exist, its Python runs."""

import re
import shutil
from pathlib import Path

import pytest

from automl import registry
from tests.pages import ROOT, blocks, check_exists, commands, compose, compositions

README = (ROOT / "README.md").read_text()
COMMANDS = commands("README.md")
SEARCHES = [c for c in COMMANDS if c.startswith("automl search")]


@pytest.mark.parametrize("overrides", compositions(SEARCHES), ids=" ".join)
def test_every_search_command_composes(overrides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_loss.py").write_text("from automl.option import Loss\n\nOPTION = Loss(space={}, build=print)\n")
    shutil.copy(ROOT / "examples" / "own_space.yaml", tmp_path / "my_space.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    compose(overrides)


@pytest.mark.parametrize("group", ["searcher", "scheduler", "runner"])
def test_the_table_lists_every_option(group: str) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| `{group}` |"))
    listed = set(re.findall(r"`(\w+)`", row)) - {group}
    assert listed == set(registry.names(f"{group}s")) | ({"auto"} if group == "runner" else set())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_exists(command: str) -> None:
    check_exists(command)


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = blocks("README.md", "python")
    monkeypatch.chdir(tmp_path)
    # A README's half minute is too long for a test.
    assert "seconds=30" in code
    exec(compile(code.replace("seconds=30", "seconds=None, trials=2"), "README.md", "exec"), {})
    assert (tmp_path / "breast_cancer_model" / "manifest.json").exists()


def test_its_files_exist() -> None:
    for path in re.findall(r"\]\(([\w/]+\.md)\)", README):
        assert (ROOT / path).exists()
