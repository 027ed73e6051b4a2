"""Worker processes: the scheduler beside them has a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from automl import registry
from automl.errors import ConfigError
from automl.testing.toy import Line
from automl.types import Budget
from tests.runners.objectives import Toy

XS = [{"x": x} for x in (0.9, 0.8, 0.1, 0.2, 0.95)]
DRIVER = """
import sys
from automl import registry
from automl.types import Budget
from automl.testing.toy import Line
from tests.runners.objectives import Toy
line = Line([{"x": x} for x in (0.9, 0.8, 0.1, 0.2, 0.95)])
runner = registry.load("runners", "processes").make(workers=1)
scheduler = {"name": "asha", "grace_percent": 20, "eta": 3}
trials = [t.status for t in runner.run(Toy(), line, scheduler, Budget(trials=5)) if t.status != "running"]
print("stopped" in trials, "ray" in sys.modules)
"""


def test_the_driver_does_not_import_ray_for_its_schedulers(temp_folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", DRIVER], capture_output=True, text=True)
    assert done.stdout == "True False\n", done.stderr
    assert not list(temp_folder.iterdir())


def test_trials_go_on_to_their_end_when_the_scheduler_dies(temp_folder: Path) -> None:
    runner = registry.load("runners", "processes").make(workers=1)
    trials = runner.run(Toy(), Line(XS), {"name": "asha", "grace_percent": 20, "eta": 3}, Budget(trials=5))
    next(t for t in trials if t.reports)  # which the scheduler has heard of
    children = psutil.Process().children(recursive=True)
    (scheduler,) = (p for p in children if "_verdicts" in " ".join(p.cmdline()))
    os.kill(scheduler.pid, signal.SIGKILL)
    assert [t.status for t in trials if t.status != "running"] == ["finished"] * 5
    assert not list(temp_folder.iterdir())


def test_a_wrong_value_of_a_scheduler_is_said(temp_folder: Path) -> None:
    runner = registry.load("runners", "processes").make(workers=1)
    with pytest.raises(ConfigError, match="eta of asha"):
        list(runner.run(Toy(), Line(XS), {"name": "asha", "eta": 0}, Budget(trials=5)))
    assert not list(temp_folder.iterdir())


KILLED = """
import sys
from pathlib import Path
from automl import registry
from automl.types import Budget
from automl.testing.toy import Line
from tests.runners.objectives import Toy
runner = registry.load("runners", "processes").make(workers=2)
scheduler = {"name": "asha", "grace_percent": 20, "eta": 3}
trials = runner.run(Toy(seconds=60.0), Line([{"x": 0.5}, {"x": 0.6}]), scheduler, Budget(trials=2))
next(trials)
print(runner.folder, flush=True)
for trial in trials:
    pass
"""


def test_what_a_run_left_that_was_killed_with_all_its_processes_is_cleared_by_the_next(temp_folder: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(temp_folder)}
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, env=environment) as driver:
        assert driver.stdout is not None
        folder = Path(driver.stdout.readline().strip())
        family = psutil.Process(driver.pid)
        members = [*family.children(recursive=True), family]
        for member in members:  # none of them can tidy up when another one dies
            member.suspend()
        for member in members:
            member.kill()
    assert list(temp_folder.iterdir()) == [folder]
    assert (folder / "objective").exists()
    runner = registry.load("runners", "processes").make(workers=1)
    trials = runner.run(Toy(), Line(XS), {}, Budget(trials=1))
    assert [t.status for t in trials if t.status != "running"] == ["finished"]
    assert not list(temp_folder.iterdir())
