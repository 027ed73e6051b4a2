"""Which trials keep what they left, and what becomes of the others' files."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl.errors import DamagedError, UnknownNameError
from automl.kept import KeptTrials
from automl.model_store import ModelStore
from automl.types import Trial
from tests import trials

VALID = (np.array([0, 2]), np.array([1]))


def kept(path: Path, **limits: int) -> KeptTrials:
    return KeptTrials(ModelStore(str(path)), VALID, 4, **limits)


def trial(path: Path, id: str, score: float, family: str = "mlp", n_bytes: int = 100, n_folds: int = 2) -> Trial:
    status = "finished" if n_folds == 2 else "stopped"
    of = trials.trial(trials.candidate(id, family=family), score, status)
    models = [bytes(n_bytes)] * n_folds
    return trials.left(ModelStore(str(path)), of, np.full((4, 1), score, np.float32), models, VALID)


def test_predictions_stand_in_their_rows(tmp_path: Path) -> None:
    both = kept(tmp_path)
    both.offer(trial(tmp_path, "0", 0.5))
    both.offer(trial(tmp_path, "1", 0.25, n_folds=1))
    np.testing.assert_array_equal(both.predictions("0"), np.float32([[0.5], [0.5], [0.5], [np.nan]]))
    np.testing.assert_array_equal(both.predictions("1"), np.float32([[0.25], [np.nan], [0.25], [np.nan]]))
    assert both.model("0", 1) == bytes(100)
    assert both.n_bytes("0") > both.n_bytes("1") > 100


def test_the_best_stay_and_the_best_of_every_family(tmp_path: Path) -> None:
    best = kept(tmp_path, keep=3)
    scores = {"0": 0.1, "1": 0.9, "2": 0.5, "3": 0.7, "4": 0.8, "5": 0.2}
    offered = [trial(tmp_path, id, score, "linear" if id in "05" else "mlp") for id, score in scores.items()]
    assert [best.offer(one) for one in offered] == [True] * 6
    assert best.ids() == ["1", "4", "3", "5"]
    assert not best.offer(trial(tmp_path, "6", 0.15, "linear"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "3", "4", "5"]


def test_the_strongest_of_those_that_were_stopped_stay_too(tmp_path: Path) -> None:
    best = kept(tmp_path, keep=2)
    for i in range(6):
        best.offer(trial(tmp_path, f"whole {i}", 0.5 + i / 100))
    for i in range(8):
        best.offer(trial(tmp_path, f"part {i}", 0.9 + i / 100, n_folds=1))
    assert best.ids() == ["whole 5", "whole 4", *(f"part {i}" for i in (7, 6, 5, 4, 3))]


def test_beyond_the_room_there_is_the_worst_go_first_and_the_best_stays(tmp_path: Path) -> None:
    best = kept(tmp_path, max_bytes=30_000)
    for id, score in (("0", 0.5), ("1", 0.4), ("2", 0.6)):
        best.offer(trial(tmp_path, id, score, n_bytes=6_000))
    assert best.ids() == ["2", "0"]
    assert best.offer(trial(tmp_path, "3", 0.9, n_bytes=40_000))
    assert best.ids() == ["3"]
    assert [path.name for path in tmp_path.iterdir()] == ["3"]


@pytest.mark.parametrize("score", [math.nan, -math.inf])
def test_without_a_number_as_score_nothing_is_kept(tmp_path: Path, score: float) -> None:
    none = kept(tmp_path)
    assert not none.offer(trial(tmp_path, "0", score))
    assert not none.offer(trials.trial(trials.candidate("1"), 0.5)), "nor where there is no model"
    assert not none.offer(trial(tmp_path, "2", 0.5).without_models())
    assert none.ids() == []
    assert list(tmp_path.iterdir()) == []


def test_another_process_goes_on_with_what_is_on_the_leaderboard(tmp_path: Path) -> None:
    recorded = [trial(tmp_path, str(i), 0.5 + i / 10) for i in range(4)]
    trial(tmp_path, "never recorded", 0.9)
    gone = trial(tmp_path, "gone", 0.9)
    ModelStore(str(tmp_path)).drop("gone")
    again = kept(tmp_path, keep=2)
    again.recall([*recorded, gone])
    assert again.ids() == ["3", "2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3"]


@pytest.mark.parametrize("root", ["", "local://"])
def test_what_is_damaged_is_dropped_by_its_size_first(root: str, tmp_path: Path) -> None:
    """However little time there is, all sizes are compared; contents as far as the time goes, the best first."""
    for seconds, dropped in ((0.0, ["4", "1"]), (60.0, ["4", "2", "1"])):
        folder = tmp_path / f"{seconds:g}"
        recorded = [trial(folder, str(i), 0.5 + i / 10) for i in range(5)]
        (folder / "1" / "0.model").write_bytes(b"torn")
        flipped = bytearray((folder / "2" / "1.model").read_bytes())
        flipped[-1] ^= 1
        (folder / "2" / "1.model").write_bytes(flipped)
        (folder / "4" / "1.predictions").unlink()
        again = KeptTrials(ModelStore(f"{root}{folder}"), VALID, 4)
        again.recall(recorded)
        found = again.drop_damaged(seconds)
        assert [said.split()[2] for said in found] == dropped
        assert all("is damaged" in said for said in found)
        assert set(again.ids()) == {path.name for path in folder.iterdir()} == set("01234") - set(dropped)


def test_who_only_looks_removes_nothing(tmp_path: Path) -> None:
    """A report of a run that goes on: what its trials have left, but not yet recorded, stays."""
    recorded, under_way = trial(tmp_path, "0", 0.5), trial(tmp_path, "1", 0.75)
    looking = kept(tmp_path)
    looking.look([recorded])
    assert looking.ids() == ["0"]
    assert ModelStore(str(tmp_path)).trials() == {"0", under_way.candidate.id}


def test_what_is_damaged_names_its_trial(tmp_path: Path) -> None:
    best = kept(tmp_path)
    best.offer(trial(tmp_path, "17", 0.5))
    (tmp_path / "17" / "1.model").write_bytes(b"torn")
    with pytest.raises(DamagedError, match=r"trial 17.*17/1.model") as raised:
        best.model("17", 1)
    assert raised.value.trial == "17"
    best.drop("17")
    assert best.ids() == list(tmp_path.iterdir()) == []
    with pytest.raises(UnknownNameError, match="kept trial '17'"):
        best.predictions("17")


def test_what_runs_is_beside_what_is_kept_as_far_as_it_got(tmp_path: Path) -> None:
    best = kept(tmp_path)
    best.offer(trial(tmp_path, "0", 0.5))
    running = replace(trial(tmp_path, "1", 0.9, n_folds=1), status="running")
    nothing_yet = replace(running, candidate=trials.candidate("2", family="mlp"), folds=())
    everything = best.beside([running, nothing_yet])
    assert everything.ids() == ["0", "1"]
    assert everything.trial("1").status == "stopped"
    np.testing.assert_array_equal(everything.predictions("1"), np.float32([[0.9], [np.nan], [0.9], [np.nan]]))
    assert best.ids() == ["0"]
