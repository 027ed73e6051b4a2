"""What the README says, works: its commands parse, its options exist, its Python runs."""

import re
import shlex
from pathlib import Path

import pytest

from automl import registry
from automl.hydra_app import composed

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.split("#")[0].strip() for kind, block in BLOCKS if kind == "bash" for line in block.splitlines()]
SEARCHES = [c for c in COMMANDS if c.startswith("automl search")]


@pytest.mark.parametrize("command", SEARCHES)
def test_every_search_command_composes(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_loss.py").write_text("from automl.option import Loss\n\nOPTION = Loss(space={}, build=print)\n")
    monkeypatch.syspath_prepend(tmp_path)
    words = [w for w in shlex.split(command)[2:] if w not in ("...", "-m")]
    overrides = [w.split(",")[0] if w.startswith("seed=") else w for w in words]
    train = [] if any(w.startswith("data.train") for w in words) else ["data.train=x"]
    config = composed([*train, *overrides])
    assert config["data"]["train"]


@pytest.mark.parametrize("group", ["searcher", "scheduler", "runner"])
def test_the_table_lists_every_option(group: str) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| `{group}` |"))
    listed = set(re.findall(r"`(\w+)`", row)) - {group}
    assert listed == set(registry.names(f"{group}s")) | ({"auto"} if group == "runner" else set())


def test_the_other_commands_exist() -> None:
    from automl.cli import USAGE

    for command in {c.split()[1] for c in COMMANDS if c.startswith("automl ")}:
        assert f"automl {command}" in USAGE
    makefile = (ROOT / "Makefile").read_text()
    for target in {c.split()[1] for c in COMMANDS if c.startswith("make ")}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = [block for kind, block in BLOCKS if kind == "python"]
    monkeypatch.chdir(tmp_path)
    # A README's half minute is too long for a test, and its runner needs none of Ray.
    exec(compile(code.replace("seconds=30", "seconds=8"), "README.md", "exec"), {})
    assert (tmp_path / "breast_cancer_model" / "manifest.json").exists()


def test_its_files_exist() -> None:
    for path in re.findall(r"\]\((\w+\.md)\)", README):
        assert (ROOT / path).exists()
