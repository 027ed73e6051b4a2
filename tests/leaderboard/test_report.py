"""The leaderboard as people and programs see it."""

import csv
import io
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from automl.leaderboard import words
from automl.leaderboard.records import ArtifactRecord, Board, EnsembleRecord, Page, Run, StoredMetric
from automl.leaderboard.report import COLUMNS, frame, render, render_runs, table, to_csv, to_json
from automl.leaderboard.store import Store
from automl.types import Candidate, FoldRef, Trial

LOSS = StoredMetric("log_loss", greater_is_better=False)
FOLDER = "/data/runs/2026-01-31/a-folder-whose-path-is-much-longer-than-eighty-characters/14-03-22"


def folds(*scores: Any) -> Any:
    return tuple(FoldRef(i, score) for i, score in enumerate(scores))


def trial(id: str, family: str, status: Any = "finished", score: float | None = None, **changes: Any) -> Trial:
    return Trial(
        Candidate(id, {"family": family, "lr": 0.1}), status, {} if score is None else {"score": score}, **changes
    )


@pytest.fixture
def board() -> Board:
    traceback = "Traceback (most recent call last):\n  File x, line {0}\nValueError: rate {0} is [bold]too high[/bold]"
    trials = (
        trial("118", "linear", score=math.nan),
        trial("119", "mlp", "failed", failure=traceback.format(3)),
        trial("120", "lightgbm", "stopped", -0.4, seconds=3.25),
        trial("1121", "temporal_conv", score=-0.123456, folds=folds(-0.12, -0.13), seconds=12345.6),
        trial("122", "mlp", "failed", failure=traceback.format(4)),
        trial("123", "forest", score=-98765.4321, folds=folds(-1e5, -1e4)),
    )
    run = Run(3, "adult", "finished", 1.7e9, 1.7e9 + 301, FOLDER, LOSS, 7, "f", {}, {}, config={"tol": math.inf})
    ensemble = EnsembleRecord((("120", 0.25), ("1121", 0.75)), -0.11)
    artifact = ArtifactRecord(
        "out/compact", "compact", 123456, 0.114, 0.15, 1.2, 1.5, -0.12, -0.125, -0.13, True, ("1121",)
    )
    return Board(run, trials, ensemble, (artifact,))


def with_values(board: Board) -> Board:
    """The board, its last trial with a value beside the score."""
    last = board.trials[-1]
    return replace(board, trials=(*board.trials[:-1], replace(last, values={**last.values, "synflow": 3.5})))


def page(board: Board, folder: Path, top: int | None = 20) -> Page:
    """A board's page, as the store reads it."""
    with Store(folder / "page.db") as store:
        run = store.start_run(name="adult", folder=folder, metric=LOSS, config={}, task={})
        for trial in board.trials:
            store.add_trial(run, trial)
        found = store.page(run, top)
    return replace(found, run=board.run, ensemble=board.ensemble, artifacts=board.artifacts)


def printed(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    file = io.StringIO()
    function(*arguments, Console(file=file, width=80, **options))
    return file.getvalue()


def test_rows_are_sorted_best_first_and_failed_last_in_the_usual_sign(board: Board) -> None:
    rows = table(board.trials, LOSS, board.artifacts)
    assert [(row["rank"], row["id"]) for row in rows] == [
        *((1, "1121"), (2, "123"), (3, "120"), (None, "118"), (None, "119"), (None, "122"))
    ]
    best = rows[0]
    assert tuple(best) == COLUMNS
    assert (best["score"], best["n_bytes"], best["latency_ms"]) == (0.123456, 123456, 0.114)
    assert best["spread"] == pytest.approx(0.00707, abs=1e-5)
    assert rows[-1]["failure"] == "ValueError: rate 4 is [bold]too high[/bold]"
    assert [row["score"] for row in table(board.trials, StoredMetric("r2"))][:3] == [-0.123456, -98765.4321, -0.4]
    assert table([], LOSS) == []


def test_at_80_columns_nothing_is_cut_off(board: Board, tmp_path: Path) -> None:
    text = printed(render, page(board, tmp_path))
    lines = text.splitlines()
    (best,) = [line for line in lines if "temporal_conv" in line]
    assert " ".join(best.split()) == "1 1121 temporal_conv 0.12346 0.0071 12345.6 finished 75% 123 KB 0.114"
    assert len(best) <= 80
    assert "…" not in text
    assert "\x1b" not in text
    for line in (
        FOLDER,
        "log_loss (smaller is better), seed 7, 6 trials: 3 finished, 1 stopped, 2 failed",
        "Ensemble 0.11 of trials 1121 (75%), 120 (25%)",
        "Model 'compact': 123 KB, verified",
        "  one row 0.114 ms (p95 0.15 ms), batch 1.2 ms (p95 1.5 ms)",
        "  validation 0.12, compressed 0.125, test 0.13",
        "   2 x mlp: ValueError: rate 3 is [bold]too high[/bold]",
    ):
        assert line in lines


def test_a_terminal_gets_colour_unless_it_is_not_wanted(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page(board, tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;32m" in printed(render, shown, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "32m" not in printed(render, shown, force_terminal=True, color_system="standard")


def test_the_number_of_rows_is_limited_and_the_rest_counted(board: Board, tmp_path: Path) -> None:
    trials = tuple(trial(str(i), "mlp", score=float(i)) for i in range(50))
    assert "and 30 more" in printed(render, page(replace(board, trials=trials), tmp_path))
    assert printed(render, page(replace(board, trials=trials), tmp_path, top=None)).count("mlp") == 50


def test_an_empty_run_renders(board: Board) -> None:
    text = printed(render, Page(replace(board.run, status="running", ended_at=None), counts={}))
    assert "running\n" in text
    assert "0 trials" in text


def test_json_is_strict_and_whole(board: Board) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    whole = json.loads(to_json(with_values(board)), parse_constant=refuse)
    assert [row["id"] for row in whole["trials"]] == ["1121", "123", "120", "118", "119", "122"]
    assert whole["trials"][0]["params"] == {"family": "temporal_conv", "lr": 0.1}
    assert whole["trials"][0]["fold_scores"] == [0.12, 0.13]
    assert whole["trials"][1]["measured"] == {"synflow": 3.5}
    assert whole["trials"][3]["score"] is None
    assert whole["run"]["config"] == {"tol": None}
    assert whole["run"]["metric"] == {"name": "log_loss", "greater_is_better": False}
    assert whole["ensemble"] == {
        "score": 0.11,
        "members": [{"id": "120", "weight": 0.25}, {"id": "1121", "weight": 0.75}],
    }
    assert (whole["artifacts"][0]["test_score"], whole["artifacts"][0]["verified"]) == (0.13, True)


def test_csv_and_frame_hold_every_trial(board: Board) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(with_values(board)))))
    assert [row["id"] for row in rows] == ["1121", "123", "120", "118", "119", "122"]
    assert float(rows[0]["score"]) == 0.123456
    assert json.loads(rows[0]["params"])["lr"] == 0.1
    assert [json.loads(row["measured"]) for row in rows[:2]] == [{}, {"synflow": 3.5}]
    assert list(frame(board).columns) == list(COLUMNS)
    assert list(frame(board)["rank"].dropna()) == [1, 2, 3]
    assert len(frame(Board(board.run))) == 0


