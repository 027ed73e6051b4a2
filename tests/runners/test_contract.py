"""What every runner keeps: each trial starts once and ends once, is told, and whatever happens to it is a row."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from automl import registry
from automl.types import Budget, Trial
from tests.runners.objectives import Line, Toy

NONE = {"name": "none"}
XS = [{"x": x} for x in (0.05, 0.55, 0.1, 0.6, 0.15, 0.65, 0.2, 0.7)]
HERE = {"inline": {"threads": 1}, "processes": {"workers": 2}}
IN_PROCESSES = [name for name in HERE if name != "inline"]


def make(name: str, **options):
    return registry.load("runners", name).make(**{**HERE[name], **options})


def search(name: str, toy: Toy, line: Line, budget: Budget, scheduler: dict = NONE, **options) -> dict[str, Trial]:
    """Run a search; return the ended trials by id, having checked that each ended once and was told."""
    snapshots = list(make(name, **options).run(toy, line, scheduler, budget))
    ended = [s for s in snapshots if s.status != "running"]
    by_id = {s.candidate.id: s for s in ended}
    assert len(by_id) == len(ended), "a trial ended twice"
    assert {t.candidate.id: t for t in line.told} == by_id
    first = {s.candidate.id: s for s in reversed(snapshots)}
    assert first.keys() == by_id.keys(), "a trial started and did not end"
    assert all(s.status == "running" and not s.reports for s in first.values()), "a trial began with its end"
    return by_id


@pytest.mark.parametrize("name", HERE)
def test_trials_report_finish_and_fail(name: str) -> None:
    trials = search(name, Toy(outcome_mb=2), Line([{"x": 0.3}, {"x": 0.6, "do": "raise"}], 3), Budget())
    assert [trials[i].status for i in ("0", "1", "2")] == ["finished", "failed", "finished"]
    assert trials["1"].failure == "ValueError: the kernel is not positive definite"
    for i in ("0", "2"):
        assert trials[i].score == pytest.approx(trials[i].candidate.params["x"])
        assert len(trials[i].reports) == len(trials[i].fold_scores) == 5


@pytest.mark.parametrize("name", HERE)
def test_a_budget_of_trials_is_kept(name: str) -> None:
    assert sorted(search(name, Toy(), Line(XS), Budget(trials=3))) == ["0", "1", "2"]


@pytest.mark.parametrize("name", HERE)
def test_the_deadline_ends_trials_where_they_stand(name: str) -> None:
    trials = search(name, Toy(seconds=0.1, n_folds=10_000), Line(XS), Budget(deadline=time.time() + 8))
    assert {t.status for t in trials.values()} == {"stopped"}
    assert all(0 < len(t.reports) < 10_000 for t in trials.values())


@pytest.mark.parametrize("name", HERE)
def test_asha_stops_weak_trials_early(name: str) -> None:
    line = Line([{"x": x} for x in (0.9, 0.8, 0.1, 0.2, 0.95)])
    trials = search(name, Toy(seconds=0.05), line, Budget(trials=5), {"name": "asha", "grace_percent": 20, "eta": 3})
    stopped = [t for t in trials.values() if t.status == "stopped"]
    assert stopped
    assert all(len(t.reports) < 5 and t.score is not None for t in stopped)
    assert max(trials.values(), key=lambda t: t.score).status == "finished"


@pytest.mark.parametrize("name", HERE)
def test_closing_the_generator_stops_everything(name: str) -> None:
    line = Line(XS)
    snapshots = make(name).run(Toy(seconds=0.1), line, NONE, Budget(trials=500))
    for _ in range(12):
        next(snapshots)
    began = time.monotonic()
    snapshots.close()
    assert time.monotonic() - began < 10  # the trials would take minutes
    assert not psutil.Process().children(recursive=True)
    n_told = len(line.told)
    time.sleep(0.5)
    assert len(line.told) == n_told


@pytest.mark.parametrize("name", HERE)
def test_a_metric_from_a_notebook_reaches_the_trials(name: str) -> None:
    toy = Toy(score=lambda x: 2 * x)
    assert search(name, toy, Line([{"x": 0.25}], 1), Budget())["0"].score == pytest.approx(0.5)


@pytest.mark.parametrize("name", IN_PROCESSES)
def test_trials_that_die_are_rows_with_the_cause(name: str) -> None:
    line = Line([{"x": 0.5}, {"x": 0.7, "do": "exit"}, {"x": 0.9, "do": "hog"}], 4)
    trials = search(name, Toy(), line, Budget(), memory_share=200)
    assert [trials[i].status for i in "0123"] == ["finished", "failed", "failed", "finished"]
    assert trials["1"].failure.startswith("the worker process")
    assert "more than its share of 200 MB" in trials["2"].failure


@pytest.mark.parametrize("name", IN_PROCESSES)
def test_a_trial_whose_worker_is_killed_is_tried_once_more(name: str, tmp_path: Path) -> None:
    once = {"x": 0.5, "do": "die once", "mark": str(tmp_path / "died")}
    trials = search(name, Toy(), Line([once, {"x": 0.7, "do": "die"}], 2), Budget())
    assert trials["0"].status == "finished"
    assert trials["1"].status == "failed"
    assert "killed" in trials["1"].failure


@pytest.mark.parametrize("name", IN_PROCESSES)
def test_the_deadline_ends_also_a_fit_that_does_not_listen(name: str) -> None:
    deadline = time.time() + 8
    trials = search(name, Toy(seconds=0.1), Line([{"x": 0.5}, {"x": 0.6, "do": "sleep"}]), Budget(deadline=deadline))
    assert time.time() - deadline < 30  # it would sleep for 60
    asleep = [t for t in trials.values() if t.candidate.params.get("do")]
    assert asleep
    assert {(t.status, t.score) for t in asleep} == {("stopped", None)}


@pytest.fixture
def temp_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of our own, with a short path."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.mark.parametrize("name", IN_PROCESSES)
def test_a_run_leaves_nothing_behind(name: str, temp_folder: Path) -> None:
    runner = make(name)
    runner.start()
    (folder,) = temp_folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    trials = runner.run(Toy(), Line([{"x": 0.5}, {"x": 0.6, "do": "sleep"}]), NONE, Budget(deadline=time.time() + 60))
    next(t for t in trials if t.candidate.id == "1")
    runner.close()
    assert not list(temp_folder.iterdir())
    assert not psutil.Process().children(recursive=True)


DRIVER = """
import sys
from automl import registry
from automl.types import Budget
from tests.runners.objectives import Line, Toy
runner = registry.load("runners", sys.argv[1]).make(workers=2)
for snapshot in runner.run(Toy(seconds=0.1, n_folds=1000), Line([{"x": 0.5}]), {"name": "none"}, Budget()):
    print(len(snapshot.reports), flush=True)
"""


@pytest.mark.parametrize("name", IN_PROCESSES)
def test_nothing_outlives_a_driver_that_is_killed(name: str, temp_folder: Path) -> None:
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, name], stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(temp_folder)}
    )
    for _ in range(3):
        assert driver.stdout.readline()
    started = psutil.Process(driver.pid).children(recursive=True)
    assert started
    driver.kill()
    driver.communicate()
    _, alive = psutil.wait_procs(started, timeout=20)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]
    deadline = time.time() + 5
    while list(temp_folder.iterdir()) and time.time() < deadline:
        time.sleep(0.1)
    assert not list(temp_folder.iterdir())
