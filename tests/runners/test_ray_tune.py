"""What only Ray does: its schedulers, GPUs and clusters; and what happens when it dies, or is interrupted early."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from automl import registry
from automl.errors import ConfigError, NotApplicable, UnknownNameError
from automl.runners._messages import Resources
from automl.runners._ray_main import slots_and_gpus
from automl.testing.toy import Line
from automl.types import Budget, Trial
from tests.runners.objectives import Resumable, Toy

NONE = {"name": "none"}
XS = [{"x": x} for x in (0.05, 0.55, 0.1, 0.6, 0.15, 0.65, 0.2, 0.7)]


def make(**options: Any) -> Any:
    return registry.load("runners", "ray_tune").make(**options)


def ended(
    address: str, toy: Toy, line: Line, budget: Budget, scheduler: dict = NONE, **options: Any
) -> dict[str, Trial]:
    snapshots = make(address=address, **options).run(toy, line, scheduler, budget)
    return {s.candidate.id: s for s in snapshots if s.status != "running"}


def test_a_trial_without_a_gpu_sees_none(cluster: str) -> None:
    trials = ended(cluster, Toy(), Line([{"x": 0.5, "do": "tell gpus"}], 1), Budget(), gpus_per_trial=0)
    assert trials["0"].failure == "ValueError: CUDA_VISIBLE_DEVICES=''"


def test_hyperband_pauses_and_wakes_trials(cluster: str) -> None:
    trials = ended(cluster, Toy(seconds=0.21), Line(XS), Budget(trials=7), {"name": "hyperband", "eta": 3})
    assert len(trials) == 7
    assert "finished" in {t.status for t in trials.values()}
    assert all(t.score == pytest.approx(t.candidate.params["x"]) for t in trials.values())


def test_pbt_hands_state_from_strong_to_weak_trials(cluster: str) -> None:
    scheduler = {"name": "pbt", "population": 2, "interval_percent": 40, "mutate": ["x"], "quantile": 0.5}
    trials = ended(cluster, Resumable(seconds=0.3), Line(XS), Budget(trials=2), scheduler)
    assert {t.status for t in trials.values()} == {"finished"}
    assert trials["0"].candidate.params["x"] != 0.05
    # The weak trial goes on from the strong one's folds: they are not done again with its new parameter.
    first, last = trials["0"].fold_scores[0], trials["0"].fold_scores[-1]
    assert first == trials["1"].fold_scores[0] == 0.55
    assert last == trials["0"].candidate.params["x"] != first


def test_pbt_needs_trials_with_a_state() -> None:
    with pytest.raises(NotApplicable, match="scheduler=halving"):
        next(make(workers=1).run(Toy(), Line(XS), {"name": "pbt"}, Budget(trials=1)))


def test_a_cluster_that_does_not_answer_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match=r"No Ray cluster answers at '127\.0\.0\.1:9'"):
        next(make(address="127.0.0.1:9").run(Toy(), Line(XS), NONE, Budget(trials=1)))


def test_wrong_options_name_the_nearest() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        make(cpus_per_trial=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'asha'"):
        next(make(workers=1).run(Toy(), Line(XS), {"name": "ash"}, Budget(trials=1)))


@pytest.mark.parametrize(
    ("cpus", "gpus", "wanted", "slots", "share"),
    [
        (3, 2, None, 3, 0.5),
        (2, 2, None, 2, 1.0),
        (1, 4, None, 1, 1.0),
        (7, 2, None, 7, 0.25),
        (3, 1, None, 3, 0.3333),
        (4, 0, None, 4, 0.0),
        (8, 2, 0.6, 2, 0.6),
        (8, 2, 0.1, 8, 0.1),
        (8, 5, 2, 2, 2),
        (8, 2, 0, 8, 0),
    ],
)
def test_a_trial_gets_a_share_of_one_gpu(cpus: int, gpus: int, wanted: float | None, slots: int, share: float) -> None:
    assert slots_and_gpus(Resources(None, 1, wanted, None), {"CPU": cpus, "GPU": gpus}) == (slots, share)


def processes_of(runner: Any) -> list[psutil.Process]:
    child = psutil.Process(runner._ray.child.process.pid)
    return [child, *child.children(recursive=True)]


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=60)  # on a busy machine
    return all(p.status() == psutil.STATUS_ZOMBIE for p in alive)


# Tune wraps a trainable that is given parameters into a class of its own, by which Ray names the worker.
WORKER = "ray::_Inner"
RUNS_RAY = "the process that runs Ray"


def named(processes: list[psutil.Process], name: str) -> list[psutil.Process]:
    """Those whose name begins so; Ray's processes come and go while they are asked."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name().startswith(name):
                found.append(process)
    return found


