"""Trials in real worker processes: they succeed, fail, die, outgrow their memory and run out of time."""

import time
from collections.abc import Iterator

import pytest

from automl import registry
from automl.errors import ConfigError
from automl.runners._ray_session import Session
from automl.runners.ray_tune import PRELOAD
from automl.types import Budget, Trial
from tests.runners.objectives import Line, Resumable, Toy, Unloadable

NONE = {"name": "none"}


XS = [{"x": x} for x in (0.05, 0.55, 0.1, 0.6, 0.15, 0.65, 0.2, 0.7)]


@pytest.fixture(scope="module")
def shared_ray() -> Iterator[None]:
    """One Ray for the tests that do not care who started it: a runner leaves it alone."""
    session = Session(None, 2, PRELOAD)
    session.wait()
    yield
    session.close()


def make(**options):
    return registry.load("runners", "ray_tune").make(**options)


def search(toy: Toy, searcher: Line, budget: Budget, scheduler: dict = NONE, **options) -> dict[str, Trial]:
    """Run a search; return the ended trials by id, having checked that each ended once and was told."""
    snapshots = list(make(**options).run(toy, searcher, scheduler, budget))
    ended = [s for s in snapshots if s.status != "running"]
    by_id = {s.candidate.id: s for s in ended}
    assert len(by_id) == len(ended), "a trial ended twice"
    assert {t.candidate.id for t in searcher.told} == set(by_id)
    assert {s.candidate.id for s in snapshots} == set(by_id), "a trial started and did not end"
    return by_id


def test_trials_finish_fail_and_die_and_the_search_goes_on(shared_ray):
    line = Line(
        [{"x": 0.5}, {"x": 0.6, "do": "raise"}, {"x": 0.7, "do": "exit"}, {"x": 0.8}, {"x": 0.9, "do": "hog"}], 6
    )
    trials = search(Toy(), line, Budget(), memory_share=200)
    assert sorted(trials) == ["0", "1", "2", "3", "4", "5"]
    for i in ("0", "3", "5"):
        trial = trials[i]
        assert trial.status == "finished"
        assert trial.score == pytest.approx(trial.candidate.params["x"])
        assert len(trial.reports) == len(trial.fold_scores) == 5
    assert trials["1"].status == trials["2"].status == trials["4"].status == "failed"
    assert trials["1"].failure == "ValueError: the kernel is not positive definite"
    assert trials["2"].failure.startswith("the worker process died")
    assert "more than its share of 200 MB" in trials["4"].failure


def test_a_trial_without_a_gpu_sees_none(shared_ray):
    trials = search(Toy(), Line([{"x": 0.5, "do": "tell gpus"}], 1), Budget(), gpus_per_trial=0)
    assert trials["0"].failure == "ValueError: CUDA_VISIBLE_DEVICES=''"


def test_workers_that_cannot_load_the_trials_end_the_run(shared_ray):
    with pytest.raises(ConfigError, match=r"workers cannot take up trials.*not positive definite"):
        list(make().run(Unloadable(), Line(XS), NONE, Budget()))


def test_the_deadline_ends_also_a_fit_that_does_not_listen(shared_ray):
    deadline = time.time() + 8
    trials = search(Toy(seconds=0.1), Line([{"x": 0.5}, {"x": 0.6, "do": "sleep"}]), Budget(deadline=deadline))
    late_seconds = time.time() - deadline
    assert late_seconds < 30  # it would sleep for 60
    asleep = [t for t in trials.values() if t.candidate.params.get("do")]
    assert asleep
    assert {(t.status, t.score) for t in asleep} == {("stopped", None)}


def test_closing_the_generator_stops_everything(shared_ray):
    runner, line = make(), Line(XS)
    snapshots = runner.run(Toy(seconds=0.15), line, NONE, Budget(trials=500))
    first = [next(snapshots) for _ in range(12)]
    assert first[0].reports == ()
    assert runner.startup_seconds > 0
    of_one = [s for s in first if s.candidate.id == first[0].candidate.id]
    assert [len(s.reports) for s in of_one] == sorted(len(s.reports) for s in of_one)
    assert any(0 < len(s.reports) < 5 for s in of_one)
    began = time.monotonic()
    snapshots.close()
    assert time.monotonic() - began < 30  # the trials would take minutes
    n_told = len(line.told)
    time.sleep(0.5)
    assert len(line.told) == n_told


def test_asha_stops_weak_trials_early(shared_ray):
    trials = search(Toy(seconds=0.25), Line(XS), Budget(trials=8), {"name": "asha", "grace_percent": 20, "eta": 3})
    stopped = [t for t in trials.values() if t.status == "stopped"]
    assert stopped
    assert all(len(t.reports) < 5 and t.score is not None for t in stopped)
    best = max(trials.values(), key=lambda t: t.score)
    assert best.status == "finished"


def test_hyperband_pauses_and_wakes_trials(shared_ray):
    trials = search(Toy(seconds=0.21), Line(XS), Budget(trials=7), {"name": "hyperband", "eta": 3})
    assert len(trials) == 7
    assert "finished" in {t.status for t in trials.values()}
    assert all(t.score == pytest.approx(t.candidate.params["x"]) for t in trials.values())


def test_pbt_hands_state_from_strong_to_weak_trials(shared_ray):
    scheduler = {"name": "pbt", "population": 2, "interval_percent": 40, "mutate": ["x"], "quantile": 0.5}
    trials = search(Resumable(seconds=0.3), Line(XS), Budget(trials=2), scheduler)
    assert {t.status for t in trials.values()} == {"finished"}
    assert trials["0"].candidate.params["x"] != 0.05
    # The weak trial goes on from the strong one's folds: they are not done again with its new parameter.
    first, last = trials["0"].fold_scores[0], trials["0"].fold_scores[-1]
    assert first == trials["1"].fold_scores[0] == 0.55
    assert last == trials["0"].candidate.params["x"] != first
