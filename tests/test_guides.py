"""What the guides and CONTRIBUTING.md say, works: one small search stands behind the commands about a run."""

import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from automl import metrics, registry
from automl.cli import main
from tests.pages import ROOT, blocks, check_exists, commands, compose, compositions

PAGES = ["CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md")))]
COMMANDS = [(page, command) for page in PAGES for command in commands(page)]
SEARCHES = [command for _, command in COMMANDS if command.startswith("automl search")]
TABLE, BENCHMARK = "docs/guides/table.md", "docs/guides/benchmark.md"
FIRST, *LATER = commands(TABLE)
# What is done with the run that the first command leaves.
READS = ("automl leaderboard", "automl predict", "automl export", "automl space", "python runs")
WITH_THE_RUN = [c for c in (*LATER, *commands(BENCHMARK)) if c.startswith(READS)]
FAMILIES = ("linear", "decision_tree")
# Of pymdownx.snippets: a whole file, or a named section of one.
INCLUDE = re.compile(r'--8<-- "(?P<file>[\w./-]+)(:(?P<section>\w+))?"')


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder of a person: data, options and a metric of their own, and the run of the first guide."""
    folder = tmp_path_factory.mktemp("place")
    runpy.run_path(str(ROOT / "examples" / "write_breast_cancer.py"))["main"](str(folder))
    for name in ("family", "loss", "searcher"):
        shutil.copy(ROOT / "examples" / f"own_{name}.py", folder / f"my_{name}.py")
    shutil.copy(ROOT / "examples" / "own_space.yaml", folder / "my_space.yaml")
    (metric,) = blocks(BENCHMARK, "python")
    (folder / "my_metric.py").write_text(metric)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        off = [f"space.tables.{name}=off" for name in registry.available("tables") if name not in FAMILIES]
        small = ["budget.seconds=null", "budget.trials=2", "data.folds=2", "runner=inline", "compress=none", *off]
        main([*shlex.split(FIRST)[1:], *small])
        yield folder


@pytest.mark.parametrize("overrides", compositions(SEARCHES), ids=" ".join)
@pytest.mark.usefixtures("place")
def test_every_search_composes(overrides: list[str]) -> None:
    compose(overrides)


@pytest.mark.parametrize("command", sorted({command for _, command in COMMANDS}))
def test_every_command_exists(command: str) -> None:
    check_exists(command)


@pytest.mark.parametrize("command", WITH_THE_RUN)
@pytest.mark.usefixtures("place")
def test_what_is_done_with_a_run(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *arguments = shlex.split(command)
    if program == "automl":
        main(arguments)
    else:
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit, match="0"):
            runpy.run_path(arguments[0], run_name="__main__")


@pytest.mark.usefixtures("place")
def test_the_python_of_the_first_guide_runs() -> None:
    (code,) = blocks(TABLE, "python")
    exec(compile(code, TABLE, "exec"), {})


@pytest.mark.parametrize("page", ["docs/guides/own_models.md"])
def test_the_python_of_a_guide_runs_from_top_to_bottom(page: str) -> None:
    names: dict[str, object] = {}
    for code in blocks(page, "python"):
        exec(compile(code, page, "exec"), names)


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_what_a_page_includes_is_there(page: str) -> None:
    for line in (ROOT / page).read_text().splitlines():
        if re.search(r"8\s*<\s*-", line):
            found = INCLUDE.fullmatch(line)
            assert found, f"{page} would show this line as it stands: {line}"
            included = (ROOT / found["file"]).read_text()
            for edge in ("start", "end") if found["section"] else ():
                assert f"--8<-- [{edge}:{found['section']}]" in included


def test_the_templates_are_shown() -> None:
    included = {found["file"] for found in INCLUDE.finditer((ROOT / "docs" / "own.md").read_text())}
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "examples").glob("own_*.py")} <= included


@pytest.mark.usefixtures("place")
def test_the_metric_of_the_guide_counts_a_missed_malignant_one_five_times() -> None:
    cost = metrics.get("my_metric:cost", "binary")
    all_malignant = np.tile([0.1, 0.9], (4, 1))
    y = np.array([1, 0, 1, 0])
    assert cost.score(y, all_malignant) == -2 / 4
    assert cost.score(y, 1 - all_malignant) == -10 / 4
