"""The report of real runs: what it says, in what time, and the command that it ends with."""

import json
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_digits

from automl import cli, commands, registry, run_folder
from automl.again import command_of
from automl.cli import main
from automl.clock import QUICK_REPORT_SECONDS, REPORT_SECONDS, TimePlan
from automl.explain.explanation import RowExplanation
from automl.explain.mixed import plain
from automl.export.package import opened_graph
from automl.hydra_app import composed
from automl.past_run import open_run
from automl.report import about_columns, about_losses, about_pictures, about_reasons, make
from automl.report.share import Share
from automl.report.subject import Finished

SECTIONS = ["What won", "What is shipped", "Data", "Drift", "What was searched", "Learning curves", "How right it is"]
SECTIONS += ["What matters", "What the answers are made of", "Limits of use", "How to run it again"]
EVIL = "<script>x</script> | `a`"


@pytest.fixture(autouse=True)
def budget_begins_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "STARTED", time.time())


def a_file(path: Path, target: str, n: int = 150) -> Path:
    rng = np.random.default_rng(0)
    x = pd.DataFrame({EVIL: rng.normal(size=n), "b": rng.normal(size=n), "c": rng.choice(["u", "<i>v</i>"], n)})
    signal = x[EVIL] + x["b"] * (x["c"] == "u") + 0.3 * rng.normal(size=n)
    classes = {"binary": np.where(signal > 0, "yes", EVIL), "multiclass": np.digitize(signal, [-1, 1])}
    x["y"] = classes.get(target, signal)
    x.loc[::9, "b"] = np.nan
    x.to_csv(path, index=False)
    return path


def a_run(tmp_path: Path, target: str, *more: str) -> Path:
    train = a_file(tmp_path / "train.csv", target)
    test = a_file(tmp_path / "test.csv", target, 60)
    quick = {"decision_tree", "linear"}
    families = [f"space.tables.{name}=off" for name in registry.available("tables") if name not in quick]
    given = [f"data.train={train}", "data.target=y", f"data.test={test}", f"run.dir={tmp_path / 'run'}", *families]
    main(
        ["search", *given, "budget.trials=3", "budget.seconds=60", "data.folds=2", "runner=inline", "quiet=true", *more]
    )
    return tmp_path / "run"


