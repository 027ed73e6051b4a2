"""What every runner keeps: each trial starts once and ends once, is told, and whatever happens to it is a row."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from automl import registry
from automl.errors import ConfigError
from automl.testing.runners import NONE, XS, search
from automl.testing.toy import Line
from automl.types import Budget
from tests.runners.objectives import Toy, Unloadable

# How long a first trial may take to begin, on a busy machine too; workers have to start before.
SECONDS_TO_BEGIN = {"inline": 2, "processes": 6, "ray_tune": 10}
OPTIONS = {"inline": {"threads": 1}, "processes": {"workers": 2}, "ray_tune": {"workers": 2}}


@pytest.fixture(params=OPTIONS)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A runner's name; that on Ray joins a cluster, as worker processes would finish what follows before Ray starts."""
    if request.param == "ray_tune":
        monkeypatch.setitem(OPTIONS, "ray_tune", {"workers": 2, "address": request.getfixturevalue("cluster")})
    return request.param


in_processes = pytest.mark.parametrize("name", ["processes", "ray_tune"], indirect=True)


def make(name: str, **options: Any) -> Any:
    return registry.load("runners", name).make(**{**OPTIONS[name], **options})


@pytest.mark.parametrize("name", ["processes", "ray_tune"])
@pytest.mark.parametrize(
    ("key", "value"),
    [("workers", 0), ("workers", 1.5), ("cpus_per_trial", 0), ("cpus_per_trial", 10**6), ("memory_share", 0)],
)
def test_what_trials_cannot_have_is_refused(name: str, key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=key):
        registry.load("runners", name).make(**{key: value})


def children() -> set[int]:
    return {p.pid for p in psutil.Process().children()}


def in_a_while(runner: Any, name: str) -> Budget:
    """A deadline some seconds after trials can begin."""
    runner.start()
    if hasattr(runner, "_ray"):
        assert runner._ray.child.connection.poll(120)
    return Budget(deadline=time.time() + SECONDS_TO_BEGIN[name])


def skip_unless(there: object) -> None:
    """Skip the test on a machine so busy that no trial began before the deadline."""
    if not there:
        pytest.skip("no trial began in time")


def test_a_budget_of_trials_is_kept_and_each_reports_finishes_or_fails(name: str) -> None:
    """The metric is one of a notebook: a function that no module has."""
    line = Line([{"x": 0.3}, {"x": 0.6, "do": "raise"}])
    trials = search(make(name), Toy(score=lambda x: 2 * x), line, Budget(trials=3))
    assert {i: t.status for i, t in trials.items()} == {"0": "finished", "1": "failed", "2": "finished"}
    assert trials["1"].failure == "ValueError: the kernel is not positive definite"
    for i in ("0", "2"):
        assert trials[i].score == pytest.approx(2 * trials[i].candidate.params["x"])
        assert len(trials[i].reports) == len(trials[i].fold_scores) == 5


def test_the_deadline_ends_trials_where_they_stand(name: str) -> None:
    """In processes of their own also one that does not listen."""
    proposals = XS if name == "inline" else [{"x": 0.5}, {"x": 0.6, "do": "sleep"}]
    runner = make(name)
    budget = in_a_while(runner, name)
    trials = search(runner, Toy(seconds=0.1, n_folds=10_000), Line(proposals), budget)
    assert time.time() - budget.deadline < 30  # it would sleep for 60
    asleep = [t for t in trials.values() if t.candidate.params.get("do")]
    awake = [t for t in trials.values() if t not in asleep]
    skip_unless(awake and (asleep or name == "inline"))
    assert {t.status for t in trials.values()} == {"stopped"}
    assert all(0 < len(t.reports) < 10_000 for t in awake)
    assert all(t.score is None for t in asleep)


def test_asha_stops_weak_trials_early(name: str) -> None:
    line = Line([{"x": x} for x in (0.9, 0.8, 0.1, 0.2, 0.95)])
    trials = search(
        make(name), Toy(seconds=0.05), line, Budget(trials=5), {"name": "asha", "grace_percent": 20, "eta": 3}
    )
    stopped = [t for t in trials.values() if t.status == "stopped"]
    assert stopped
    assert all(len(t.reports) < 5 and t.score is not None for t in stopped)
    assert {t.failure for t in stopped} == {"stopped by the scheduler"}
    assert max(trials.values(), key=lambda t: t.values["score"]).status == "finished"


def test_trials_go_on_without_a_scheduler_that_fails(name: str) -> None:
    line = Line([{"x": x} for x in (0.9, 0.8, 0.1)])
    trials = search(make(name), Toy(), line, Budget(trials=3), {"name": "tests.runners.lost_scheduler"})
    assert {i: t.status for i, t in trials.items()} == dict.fromkeys("012", "finished")


def test_closing_the_generator_stops_everything(name: str) -> None:
    line, before = Line(XS), children()
    snapshots = make(name).run(Toy(seconds=0.1), line, NONE, Budget(trials=500))
    for _ in range(12):
        next(snapshots)
    began = time.monotonic()
    snapshots.close()
    assert time.monotonic() - began < 10  # the trials would take minutes
    assert children() == before
    n_told = len(line.told)
    time.sleep(0.5)
    assert len(line.told) == n_told


@in_processes
def test_trials_that_die_are_rows_with_the_cause(name: str, tmp_path: Path) -> None:
    """One whose worker is killed is tried once more."""
    once = {"x": 0.5, "do": "die once", "mark": str(tmp_path / "died")}
    line = Line([once, {"x": 0.7, "do": "exit"}, {"x": 0.9, "do": "hog"}, {"x": 0.7, "do": "die"}, {"x": 0.5}], 5)
    trials = search(make(name, memory_share=200), Toy(), line, Budget())
    assert [trials[i].status for i in "01234"] == ["finished", "failed", "failed", "failed", "finished"]
    assert trials["1"].failure.startswith("the worker process")
    assert "more than its share of 200 MB" in trials["2"].failure
    assert "killed" in trials["3"].failure


@in_processes
def test_workers_that_cannot_load_the_trials_end_the_run(name: str) -> None:
    with pytest.raises(ConfigError, match=r"workers cannot take up trials.*not positive definite"):
        search(make(name), Unloadable(), Line(XS), Budget())


@in_processes
def test_a_run_leaves_nothing_behind(name: str, temp_folder: Path) -> None:
    runner, before = make(name), children()
    runner.start()
    (folder,) = temp_folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    trials = runner.run(Toy(), Line([{"x": 0.5}, {"x": 0.6, "do": "sleep"}]), NONE, Budget(deadline=time.time() + 60))
    next(t for t in trials if t.candidate.id == "1")
    runner.close()
    assert not list(temp_folder.iterdir())
    assert children() == before


DRIVER = """
import sys
from automl import registry
from automl.types import Budget
from automl.testing.toy import Line
from tests.runners.objectives import Toy
runner = registry.load("runners", sys.argv[1]).make(**eval(sys.argv[2]))
for snapshot in runner.run(Toy(seconds=0.1, n_folds=1000), Line([{"x": 0.5}]), {"name": "none"}, Budget()):
    print(len(snapshot.reports), flush=True)
"""


@in_processes
def test_nothing_outlives_a_driver_that_is_killed(name: str, temp_folder: Path) -> None:
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, name, repr(OPTIONS[name])],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temp_folder)},
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
