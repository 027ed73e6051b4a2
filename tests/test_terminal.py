"""Nothing that people's data holds steers a terminal or runs in a spreadsheet."""

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from automl import cli
from automl.errors import DataError, unknown_name
from automl.faults import tell
from automl.leaderboard.records import ArtifactRecord, Board, Page, Run, Standing, StoredMetric
from automl.leaderboard.report import render, render_runs, runs_to_csv, runs_to_json, to_csv, to_json
from automl.progress import Progress
from automl.runners import ray_tune
from automl.runners._child import Child
from automl.runtime.main import main
from automl.runtime.model import Model
from automl.runtime.predictions import _write
from automl.runtime.printable import printable, printable_lines, shown
from automl.types import Budget
from tests.trials import candidate, trial

EVIL = {
    "colour": "\x1b[31mred",
    "clear": "\x1b[2J\x1b[H",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://x\x1b\\click\x1b]8;;\x1b\\",
    "C1": "\x9b31m",
    "OSC in C1": "\x9d0;owned\x9c",
    "back": "safe\b\b\b\bevil",
    "return": "line\rother",
    "bidi": "user\u202egnp.exe",
    "isolate": "\u2066x\u2069",
    "zero byte": "a\x00b",
    "separator": "a\u2028b",
    "line": "a\nautoml: all is well",
    "next line": "a\x85b",
    "delete": "a\x7fb",
    "surrogate": "a\udc80b",
    "tag": "\U000e0041",
    "markup": "[bold]x[/nothing]",
}


def is_safe(text: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in text)


def printed(use: Any, *arguments: Any) -> str:
    console = Console(file=io.StringIO(), width=80)
    use(*arguments, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture(params=list(EVIL.values()), ids=list(EVIL))
def evil(request: pytest.FixtureRequest) -> str:
    return request.param


def board(text: str) -> Board:
    metric = StoredMetric(text, greater_is_better=True)
    run = Run(1, text, "finished", 0.0, 1.0, text, metric, 0, "f", {}, {}, config={})
    trials = (trial(candidate("1", family=text), 0.5), trial(candidate("2", family=text), None, "failed", failure=text))
    return Board(run, trials, None, (ArtifactRecord(text, text, 1, 1, 1, 1, 1, 0.1, 0.1, 0.1, True, ("1",)),))


def test_tables_and_lists(evil: str) -> None:
    whole = board(evil)
    standings = [Standing.of(rank, trial) for rank, trial in enumerate(whole.trials, start=1)]
    page = Page(whole.run, {"finished": 1, "failed": 1}, standings, [(evil, evil, 1)], None, whole.artifacts, {"1"})
    assert is_safe(printed(render, page))
    assert is_safe(printed(render_runs, [board(evil).run]))


def test_csv_and_json(evil: str) -> None:
    assert is_safe(to_csv(board(evil)))
    assert is_safe(runs_to_csv([board(evil).run]))
    for text in (to_json(board(evil)), runs_to_json([board(evil).run])):
        assert is_safe(text)
    assert json.loads(to_json(board(evil)))["run"]["name"] == evil


@pytest.mark.parametrize("is_terminal", [False, True])
def test_the_live_view(evil: str, is_terminal: bool) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=is_terminal, color_system=None, legacy_windows=False)
    with Progress(console, metric=StoredMetric(evil)) as view:
        view.note(evil)
        view.phase(evil)
        view.update(trial(candidate("1", family=evil), None, "running"))
        view.update(trial(candidate("2", family=evil), 0.5))
        view.update(trial(candidate("3", family=evil), None, "failed", failure=evil))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    if is_terminal:  # what rich itself writes to draw its block
        text = text.translate({0x1B: None, 0x0D: None})
    assert is_safe(text)
    assert evil == EVIL["markup"] or evil not in text


def test_errors(evil: str, capsys: pytest.CaptureFixture[str]) -> None:
    for error in (DataError(f"There is no column '{evil}'."), unknown_name("column", "x", [evil, evil])):
        assert tell(error) == 2
        said = capsys.readouterr().err
        assert is_safe(said)
        assert said.count("\n") == 1
    with pytest.raises(SystemExit, match="2"):
        cli.main(["predict", evil, evil, evil])
    said = capsys.readouterr().err
    assert is_safe(said)
    assert said.count("\n") == 1
    assert main([evil, evil]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_child_processes_said_last(evil: str, tmp_path: Path) -> None:
    child = Child.__new__(Child)
    child.log = tmp_path / "log"
    child.log.write_text(f"first\n{evil}", errors="replace")
    assert is_safe(child.last_line())
    assert "\n" not in child.last_line()


def test_why_ray_was_lost(evil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(ray_tune.log, "warning", lambda text, *given: said.append(text % given))
    runner: Any = ray_tune.make(workers=1)
    monkeypatch.setattr(ray_tune, "MOST_STARTS", 0)
    monkeypatch.setattr(runner, "_end_ray", lambda: SimpleNamespace(running=True, lose_all=lambda board, why: ()))
    monkeypatch.setattr(runner, "_pool", SimpleNamespace(hiring=False), raising=False)
    monkeypatch.setattr(runner, "_n_starts", 0, raising=False)
    board = SimpleNamespace(budget=Budget(trials=1), limit=0.0)
    run = SimpleNamespace(scheduler={}, known=SimpleNamespace(lag=None))
    assert list(runner._go_on(board, run, evil)) == []
    assert "Ray was lost" in said[0]
    assert is_safe(said[0])


def test_values_in_messages_and_whole_messages(evil: str) -> None:
    assert is_safe(shown(evil))
    assert "\n" not in shown(f"{evil}\n")
    assert printable(f"a\n{evil}").startswith("a\\n")
    assert printable(f"{evil}\n{evil}").isprintable()
    assert printable_lines(f"a\n{evil}").startswith("a\n")
    assert is_safe(printable_lines(evil))


def test_letters_of_all_languages_stay() -> None:
    for text in ("Größe", "日本語", "नमस्ते", "می\u200cخواهم", "👩\u200d🔬", "a b"):
        assert printable(text) == text


def test_predictions_are_exact_in_a_file_and_safe_on_a_terminal(evil: str) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    model = Model.__new__(Model)
    model.classes, model.quantiles, model.manifest = [evil, "x"], [], {}
    file, terminal = io.StringIO(), Terminal()
    for output in (file, terminal):
        _write(model, np.array([[0.9, 0.1]]), output, spreadsheet=False)
    assert next(csv.DictReader(io.StringIO(file.getvalue(), newline="")))["prediction"] == evil
    assert is_safe(terminal.getvalue())


@pytest.mark.parametrize("formula", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1"])
def test_formulas_are_defused_and_numbers_stay_numbers(formula: str) -> None:
    row = next(csv.DictReader(io.StringIO(to_csv(board(formula)))))
    assert row["family"] == printable(f"'{formula}")
    assert float(row["score"]) == 0.5
    assert next(csv.DictReader(io.StringIO(runs_to_csv([board(formula).run]))))["name"] == printable(f"'{formula}")
