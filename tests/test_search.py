"""One search from its first trial to its folder, and an end at the worst moment."""

import os
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from automl import clock, run_folder
from automl.assemble import SpaceConfig
from automl.data import baseline
from automl.errors import ConfigError, DataError, TrialError
from automl.export.config import ShipConfig
from automl.leaderboard.store import Store
from automl.metrics import get
from automl.progress import Progress
from automl.search import Search, SearchResult
from automl.search_config import SearchConfig, make_runner
from automl.task import Task
from automl.types import Trial
from tests import tasks

QUICK = {"tables": ["linear", "decision_tree", "neighbors"]}


class Impatient(Progress):
    """Presses Ctrl-C after the first fold, in the middle of a trial."""

    def update(self, trial: Trial) -> None:
        super().update(trial)
        if trial.folds:
            os.kill(os.getpid(), signal.SIGINT)


class Loud(Progress):
    """Says what it has to say."""

    def note(self, text: str) -> None:
        print(text, file=sys.stderr)


class ImpatientLater(Progress):
    """Presses Ctrl-C in the middle of the third trial."""

    def update(self, trial: Trial) -> None:
        super().update(trial)
        if trial.candidate.id == "2" and trial.reports:
            os.kill(os.getpid(), signal.SIGINT)


def searched(
    folder: run_folder.RunFolder,
    trials: int,
    task: Task | None = None,
    view: type[Progress] = Progress,
    deterministic: bool = False,
    **options: Any,
) -> SearchResult:
    named = {"scheduler": {"name": "none"}, "runner": {"name": "inline"}}
    config = SearchConfig(None, trials, space=SpaceConfig(QUICK), deterministic=deterministic, **named, **options)
    with view(quiet=True) as watched:
        return Search(task or tasks.make("table", "binary"), config, make_runner(config)).run(folder, watched)


