"""A Ray of our own: where it listens, what it leaves behind, and what stands in its way."""

import os
import tempfile
import time

import psutil
import pytest

from automl import registry
from automl.errors import ConfigError, NotApplicable, UnknownNameError
from automl.types import Budget
from tests.runners.objectives import Line, Toy

NONE = {"name": "none"}
XS = [{"x": 0.5}]


def make(**options):
    return registry.load("runners", "ray_tune").make(**options)


def test_pbt_needs_trials_with_a_state():
    runner = make(workers=1)
    with pytest.raises(NotApplicable, match="scheduler=asha"):
        next(runner.run(Toy(), Line(XS), {"name": "pbt"}, Budget(trials=1)))


def test_a_ray_of_our_own_leaves_nothing_behind():
    before = set(os.listdir(tempfile.gettempdir()))
    runner = make(workers=1)
    runner.start()
    folder = runner._session.folder
    deadline = time.time() + 60
    for snapshot in runner.run(Toy(), Line([{"x": 0.5}, {"x": 0.6, "do": "sleep"}]), NONE, Budget(deadline=deadline)):
        if snapshot.candidate.id == "1":
            break
    addresses = {c.laddr.ip for c in _listening(psutil.Process().children(recursive=True))}
    runner.close()
    assert addresses <= {"127.0.0.1", "::ffff:127.0.0.1"}
    assert not os.path.exists(folder)
    assert not [p for p in psutil.Process().children(recursive=True) if p.is_running() and "ray" in p.name()]
    assert {n for n in set(os.listdir(tempfile.gettempdir())) - before if n.startswith("automl-")} == set()


def _listening(processes: list) -> list:
    return [c for p in processes for c in p.net_connections() if c.status == "LISTEN"]


def test_a_cluster_that_does_not_answer_is_a_clear_error():
    runner = make(address="127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"No Ray cluster answers at '127\.0\.0\.1:9'"):
        next(runner.run(Toy(), Line(XS), NONE, Budget(trials=1)))


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
def test_a_trial_gets_a_share_of_one_gpu(cpus, gpus, wanted, slots, share):
    runner = make(gpus_per_trial=wanted)
    assert runner._slots({"CPU": cpus, "GPU": gpus}) == (slots, share)


def test_wrong_options_name_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'workers'"):
        make(worker=2)
    with pytest.raises(ConfigError, match="at least 1"):
        make(cpus_per_trial=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'asha'"):
        next(make(workers=1).run(Toy(), Line(XS), {"name": "ash"}, Budget(trials=1)))
