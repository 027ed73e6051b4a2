"""Energy over a made-up powercap folder: packages alone, wraps, shares of the busy time, and machines without it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from automl import energy
from automl.energy import Meter, packages
from automl.errors import UnknownNameError
from automl.goals import JOULES, Goals
from automl.leaderboard.records import StoredMetric
from automl.leaderboard.report import to_csv, to_json
from automl.leaderboard.store import Store
from automl.search_config import SearchConfig
from automl.task import Batch, Rows
from automl.training.objective import FitFolds
from automl.training.pipeline import Pipeline
from automl.types import Candidate, Trial
from tests.tasks import make

MOST = 1_000_000_000


class Machine:
    """A machine of two packages with parts in them, and a counter of the whole platform; its cores are busy for us."""

    def __init__(self, folder: Path) -> None:
        self.powercap, self.stat = folder / "powercap", folder / "stat"
        self.counts = {0: 10, 1: MOST - 500_000}
        domains = {f"intel-rapl:{i}": f"package-{i}" for i in self.counts}
        others = {"intel-rapl:0:0": "core", "intel-rapl:2": "psys", "intel-rapl-mmio:0": "package-0", "dtpm": "x"}
        for name, of in (domains | others).items():
            (self.powercap / name).mkdir(parents=True)
            (self.powercap / name / "name").write_text(f"{of}\n")
            (self.powercap / name / "max_energy_range_uj").write_text(f"{MOST}\n")
            (self.powercap / name / "energy_uj").write_text("77\n")
        self.use(0.0, 0)

    def use(self, joules: float, ticks: int) -> None:
        """Let each package use so much, and all cores together be busy for so long, half of it for the system."""
        for i in self.counts:
            self.counts[i] = (self.counts[i] + int(1e6 * joules)) % MOST
            (self.powercap / f"intel-rapl:{i}" / "energy_uj").write_text(f"{self.counts[i]}\n")
        self.ticks = getattr(self, "ticks", 1000) + ticks
        idle = 12345 + 3 * self.ticks
        self.stat.write_text(
            f"cpu  {self.ticks // 2} 0 {self.ticks - self.ticks // 2} {idle} 9 0 0 5 0 0\ncpu0 1 2 3\n"
        )

    def meter(self, joules: float | None = 0.0) -> Meter:
        return Meter(joules, self.powercap, self.stat)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def times(monkeypatch: pytest.MonkeyPatch, *seconds: float) -> None:
    """Let the process have used so many seconds, the next of them each time that it is asked."""
    found = iter(seconds)
    monkeypatch.setattr(energy, "own_seconds", lambda: next(found))


def test_packages_count_and_nothing_that_is_in_them_or_around_them(machine: Machine) -> None:
    assert [package.counter.parent.name for package in packages(machine.powercap)] == ["intel-rapl:0", "intel-rapl:1"]


@pytest.mark.parametrize(("busy", "share"), [(400, 0.5), (200, 1.0), (0, 1.0)])
def test_a_fit_has_its_share_of_the_busy_time(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, busy: int, share: float
) -> None:
    times(monkeypatch, 5.0, 7.0)
    meter = machine.meter()
    meter.begin()
    machine.use(30.0, busy)  # the second counter wraps
    meter.end()
    meter.end()  # of a span that is over
    assert meter.joules == pytest.approx(share * 60)


def test_counters_that_wrap_again_and_again_are_read_on_the_way(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    times(monkeypatch, 0.0, 1.0, 1.0, 3.0)
    monkeypatch.setattr(energy, "LOOK_SECONDS", 0.0)
    meter = machine.meter(8.0)
    for n_looks, ticks in ((7, 100), (0, 200)):
        meter.begin()
        for _ in range(n_looks):
            machine.use(400.0, 0)
            meter.look()
        machine.use(400.0, ticks)
        meter.end()
        machine.use(123.0, 50)  # between two spans nothing counts
    assert meter.joules == pytest.approx(8 + 9 * 800)


@pytest.mark.parametrize("wrong", ["nothing there", "not ours", "no number", "no stat", "none before"])
def test_where_the_machine_does_not_say_it_nothing_is_known(machine: Machine, tmp_path: Path, wrong: str) -> None:
    counter = machine.powercap / "intel-rapl:1" / "energy_uj"
    if wrong == "not ours":
        counter.unlink()
        counter.mkdir()
    elif wrong == "no number":
        counter.write_text("")
    elif wrong == "no stat":
        machine.stat = tmp_path / "none"
    powercap = tmp_path / "none" if wrong == "nothing there" else machine.powercap
    meter = Meter(None if wrong == "none before" else 0.0, powercap, machine.stat)
    meter.begin()
    meter.look()
    meter.end()
    assert meter.joules is None


class Hungry:
    """Uses energy, in time that is all its own; ``takes_away``: a counter as well."""

    def __init__(self, machine: Machine, takes_away: bool) -> None:
        self.machine, self.takes_away = machine, takes_away

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        self.machine.use(2.0, 0)
        if self.takes_away:
            (self.machine.powercap / "intel-rapl:0" / "energy_uj").unlink()
        yield 1.0

    def predict(self, x: Rows) -> np.ndarray:
        return np.full((len(x), 2), 0.5)


@pytest.mark.parametrize("known", ["always", "not at the end", "never"])
def test_a_trial_has_its_joules_where_they_are_known_of_all_its_folds(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    powercap = tmp_path / "none" if known == "never" else machine.powercap
    monkeypatch.setattr(energy, "Meter", partial(Meter, powercap=powercap, stat=machine.stat))
    task, built = make("table", "binary"), iter([False, known == "not at the end"])
    fit = FitFolds(task, build=lambda params, problem: Pipeline([], Hungry(machine, next(built))))
    *_, last = fit(Candidate("0", {"family": "linear"}), 1, None)
    assert last.status == "finished"
    assert last.values.get(JOULES) == (pytest.approx(4.0 * len(task.splits)) if known == "always" else None)


def test_joules_may_be_a_goal_and_stand_on_the_leaderboard_but_limit_nothing(tmp_path: Path) -> None:
    config = SearchConfig(trials=1, goals=Goals(("score", JOULES)), measure=[JOULES])
    assert config.goals.measured == (), "it is not of a model, which could be asked for it"
    with pytest.raises(UnknownNameError, match="joules"):
        SearchConfig(trials=1, goals=Goals(limits={JOULES: 3.0}))
    with Store(tmp_path / "leaderboard.db") as store:
        run = store.start_run(name="x", folder="x", metric=StoredMetric("r2"), config={}, task={})
        store.add_trial(run, Trial(Candidate("0", {"family": "a"}), "finished", {"score": 0.5, JOULES: 12.5}))
        board = store.board(run)
    assert "12.5" in to_csv(board)
    assert '"joules": 12.5' in to_json(board)