@pytest.mark.parametrize("late", [5.0, 7.5, 9.5, 12.0])
def test_a_late_start_still_gives_a_model(
    late: float, folder: run_folder.RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {"scheduler": {"name": "none"}, "runner": {"name": "inline"}}
    config = SearchConfig(10.0, space=SpaceConfig(QUICK), started=time.time() - late, **named)
    with Loud(quiet=True) as watched:
        result = Search(tasks.make("table", "binary"), config, make_runner(config)).run(folder, watched)
    assert (result.shipped[0].path / "model.onnx").exists()
    assert late < 9 or "beyond the budget" in capsys.readouterr().err
    assert any(trial.status == "finished" or len(trial.folds) > 1 for trial in result.trials)


@pytest.fixture
def folder(tmp_path: Path) -> run_folder.RunFolder:
    return run_folder.create(str(tmp_path / "run"), "auto")


@pytest.mark.parametrize("recorded", [False, True])
def test_an_interrupt_while_a_trial_is_recorded(
    recorded: bool, folder: run_folder.RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Store.add_trial
    seen: list[str] = []

    def interrupted(self: Store, run_id: int, trial: Trial) -> None:
        seen.append(trial.candidate.id)
        if len(seen) == 2 and not recorded:
            os.kill(os.getpid(), signal.SIGINT)
        add(self, run_id, trial)
        if len(seen) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Store, "add_trial", interrupted)
    result = searched(folder, 4)
    monkeypatch.undo()
    assert result.interrupted
    assert [(t.candidate.id, t.status) for t in result.trials] == [("0", "finished"), ("1", "finished")]
    assert (folder.path / "model/manifest.json").exists()
    resumed = searched(run_folder.find(folder.path), 3)
    assert len(resumed.trials) == 3
    assert set(resumed.ensemble.weights) <= {t.candidate.id for t in resumed.trials}


def test_what_a_trial_without_a_record_has_left_is_not_shipped(folder: run_folder.RunFolder) -> None:
    first = searched(folder, 2)
    models = Path(folder.models(None))
    shutil.copytree(models / first.kept.ids()[0], models / "9")
    resumed = searched(run_folder.find(folder.path), 3)
    assert not (models / "9").exists()
    assert set(resumed.ensemble.weights) <= {"0", "1", "2"}


class Told(Progress):
    """Keeps what it was told, in its order."""

    told: ClassVar[list[str]] = []

    def note(self, text: str) -> None:
        self.told.append(text)

    def phase(self, name: str) -> None:
        self.told.append(name)


@pytest.mark.parametrize("part", ["predictions", "model"])
@pytest.mark.parametrize("how", ["torn", "flipped", "gone"])
def test_a_rotten_file_costs_its_trial_and_is_named_before_the_search_goes_on(
    part: str, how: str, folder: run_folder.RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = searched(folder, 2)
    best = next(iter(first.ensemble.weights))
    path = Path(folder.models(None), best, f"0.{part}")
    content = path.read_bytes()
    path.unlink() if how == "gone" else path.write_bytes(
        content[:-1] if how == "torn" else content[:-1] + bytes([content[-1] ^ 1])
    )
    monkeypatch.setattr(Told, "told", [])
    resumed = searched(run_folder.find(folder.path), 3, view=Told)
    assert best not in resumed.ensemble.weights
    assert len(resumed.trials) == 3
    named = [f"{best}/0.{part}' is damaged" in text for text in Told.told]
    assert named.index(True) < Told.told.index("searching")
    assert sum(named) == 1
    assert (folder.path / "model/manifest.json").exists()


def test_what_rots_where_it_is_not_looked_at_first_is_named_when_it_is_read(
    folder: run_folder.RunFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = searched(folder, 2)
    best = next(iter(first.ensemble.weights))
    path = Path(folder.models(None), best, "0.model")
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    monkeypatch.setattr(clock, "CHECK_SECONDS", 0.0)
    resumed = searched(run_folder.find(folder.path), 2, view=Loud)
    assert best not in resumed.ensemble.weights
    assert f"{best}/0.model' is damaged" in capsys.readouterr().err


def test_where_all_that_was_left_is_damaged_that_is_said(folder: run_folder.RunFolder) -> None:
    searched(folder, 1)
    shutil.rmtree(Path(folder.models(None), "0"))
    Path(folder.models(None), "0").mkdir()
    with pytest.raises(TrialError, match=r"0/0\.\w+' is damaged.* No trial got far enough"):
        searched(run_folder.find(folder.path), 1)


def test_a_run_goes_on_with_what_it_began_with_only(folder: run_folder.RunFolder) -> None:
    task = tasks.make("table", "binary")
    searched(folder, 1, task)
    of_another_metric = replace(task.problem, metric=get("log_loss", "binary"))
    for other in (replace(task, fingerprint="other rows"), replace(task, problem=of_another_metric)):
        with pytest.raises(ConfigError, match="goes on with"):
            searched(run_folder.find(folder.path), 2, other)
        with Store(folder.leaderboard_url, read_only=True) as store:
            assert store.run().status == "finished", "what was refused changes nothing"


def test_runs_that_share_a_store_leave_each_others_models_alone(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    folders = [run_folder.create(str(tmp_path / place / "run"), "auto") for place in ("a", "b")]
    first, _ = (searched(folder, 2, store=store) for folder in folders)
    for folder in folders:
        kept = Path(run_folder.find(folder.path).models(store))
        assert {path.name for path in kept.iterdir()} == {"0", "1"}
    resumed = searched(run_folder.find(folders[0].path), 3, store=store)
    assert len(resumed.trials) == 3
    assert len(list(Path(folders[1].models(store)).iterdir())) == 2
    assert all(np.isfinite(first.kept.predictions(id)).all() for id in first.kept.ids())


def test_what_a_resumed_run_does_not_ship_again_is_gone(folder: run_folder.RunFolder) -> None:
    searched(folder, 2)
    compact = folder.path / "compact"
    assert compact.exists()
    resumed = searched(run_folder.find(folder.path), 3, ship=ShipConfig(compact=False))
    assert not compact.exists()
    with Store(folder.leaderboard_url, read_only=True) as store:
        assert [artifact.path for artifact in store.artifacts(resumed.run_id)] == [str(folder.path / "model")]


def test_folds_that_cannot_be_ranked(folder: run_folder.RunFolder) -> None:
    task = tasks.make("table", "binary")
    by_class = tuple((np.flatnonzero(task.data.y != k), np.flatnonzero(task.data.y == k)) for k in (0, 1))
    with pytest.raises(DataError, match="one class only"):
        baseline.of(replace(task, splits=by_class))
    # One such part does not stand in the way of the others.
    mixed = (by_class[0], *task.splits)
    result = searched(folder, 2, replace(task, splits=mixed))
    assert all(np.isfinite(t.score or np.nan) for t in result.trials)
    assert (folder.path / "model/manifest.json").exists()


def test_a_trial_that_is_interrupted_leaves_the_folds_it_has(folder: run_folder.RunFolder) -> None:
    result = searched(folder, 3, view=Impatient)
    assert result.interrupted
    (trial,) = result.trials
    assert trial.status == "stopped"
    assert len(trial.fold_scores) == 1
    assert [m["fold"] for m in result.shipped[0].members] == [0]


def test_a_whole_number_of_trials_may_be_written_with_a_point() -> None:
    assert repr(SearchConfig(None, 5.0).trials) == "5"


def test_a_deterministic_run_is_the_same_over_an_interrupt(tmp_path: Path) -> None:
    whole = searched(run_folder.create(str(tmp_path / "whole"), "auto"), 5, deterministic=True)
    folder = run_folder.create(str(tmp_path / "broken"), "auto")
    broken = searched(folder, 5, view=ImpatientLater, deterministic=True)
    assert broken.interrupted
    assert [t.candidate.id for t in broken.trials] == ["0", "1"]
    resumed = searched(run_folder.find(folder.path), 5, deterministic=True)

    def rows(result: SearchResult) -> list[tuple]:
        return sorted((t.candidate.id, str(t.candidate.params), t.status, t.fold_scores) for t in result.trials)

    assert rows(resumed) == rows(whole)


@pytest.mark.parametrize(
    ("seconds", "trials", "given", "chosen"),
    [
        (600.0, None, {}, "ray_tune"),
        (30.0, None, {}, "processes"),
        (5.0, None, {}, "inline"),
        (None, 5, {}, "inline"),
        (None, 50, {}, "ray_tune"),
        (30.0, None, {"workers": 1, "cpus_per_trial": 1, "memory_share": 500}, "processes"),
        (30.0, None, {"gpus_per_trial": 0.5}, "ray_tune"),
        (30.0, None, {"address": "auto"}, "ray_tune"),
    ],
)
def test_auto_chooses_the_runner_by_the_size_of_the_work(
    seconds: float | None, trials: int | None, given: dict, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automl.search_config.n_cores", lambda: 2)
    runner = make_runner(SearchConfig(seconds, trials, runner={"name": "auto", **given}))
    assert type(runner).__module__ == f"automl.runners.{chosen}"


def test_auto_takes_ray_for_a_scheduler_that_pauses() -> None:
    runner = make_runner(SearchConfig(30.0, scheduler={"name": "hyperband"}, runner={"name": "auto"}))
    assert type(runner).__module__ == "automl.runners.ray_tune"
