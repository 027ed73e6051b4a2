"""Trials in real worker processes: they succeed, fail, die, outgrow their memory and run out of time."""

import os
import time
from collections.abc import Iterator

import pytest

from automl import registry
from automl.errors import ConfigError, NotApplicable, UnknownNameError
from automl.space import Float
from automl.types import Budget, Candidate, Trial
from tests.runners.objectives import Resumable, Toy

NONE = {"name": "none"}


class Line:
    """Proposes x = 0.05, 0.55, 0.10, 0.60, ...; keeps what it is told."""

    space = {"x": Float(0, 1)}

    def __init__(self, n: int | None = None) -> None:
        self.n, self.n_asked, self.told = n, 0, []

    def ask(self) -> Candidate | None:
        if self.n is not None and self.n_asked >= self.n:
            return None
        i = self.n_asked
        self.n_asked += 1
        return Candidate(str(i), {"family": "toy", "x": 0.05 * (1 + (i // 2) % 9) + 0.5 * (i % 2)})

    def tell(self, trial: Trial) -> None:
        self.told.append(trial)


@pytest.fixture(scope="module")
def shared_ray() -> Iterator[None]:
    """One Ray for the tests that do not care who started it: a runner leaves it alone."""
    from automl.runners._ray_session import Session

    session = Session(None, 2, ())
    session.wait()
    yield
    session.close()


def search(toy: Toy, budget: Budget, scheduler: dict = NONE, searcher: Line | None = None, **options) -> dict[str, Trial]:
    """Run a search; return the ended trials by id, having checked that each ended once and was told."""
    searcher = searcher or Line()
    snapshots = list(registry.load("runners", "ray_tune").make(**options).run(toy, searcher, scheduler, budget))
    ended = [s for s in snapshots if s.status != "running"]
    by_id = {s.candidate.id: s for s in ended}
    assert len(by_id) == len(ended), "a trial ended twice"
    assert {t.candidate.id for t in searcher.told} == set(by_id)
    assert {s.candidate.id for s in snapshots} == set(by_id), "a trial started and did not end"
    return by_id


def test_trials_run_to_their_end_and_bring_their_outcome(shared_ray):
    trials = search(Toy(outcome_mb=3), Budget(trials=6))
    assert sorted(trials, key=int) == [str(i) for i in range(6)]
    for trial in trials.values():
        assert trial.status == "finished"
        assert trial.score == pytest.approx(trial.candidate.params["x"])
        assert len(trial.reports) == len(trial.fold_scores) == 5
        assert len(trial.outcome.models[0]) == 3_000_000
        assert trial.outcome.predictions[0] == pytest.approx(trial.score)


def test_an_exhausted_searcher_ends_the_run(shared_ray):
    assert len(search(Toy(), Budget(), searcher=Line(3))) == 3


def test_long_trials_report_on_their_way(shared_ray):
    runner, searcher = registry.load("runners", "ray_tune").make(), Line()
    snapshots = list(runner.run(Toy(seconds=0.15), searcher, NONE, Budget(trials=2)))
    first = [s for s in snapshots if s.candidate.id == "0"]
    assert [s.status for s in first] == ["running"] * (len(first) - 1) + ["finished"]
    assert len(first) >= 4
    assert first[0].reports == ()
    assert runner.startup_seconds > 0


def test_a_trial_that_raises_or_dies_is_a_row_and_the_search_goes_on(shared_ray):
    trials = search(Toy(mischief="raise"), Budget(trials=6))
    assert [trials[str(i)].status for i in range(6)] == ["finished", "failed"] * 3
    assert trials["1"].failure == "ValueError: the kernel is not positive definite"

    trials = search(Toy(mischief="exit"), Budget(trials=4))
    assert [trials[str(i)].status for i in range(4)] == ["finished", "failed"] * 2
    assert trials["1"].failure.startswith("the worker process died")


def test_a_trial_that_outgrows_its_memory_ends_with_the_numbers(shared_ray):
    trials = search(Toy(mischief="hog"), Budget(trials=2), memory_share=200)
    assert trials["0"].status == "finished"
    assert "more than its share of 200 MB" in trials["1"].failure


def test_the_deadline_ends_also_a_fit_that_does_not_listen(shared_ray):
    deadline = time.time() + 6
    trials = search(Toy(seconds=0.05, mischief="sleep"), Budget(deadline=deadline))
    late_seconds = time.time() - deadline
    assert late_seconds < 3
    asleep = [t for t in trials.values() if t.candidate.params["x"] > 0.5]
    assert asleep
    assert {(t.status, t.score) for t in asleep} == {("stopped", None)}


def test_closing_the_generator_stops_everything(shared_ray):
    runner, searcher = registry.load("runners", "ray_tune").make(), Line()
    snapshots = runner.run(Toy(seconds=0.05), searcher, NONE, Budget())
    for _ in range(5):
        next(snapshots)
    began = time.monotonic()
    snapshots.close()
    n_told = len(searcher.told)
    assert time.monotonic() - began < 8
    time.sleep(0.3)
    assert len(searcher.told) == n_told


def test_asha_stops_weak_trials_early(shared_ray):
    trials = search(Toy(seconds=0.25), Budget(trials=8), {"name": "asha", "grace_percent": 20, "eta": 3})
    stopped = [t for t in trials.values() if t.status == "stopped"]
    assert stopped
    assert all(len(t.reports) < 5 and t.score is not None for t in stopped)
    best = max(trials.values(), key=lambda t: t.score)
    assert best.status == "finished"


def test_hyperband_pauses_and_wakes_trials(shared_ray):
    trials = search(Toy(seconds=0.21), Budget(trials=7), {"name": "hyperband", "eta": 3})
    assert len(trials) == 7
    assert "finished" in {t.status for t in trials.values()}
    assert all(t.score == pytest.approx(t.candidate.params["x"]) for t in trials.values())


def test_pbt_hands_state_from_strong_to_weak_trials(shared_ray):
    scheduler = {"name": "pbt", "population": 4, "interval_percent": 20, "mutate": ["x"], "quantile": 0.5}
    trials = search(Resumable(seconds=0.21), Budget(trials=4), scheduler)
    assert sorted(trials) == ["0", "1", "2", "3"]
    assert {t.status for t in trials.values()} == {"finished"}
    # A weak trial that goes on from a strong one's folds has scores it could not have had itself.
    assert any(max(t.fold_scores) > 0.5 for t in trials.values() if t.candidate.id in ("0", "2"))


def test_pbt_needs_trials_with_a_state():
    runner = registry.load("runners", "ray_tune").make(workers=1)
    with pytest.raises(NotApplicable, match="scheduler=asha"):
        next(runner.run(Toy(), Line(), {"name": "pbt"}, Budget(trials=1)))


def test_a_ray_of_our_own_leaves_nothing_behind(tmp_path):
    import tempfile

    import psutil

    before = set(os.listdir(tempfile.gettempdir()))
    runner = registry.load("runners", "ray_tune").make(workers=1)
    runner.start()
    folder = runner._session.folder
    deadline = time.time() + 60
    for snapshot in runner.run(Toy(seconds=0.05, mischief="sleep"), Line(), NONE, Budget(deadline=deadline)):
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
    runner = registry.load("runners", "ray_tune").make(address="127.0.0.1:9")
    with pytest.raises(ConfigError, match="No Ray cluster answers at '127.0.0.1:9'"):
        next(runner.run(Toy(), Line(), NONE, Budget(trials=1)))


def test_wrong_options_name_the_nearest():
    make = registry.load("runners", "ray_tune").make
    with pytest.raises(ConfigError, match="Did you mean 'workers'"):
        make(worker=2)
    with pytest.raises(ConfigError, match="at least 1"):
        make(cpus_per_trial=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'asha'"):
        next(make(workers=1).run(Toy(), Line(), {"name": "ash"}, Budget(trials=1)))