@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
def test_a_run_reports(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run(tmp_path, target, "report=false")
    assert not (run / "report.html").exists()
    main(["report", str(run), "-o", str(tmp_path / "out")])
    assert "report.html" in capsys.readouterr().out
    page, text = ((tmp_path / "out" / name).read_text() for name in ("report.html", "report.md"))
    for title in SECTIONS:
        assert f"<h2>{title}" in page
        assert f"## {title}" in text
    assert ("<h2>What would change the answer" in page) == (target != "regression")
    assert "<h2>How answers follow single columns" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "Left out" not in page
    assert "a guess that looks at no column" in page
    assert "The rows that it is most mistaken about" in page
    for word in ("Calibration", "ROC curve") if target != "regression" else ("Residuals",):
        assert word in page


def test_a_run_on_images_shows_what_its_network_looks_at_and_what_losses_came_to(tmp_path: Path) -> None:
    images, labels = load_digits(return_X_y=True)
    shown = {"x_train": images[:150].reshape(-1, 8, 8).astype(np.uint8), "y_train": labels[:150] > 4}
    np.savez(tmp_path / "digits.npz", **shown)
    small = ["budget.trials=3", "budget.seconds=null", "data.folds=2", "space.images.conv_stages.epochs=2"]
    small += ["searcher=random", "space.images.conv_stages.loss=[cross_entropy,focal]"]
    small += ["space.images.cells=off", "space.images.patches=off"]
    given = [f"data.train={tmp_path / 'digits.npz'}", f"run.dir={tmp_path / 'run'}", "runner=inline", "quiet=true"]
    main(["search", *given, *small, "compress=none", "report=false"])
    run = commands._finished(open_run(run_folder.find(tmp_path / "run")))
    section = about_pictures.looks(run, Share(time.time() + 60))
    assert section is not None
    *pictures, about = section.parts
    assert 0 < len(pictures) <= 3
    assert all(one.svg.count("<rect") == 2 * 8 * 8 for one in pictures)
    assert "Integrated gradients" in about.text
    tried = about_losses.losses(run, lambda: True)
    assert tried is not None
    table, said, _ = tried.parts
    assert sorted(row[1] for row in table.rows) == ["cross_entropy (default)", "focal"]
    counts = [int(row[2]) for row in table.rows]
    assert sum(counts) == 3
    assert "conv_stages" in said.text
    assert ("95 % of resamples" in said.text) == ("is better than trial" in said.text)


def of_kind(folder: Path, kind: str) -> list[str]:
    """Write a small data set; what of a search reads it with a single network."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 120)
    if kind == "sequence":
        x, lengths = rng.normal(size=(120, 9, 2)).astype(np.float32), rng.integers(4, 10, 120)
        x[:, :, 1] += 2 * y[:, None]
        x[np.arange(9) >= lengths[:, None]] = 0
        np.savez(folder / "x.npz", x_train=x, y_train=y, len_train=lengths)
        return [f"data.train={folder / 'x.npz'}", "space.sequences=[recurrent]"]
    if kind == "text":
        words = np.array(["the", "and", "some", "other", "words", "here"])
        said = [" ".join([*rng.choice(words, 5), ("awful", "splendid")[i], *rng.choice(words, 3)]) for i in y]
        frame = pd.DataFrame({"message": said})
    else:
        frame = pd.DataFrame({EVIL: rng.normal(size=120) + 2 * y, "b": rng.choice(["u", "<i>v</i>", "w"], 120)})
    frame.assign(y=y).to_csv(folder / "x.csv", index=False)
    only = "space.text=[subword_bag]" if kind == "text" else "space.tables=[mlp]"
    return [f"data.train={folder / 'x.csv'}", "data.target=y", only]


@pytest.mark.parametrize(
    ("kind", "said"), [("table", ["b = ", EVIL]), ("text", ["splendid", "awful"]), ("sequence", ["channel 2"])]
)
def test_what_a_network_goes_by_is_told_in_the_parts_of_its_rows(
    kind: str, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [*of_kind(tmp_path, kind), f"run.dir={tmp_path / 'run'}", "runner=inline", "quiet=true", "report=false"]
    main(["search", *given, "budget.trials=1", "budget.seconds=null", "data.folds=2", "compress=none"])
    run = commands._finished(open_run(run_folder.find(tmp_path / "run")))
    section = about_pictures.looks(run, Share(time.time() + 60))
    assert section is not None
    *pictures, about = section.parts
    assert "Integrated gradients" in about.text
    assert 1 < len(pictures) <= 4
    told = {row[0] for picture in pictures for row in picture.numbers.rows}
    assert all(any(word in name for name in told) for word in said)
    if kind == "text":
        words = [row[0] for row in pictures[0].numbers.rows]
        strongest = max(pictures[0].numbers.rows, key=lambda row: abs(float(row[1])))[0]
        assert strongest in ("splendid", "awful")
        assert len(words) <= 9
    elif kind == "sequence":
        assert all(picture.numbers.rows[0][0] == "channel 2" for picture in pictures[:1])
    assert "What a network looks at" in [one.title for one in make.make(run, time.time() + 60)]
    monkeypatch.setattr(about_pictures, "MISSED", -1.0)
    only = about_pictures.looks(run, Share(time.time() + 60))
    assert only is not None
    assert "do not add up" in only.parts[0].text


def test_a_search_ends_with_its_report_in_its_budget(tmp_path: Path) -> None:
    run = a_run(tmp_path, "binary", "budget.seconds=150")
    assert "What won" in (run / "report.md").read_text()
    phases = json.loads((run / "timings.json").read_text())
    assert 0 < phases["reporting"] < REPORT_SECONDS + 5  # it is told when its time is up; one step may last a little


def test_a_short_search_ends_with_the_quick_sections(tmp_path: Path) -> None:
    text = (a_run(tmp_path, "binary", "budget.seconds=30") / "report.md").read_text()
    titles = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    quick = ["What won", "What is shipped", "Data", "What was searched", "Learning curves", "How right it is"]
    assert titles == [*quick, "Limits of use", "How to run it again"]
    assert "want of time" in text
    assert "what the answers are made of" in text


def sorted_by_target(tmp_path: Path, target: str) -> Finished:
    """Return a run on rows in the order of their target, and without locked ones."""
    rng = np.random.default_rng(0)
    y = np.sort(np.arange(240) % 3)
    x = pd.DataFrame(
        {"a": y + 0.4 * rng.normal(size=240), "c": np.array(["u", "v", "w"])[y], "b": rng.normal(size=240)}
    )
    x["y"] = y * 10.0 + rng.normal(size=240) if target == "regression" else np.array(["k", "l", "m"])[y]
    x.to_csv(tmp_path / "x.csv", index=False)
    given = [
        f"data.train={tmp_path / 'x.csv'}",
        "data.target=y",
        f"run.dir={tmp_path / 'run'}",
        "space.tables=[linear]",
    ]
    given += ["budget.trials=1", "budget.seconds=null", "data.folds=2", "runner=inline", "quiet=true", "report=false"]
    main(["search", *given])
    return commands._finished(open_run(run_folder.find(tmp_path / "run")))


@pytest.mark.parametrize("target", ["multiclass", "regression"])
def test_answers_are_compared_with_rows_of_the_whole_table(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sorted_by_target(tmp_path, target)
    every = run.subject.pool(run.sample(np.arange(len(run.task.sample_index))))
    answers = run.subject.answers(every, plain(len(every.features), np.arange(sum(every.sizes))))
    spread = answers.std(axis=0)
    compared: list[RowExplanation] = []
    whole = about_reasons.explain

    def explained(*args: Any, **options: Any) -> Any:
        found = whole(*args, **options)
        compared.extend(found.rows)
        return found

    monkeypatch.setattr(about_reasons, "explain", explained)
    section = about_reasons.contributions(run, Share(time.time() + 60))
    assert any("learned from these rows" in part.text for part in section.parts if hasattr(part, "text"))
    assert any("out of fold" in part.caption for part in section.parts if hasattr(part, "caption"))
    for row in compared:  # of 32 random rows, within four standard errors of the mean
        np.testing.assert_allclose(row.base, answers.mean(axis=0), atol=4 * float(spread.max()) / np.sqrt(32))
    if target == "multiclass":
        strength = np.mean([np.abs(row.contributions).mean(axis=1) for row in compared], axis=0)
        chart = next(part for part in section.parts if hasattr(part, "numbers") and "Mean absolute" in part.caption)
        assert chart.numbers.rows[0][1] == f"{strength.max():.4g}"
        assert "3 classes" in chart.caption
    curve = about_columns.depends(run, ["b"], Share(time.time() + 60)).parts[0]  # which says nothing
    middle = np.array([[float(cell) for cell in row[1:]] for row in curve.numbers.rows]).mean(axis=0)
    np.testing.assert_allclose(middle, answers.mean(axis=0), atol=4 * float(spread.max()) / np.sqrt(100))


def test_locked_rows_are_explained_where_there_are_some(tmp_path: Path) -> None:
    run = commands._finished(open_run(run_folder.find(a_run(tmp_path, "multiclass", "report=false"))))
    assert run.task.test is not None
    assert run.explained.locked
    np.testing.assert_array_equal(run.explained.y, run.task.test.y)
    answers = opened_graph(run.model.graph(), run.task.schema)(run.task.test.x)
    np.testing.assert_allclose(run.explained.prediction, answers, atol=1e-6)
    section = about_reasons.contributions(run, Share(time.time() + 60))
    told = [part.caption for part in section.parts if hasattr(part, "caption")]
    assert sum(text.startswith("Test row") for text in told) > 1
    won = make.about_search.won(run, Share(time.time() + 60))
    (tested,) = (part for part in won.parts if hasattr(part, "header") and part.header[0].startswith("test "))
    for kind, score, interval in tested.rows:
        low, high = map(float, interval.split(" to "))
        assert low <= float(score) <= high, kind


def test_a_report_ends_in_time_and_names_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(tmp_path, "binary", "report=false")
    finished = commands._finished(open_run(run_folder.find(run)))

    def endless(*_: Any) -> None:
        time.sleep(60)

    monkeypatch.setattr(make.about_reasons, "matters", endless)
    started = time.time()
    sections = make.make(finished, time.time() + 5)
    assert time.time() - started < 15
    titles = [section.title for section in sections]
    assert "Data" in titles
    assert "What matters" not in titles
    (limits,) = (section for section in sections if section.title == "Limits of use")
    missed = limits.parts[0].items[-1].split("for want of time: ")[1]  # on a slow machine others before it too
    assert "what matters, drift, what the answers are made of, how answers follow" in missed
    assert make.make(finished, time.time() - 1)  # no time at all


def test_time_is_kept_for_what_a_report_takes() -> None:
    for seconds in (1.0, 10.0, 19.9):
        assert TimePlan(0, seconds, report=True).search_until == TimePlan(0, seconds).search_until
        assert not TimePlan(0, seconds, report=True).reports
    assert TimePlan(0, None, report=True).reports
    assert not TimePlan(0, None, report=True).reports_quickly
    for seconds in (20.0, 60.0, 119.0, 120.0, 600.0, 36_000.0):
        plan, without = TimePlan(0, seconds, report=True), TimePlan(0, seconds)
        kept = without.export_until - plan.export_until
        assert plan.reports_quickly == (seconds < 120)
        assert kept == pytest.approx(QUICK_REPORT_SECONDS if seconds < 120 else min(10.0, 0.025 * seconds))
        assert without.search_until - plan.search_until == pytest.approx(kept)
        assert plan.report_until == without.export_until < seconds


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["data.target=ünï $x", "data.train=a (1).csv", "data.order='null'", "run.dir=x"],
        ["searcher=gp", "scheduler=hyperband", "scheduler.eta=4", "runner=ray_tune", "runner.workers=2"],
        ["data.roles={a b: numeric, 'c: d': categorical}", "data.drop=[x, 'y, z']", "data.missing=[NA,-999]"],
        ["space.tables.svm=off", "space.tables.mlp.depth=3", "space.tables.lightgbm.num_leaves.high=1023"],
        ["space=small", "experiment=competition", "budget.seconds=null", "budget.trials=3", "seed=7"],
        ["metric=my.module:f", "goals=[score,bytes]", "data.folds=0.25", "data.decimal={a: comma}"],
    ],
)
def test_the_command_composes_to_the_same(overrides: Sequence[str]) -> None:
    recorded = composed(["data.train=t.csv", *overrides])
    again = shlex.split(command_of(recorded))
    assert again[:2] == ["automl", "search"]
    found = composed(again[2:])
    assert yaml.safe_dump(found | {"run": {}}) == yaml.safe_dump(recorded | {"run": {}})
    assert len(again) < 4 + 3 * len(overrides) + (60 if "space=small" in overrides else 0)
