"""What stays on disk of the better trials, and what does not."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from automl.errors import ArtifactError, AutoMLError, UnknownNameError
from automl.leaderboard.outcomes import Outcomes
from automl.types import Candidate, Outcome, Trial


def trial(id, score, family="mlp", n_bytes=100, models=None):
    predictions = np.array([[score, np.nan], [1 / 3, 0.5]], np.float32)
    outcome = Outcome(predictions, models if models is not None else (bytes([len(id)]) * n_bytes,))
    return Trial(Candidate(id, {"family": family}), "finished", score, outcome=outcome)


def test_a_kept_outcome_comes_back_as_it_was_also_for_another_reader(tmp_path):
    outcomes = Outcomes(tmp_path / "run" / "outcomes")
    given = trial("a/b .7", 0.1 + 0.2, models=(b"\x00model", b"", bytes(range(256))))
    assert outcomes.offer(given)
    for reader in (outcomes, Outcomes(tmp_path / "run" / "outcomes")):
        assert reader.ids() == ["a/b .7"]
        assert reader.score("a/b .7") == 0.1 + 0.2
        assert reader.models("a/b .7") == given.outcome.models
        predictions = reader.predictions("a/b .7")
        assert predictions.dtype == np.float32
        np.testing.assert_array_equal(predictions, given.outcome.predictions)


def test_the_best_stay_and_the_best_of_every_family(tmp_path):
    outcomes = Outcomes(tmp_path, keep=3)
    scores = {"0": 0.1, "1": 0.9, "2": 0.5, "3": 0.7, "4": 0.8, "5": 0.2}
    kept = [outcomes.offer(trial(id, score, "linear" if id in "05" else "mlp")) for id, score in scores.items()]
    assert kept == [True] * 6
    assert outcomes.ids() == Outcomes(tmp_path, keep=3).ids() == ["1", "4", "3", "5"]
    assert not outcomes.offer(trial("6", 0.15, "linear"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.npz", "3.npz", "4.npz", "5.npz"]


def test_a_second_offer_replaces_the_first(tmp_path):
    outcomes = Outcomes(tmp_path, keep=2)
    for id, score in (("0", 0.5), ("1", 0.4), ("0", 0.1)):
        outcomes.offer(trial(id, score))
    assert outcomes.ids() == Outcomes(tmp_path).ids() == ["1", "0"]
    assert outcomes.predictions("0")[0, 0] == np.float32(0.1)


def test_beyond_the_byte_cap_the_worst_go_and_the_best_never(tmp_path):
    outcomes = Outcomes(tmp_path, max_bytes=2_500)
    for id, score in (("0", 0.5), ("1", 0.4), ("2", 0.6)):
        assert outcomes.offer(trial(id, score, n_bytes=1_000)) or id == "1"
    assert outcomes.ids() == ["2", "0"]
    outcomes.offer(trial("3", 0.1, "linear", n_bytes=1_000))
    assert outcomes.ids() == ["2", "3"]
    outcomes.offer(trial("4", 0.9, n_bytes=10_000))
    assert outcomes.ids() == ["4"]
    assert [path.name for path in tmp_path.iterdir()] == ["4.npz"]


@pytest.mark.parametrize("score", [None, math.nan, -math.inf])
def test_without_a_number_as_score_nothing_is_kept(tmp_path, score):
    outcomes = Outcomes(tmp_path / "none")
    assert not outcomes.offer(replace(trial("0", 1.0), score=score))
    assert not outcomes.offer(Trial(Candidate("0", {"family": "mlp"}), "finished", 1.0))
    assert outcomes.ids() == []
    assert not (tmp_path / "none").exists()


def test_torn_and_unknown_files_are_ignored(tmp_path):
    outcomes = Outcomes(tmp_path)
    for id in ("0", "1", "2", "3"):
        outcomes.offer(trial(id, 0.5, n_bytes=10_000))
    whole = (tmp_path / "1.npz").read_bytes()
    (tmp_path / "1.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "2.npz").rename(tmp_path / "renamed.npz")
    (tmp_path / "writing.tmp").write_bytes(whole[:100])
    (tmp_path / "notes.npz").write_text("hello")
    (tmp_path / "empty.npz").touch()
    about = np.frombuffer(json.dumps({"id": "other"}).encode(), np.uint8)
    np.savez(tmp_path / "other.npz", about=about, predictions=np.zeros(2))
    found = Outcomes(tmp_path)
    assert found.ids() == ["0", "3"]
    assert found.offer(trial("4", 0.6))
    assert Outcomes(tmp_path).ids() == ["4", "0", "3"]


def test_pickled_arrays_and_flipped_bytes_are_never_read(tmp_path):
    outcomes = Outcomes(tmp_path)
    outcomes.offer(trial("0", 0.5, n_bytes=10_000))
    damaged = bytearray((tmp_path / "0.npz").read_bytes())
    damaged[damaged.index(bytes([1]) * 10_000) + 5_000] ^= 1
    (tmp_path / "0.npz").write_bytes(damaged)
    assert outcomes.predictions("0").shape == (2, 2)
    with pytest.raises(ArtifactError, match=r"damaged or gone.*resume"):
        outcomes.models("0")
    objects = Trial(Candidate("1", {"family": "mlp"}), "finished", 1.0, outcome=Outcome(np.array([{}], object), ()))
    with pytest.raises(ValueError, match="allow_pickle"):
        outcomes.offer(objects)
    assert outcomes.ids() == Outcomes(tmp_path).ids() == ["0"]


def test_errors_name_the_nearest_and_the_way_out(tmp_path):
    outcomes = Outcomes(tmp_path)
    outcomes.offer(trial("17", 0.5))
    with pytest.raises(UnknownNameError, match="Did you mean '17'"):
        outcomes.predictions("1")
    (tmp_path / "file").touch()
    with pytest.raises(AutoMLError, match=r"must fit on the disk.*resume"):
        Outcomes(tmp_path / "file").offer(trial("0", 0.5))


def test_only_the_outcomes_of_known_trials_count_and_a_name_taken_again_leaves_nothing_of_the_first(tmp_path):
    first = Outcomes(tmp_path)
    for id in ("0", "1"):
        first.offer(trial(id, 0.5))
    reader = Outcomes(tmp_path, of=["0"])
    assert reader.ids() == ["0"]
    assert not reader.offer(replace(trial("1", 0.0), score=None))
    assert Outcomes(tmp_path).ids() == ["0"]