def addresses_of(process: psutil.Process) -> set[str]:
    """Where it listens; nowhere once it is gone."""
    try:
        return {c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN}
    except psutil.NoSuchProcess:
        return set()


def test_trials_go_on_whatever_dies(temp_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one run: a worker, and then all that Ray is three times, each time by another of its processes."""
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")  # nobody asked for it
    runner = make(workers=2)
    line = Line([{"x": 0.5}])
    trials = runner.run(Toy(seconds=0.1, n_folds=10), line, NONE, Budget(deadline=time.time() + 600))
    for victim in (WORKER, RUNS_RAY, "gcs_server", "raylet"):
        next(t for t in trials if runner._ray and not runner._pool.readers and named(processes_of(runner), WORKER))
        family = processes_of(runner)
        assert set().union(*map(addresses_of, family)) <= {"127.0.0.1", "::ffff:127.0.0.1"}
        runs_ray, *others = family
        killed = runs_ray if victim == RUNS_RAY else named(others, victim)[0]
        killed.kill()
        n_told = len(line.told)
        while len(line.told) < n_told + 6:
            assert next(trials).status != "failed", victim
        assert gone([killed] if victim == WORKER else family), victim
    assert runner._ray is None, "it was started again for ever"
    trials.close()
    assert not list(temp_folder.iterdir())


DRIVER = """
import sys
from automl import registry
from automl.types import Budget
from automl.testing.toy import Line
from tests.runners.objectives import Toy
runner = registry.load("runners", "ray_tune").make(**eval(sys.argv[1]))
runner.start()
print("started", flush=True)
trials = runner.run(Toy(seconds=0.1), Line([{"x": 0.5}]), {"name": "asha"}, Budget(trials=int(sys.argv[2])))
print(sum(t.status == "finished" for t in trials), "ray" in sys.modules, flush=True)
"""


def driver(folder: Path, options: dict, n_trials: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, repr(options), str(n_trials)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )


def test_the_driver_does_not_import_ray(cluster: str, temp_folder: Path) -> None:
    output, errors = driver(temp_folder, {"address": cluster}, 3).communicate()
    assert output.split() == ["started", "3", "False"], errors


def test_the_ray_that_the_caller_is_connected_to_is_used_and_left(cluster: str, temp_folder: Path) -> None:
    given = DRIVER.replace("import sys", "import ray, sys", 1).replace("runner =", "ray.init(sys.argv[3])\nrunner =", 1)
    given += "print(runner.address, ray.is_initialized())"
    output = subprocess.check_output([sys.executable, "-c", given, "{}", "2", cluster], text=True)
    assert output.split()[-2:] == [cluster, "True"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_seconds", [0.0, 1.0, 3.0])
def test_a_signal_while_ray_starts_ends_the_run(
    number: signal.Signals, after_seconds: float, temp_folder: Path
) -> None:
    process = driver(temp_folder, {"workers": 2}, 10_000)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    time.sleep(after_seconds)
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert gone(started)
    give_up_at = time.time() + 20
    while list(temp_folder.iterdir()) and time.time() < give_up_at:
        time.sleep(0.1)
    assert not list(temp_folder.iterdir())
