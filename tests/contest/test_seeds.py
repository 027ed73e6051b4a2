"""Several seeds in one command: a run for each in its part of the budget, one submission that is their blend."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import cli, compete_seeds, load, registry
from automl.cli import main
from automl.errors import AutoMLError
from automl.leaderboard.store import Store
from automl.runtime.table import read_csv

QUICK = ["data.folds=2", "budget.seconds=60", "budget.trials=4", "runner=inline", "quiet=true", "report=false"]
QUICK += [f"space.tables.{name}=off" for name in registry.available("tables") if name != "linear"]
N, N_TEST = 90, 30


@pytest.fixture(autouse=True)
def budget_begins_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "STARTED", time.time())


@pytest.fixture(params=[["sold"], ["sold", "price"]], ids=["one target", "several targets"])
def contest(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """Write the files of a contest; the command that answers it."""
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"id": np.arange(N + N_TEST) + 5, "a": rng.normal(size=N + N_TEST), "b": rng.random(N + N_TEST)})
    truth = pd.DataFrame({"sold": (x["a"] + 0.5 * rng.normal(size=len(x)) > 0).astype(int), "price": 3 * x["a"]})
    pd.concat([x, truth[request.param]], axis=1).head(N).to_csv(tmp_path / "train.csv", index=False)
    x.tail(N_TEST).to_csv(tmp_path / "test.csv", index=False)
    x.tail(N_TEST)[["id"]].assign(**dict.fromkeys(request.param, 0.5)).to_csv(tmp_path / "sample.csv", index=False)
    files = [str(tmp_path / f"{name}.csv") for name in ("train", "test", "sample")]
    return ["compete", *files, *QUICK, f"run.dir={tmp_path / 'runs' / 'one'}"]


def test_each_seed_has_a_run_and_the_submission_is_their_blend(contest: list[str], tmp_path: Path) -> None:
    main([*contest, "--seeds", "3,4"])
    runs = tmp_path / "runs"
    filled = pd.read_csv(runs / "one" / "submission.csv")
    assert len(filled) == N_TEST
    with Store(runs / "leaderboard.db", read_only=True) as store:
        found = store.runs()
        n_trials = sum(len(store.trials(run.id)) for run in found)
    assert [run.seed for run in found] == sorted(run.seed for run in found)
    assert {run.seed for run in found} == {3, 4}
    assert n_trials == 4
    (held,) = read_csv(runs / "submissions.csv")["run"]
    assert "one-seed-3" in held or "one-seed-4" in held
    both = [str(runs / f"one-seed-{seed}") for seed in (3, 4)]
    main(["ensemble", *both, "-o", str(tmp_path / "blend.csv")])
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "blend.csv"), filled)


@pytest.mark.parametrize("how", ["before it shipped", "and it shipped", "not at all, it failed"])
def test_what_there_is_answers_where_a_seed_does_not_come_to_its_end(
    contest: list[str], how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, begun = compete_seeds.search, []

    def ended(contest: Any, config: dict[str, Any], *more: Any) -> tuple[Path, bool]:
        begun.append(config["seed"])
        if config["seed"] == 1 and how != "and it shipped":
            raise KeyboardInterrupt if how == "before it shipped" else AutoMLError("No trial has ended.")
        return search(contest, config, *more)[0], config["seed"] == 1

    monkeypatch.setattr(compete_seeds, "search", ended)
    main([*contest, "budget.trials=6", "--seeds", "0,1,2"])
    assert begun == ([0, 1, 2] if how.startswith("not") else [0, 1])
    runs = tmp_path / "runs"
    filled = pd.read_csv(runs / "one" / "submission.csv")
    if how == "before it shipped":
        several = (runs / "one-seed-0" / "sold").exists()
        model = load(runs / "one-seed-0" / "sold" / "model" if several else runs / "one-seed-0" / "model")
        said = model.predict_proba(pd.read_csv(tmp_path / "test.csv"))[:, 1]
        np.testing.assert_allclose(filled["sold"], said, rtol=1e-6)
    (held,) = read_csv(runs / "submissions.csv")["run"]
    assert "one-seed-0" in held or how == "and it shipped" or how.startswith("not")


def test_the_budget_is_shared_by_equal_parts(
    contest: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[float, int]] = []

    def searched(contest: Any, config: dict[str, Any], *more: Any) -> tuple[Path, bool]:
        given.append((config["budget"]["seconds"], config["budget"]["trials"]))
        raise AutoMLError("No trial has ended.")

    monkeypatch.setattr(compete_seeds, "search", searched)
    with pytest.raises(SystemExit):
        main([*contest, "--seeds", "0,1,2"])
    (first, _), (second, _), (third, _) = given
    assert 10 < first < 60 / 3
    assert first < second < third < 60, "what one leaves is the others'"
    assert [trials for _, trials in given] == [2, 2, 4], "of those that had none, too"
    assert not (tmp_path / "runs" / "one").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--seeds", "0,x"], "--seeds takes different whole numbers"),
        (["--seeds", "1,1"], "--seeds takes different whole numbers"),
        (["--seeds", "0,1", "seed=3"], "leave seed=... out"),
        (["--seeds", "0,1", "--pseudo-labels"], "leave one of the two out"),
        (["--seeds", "0,1,2,3,4"], "one for each seed or more"),
    ],
)
def test_wrong_seeds_are_refused(
    contest: list[str], more: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([*contest, *more])
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