def test_everything_renders_from_the_store_alone(board: Board, tmp_path: Path) -> None:
    with Store(tmp_path / "leaderboard.db") as store:
        run = store.start_run(name="adult", folder=tmp_path, metric=LOSS, config={}, task={})
        for each in board.trials:
            store.add_trial(run, each)
        store.save_ensemble(run, board.ensemble.members, board.ensemble.score)
        store.save_artifacts(run, board.artifacts[:1])
        stored = store.board("adult")
        assert "Ensemble 0.11" in printed(render, store.page("adult"))
        assert json.loads(to_json(stored))["trials"] == json.loads(to_json(board))["trials"]
        (line,) = [line for line in printed(render_runs, store.runs()).splitlines() if "adult" in line]
        assert line.split()[:3] == ["1", "adult", "running"]


def test_words_for_numbers() -> None:
    assert [words.number(v) for v in (None, 0.912346, 12345.678, 1234567.8, -0.0001234567, math.nan)] == [
        *("-", "0.91235", "12346", "1234568", "-0.00012346", "nan")
    ]
    sizes = [words.size(v) for v in (None, 0, 999, 33_500, 999_600, 1.5e9)]
    assert sizes == ["-", "0 B", "999 B", "33.5 KB", "1 MB", "1.5 GB"]
    assert [words.duration(v) for v in (-1, 59.6, 3599, 3600)] == ["0:00", "1:00", "59:59", "1:00:00"]
    assert [words.milliseconds(v) for v in (None, 0.1149, 1234.5)] == ["-", "0.115 ms", "1234 ms"]
    assert words.reason(None) == words.reason(" \n") == "no reason given"
    assert words.reason("first\nsecond") == "first"


def test_the_constant_prediction_has_a_line_below_what_beats_it(board: Board, tmp_path: Path) -> None:
    task = {"baseline": -0.2, "baseline_folds": [-0.1, -0.3], "folds": 2}
    known = replace(board, run=replace(board.run, task=task))
    found = frame(known)
    assert found["family"].tolist()[:3] == ["temporal_conv", "baseline", "forest"]
    assert found["rank"].fillna(0).tolist()[:3] == [1, 0, 2]
    assert found["score"][1] == 0.2
    assert "baseline" in to_csv(known)
    assert json.loads(to_json(known))["baseline"] == {"score": 0.2, "fold_scores": [0.1, 0.3]}
    shown = replace(page(board, tmp_path), run=known.run)
    lines = [line.split() for line in printed(render, shown).splitlines()]
    (place,) = [i for i, line in enumerate(lines) if "baseline" in line]
    assert "temporal_conv" in lines[place - 1]
    assert any(line[-2:] == ["stopped", "0/2"] or "0/2" in line for line in lines)


def test_what_has_to_be_known_of_a_model_is_said(board: Board, tmp_path: Path) -> None:
    warned = replace(board.artifacts[0], details={"remarks": ["The model does not beat the constant prediction."]})
    assert "does not beat" in printed(render, page(replace(board, artifacts=(warned,)), tmp_path))


def test_a_stopped_trial_says_how_many_folds_it_has_or_that_its_training_was_short() -> None:
    said = [
        words.status(status, done, n)
        for status, done, n in [
            ("stopped", 3, 8),
            ("stopped", 1, 1),
            ("stopped", 0, 1),
            ("stopped", 2, None),
            ("finished", 1, 1),
        ]
    ]
    assert said == ["stopped 3/8", "short", "stopped 0/1", "stopped", "finished"]


def test_a_stopped_trial_may_have_a_reason() -> None:
    (row,) = table([trial("1", "conv", "stopped", failure="A fit takes 16 steps at least.")], LOSS)
    assert (row["status"], row["failure"]) == ("stopped", "A fit takes 16 steps at least.")
