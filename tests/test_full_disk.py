"""A disk that is full from any moment of a search on: it is named, what is there is kept, and the run goes on later."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import load, run_folder
from automl.leaderboard.store import Store
from tests.commands import automl_process

# Searches; from the first call of a function on, or a later one, or for that call, no file grows beyond 100 bytes.
SEARCH = """
import importlib, resource, sys
from automl import cli
place, name, later, how_long, *arguments = sys.argv[1:]
module, _, kind = place.partition(":")
owner = importlib.import_module(module)
owner = getattr(owner, kind) if kind else owner
real, left = getattr(owner, name), [int(later)]

def called(*given, **named):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    left[0] -= 1
    if left[0] == -1:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        return real(*given, **named)
    finally:
        if how_long == "call":
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

setattr(owner, name, called)
cli.main(["search", *arguments])
"""
# The function, how often it is called before, for how long, the runner, what the message names, what is kept.
MOMENTS = {
    "start": ("automl.run_folder", "create", 0, "on", "inline", "run", []),
    "record": ("automl.search:_Run", "_open", 0, "on", "inline", "leaderboard.db", []),
    "trial": ("automl.model_store:ModelStore", "_write", 4, "on", "inline", "leaderboard.db", ["0"]),
    "shipping": ("automl.export.package", "_write", 0, "on", "inline", "leaderboard.db", ["0", "1"]),
    "shipping elsewhere": ("automl.export.package", "_write", 0, "call", "inline", ".model-", ["0", "1"]),
    "TMPDIR": ("automl.runners.processes", "write", 0, "call", "processes", "automl-", []),
}
GIVEN = ("data.train=train.csv", "data.target=y", "data.folds=2", "compress=none", "report=false", "run.dir=run")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=120), "b": rng.normal(size=120)})
    path = tmp_path_factory.mktemp("table") / "train.csv"
    frame.assign(y=np.where(frame["a"] > 0, "yes", "no")).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_disk_that_is_full_from_a_moment_on(moment: str, table: Path, tmp_path: Path) -> None:
    place, name, later, how_long, runner, named, kept = MOMENTS[moment]
    (tmp_path / "train.csv").write_bytes(table.read_bytes())
    quick = ("space.tables=[linear,decision_tree]", "budget.seconds=60", "budget.trials=2", f"runner={runner}")
    command = [sys.executable, "-P", "-W", "ignore", "-c", SEARCH, place, name, str(later), how_long]
    done = subprocess.run(
        [*command, *GIVEN, *quick], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    *_, told = done.stderr.splitlines()
    assert told.startswith("automl: ")
    assert named in told
    if not (tmp_path / "run" / "run.json").exists():
        return
    folder = run_folder.find(tmp_path / "run")
    with Store(folder.leaderboard_url, read_only=True) as store:
        assert [trial.candidate.id for trial in store.trials(folder.run_id)] == kept
    again = automl_process("resume", "run", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert f"resumed with {len(kept)} finished trials" in again.stderr
    assert "damaged" not in again.stderr
    assert len(load(tmp_path / "run" / "model").predict(pd.read_csv(table).drop(columns="y"))) == 120
