"""The templates of CONTRIBUTING.md keep their contracts, and a search in a folder that holds them uses them."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.datasets import load_iris

from automl import registry
from automl.cli import main
from automl.leaderboard.store import Store
from automl.testing import check_option
from automl.types import Trial

EXAMPLES = Path(__file__).parent.parent / "examples"
TEMPLATES = {"tables": "own_family", "losses": "own_loss", "searchers": "own_searcher"}
COMMON = (
    *("data.train=iris.csv", "data.target=target", "data.folds=2", "run.dir=runs/own", "budget.seconds=null"),
    *("runner=inline", "scheduler=none", "compress=none", "ensemble.compact=false"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder: a table, and the templates."""
    for name in TEMPLATES.values():
        shutil.copy(EXAMPLES / f"{name}.py", tmp_path)
    load_iris(as_frame=True).frame.to_csv(tmp_path / "iris.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    registry.load.cache_clear()
    for name in TEMPLATES.values():
        sys.modules.pop(name, None)


def only(*families: str) -> list[str]:
    known = registry.available("tables")
    return [f"space.tables.{name}=off" for name in known if name not in families]


def searched(*overrides: str) -> list[Trial]:
    """The trials of a search; all of them finished."""
    main(["search", *COMMON, *overrides])
    with Store("sqlite:///runs/leaderboard.db", read_only=True) as store:
        trials = store.trials(1)
    assert {trial.status for trial in trials} == {"finished"}
    assert Path("runs/own/model/manifest.json").exists()
    return trials


@pytest.mark.parametrize(("kind", "name"), TEMPLATES.items())
@pytest.mark.usefixtures("folder")
def test_a_template_keeps_its_contract(kind: str, name: str) -> None:
    check_option(kind, name)


@pytest.mark.usefixtures("folder")
def test_a_search_tries_the_family() -> None:
    trials = searched("plugins.tables=[own_family]", "budget.trials=2", *only())
    assert [trial.candidate.family for trial in trials] == ["own_family"] * 2


@pytest.mark.usefixtures("folder")
def test_a_search_minimises_the_loss() -> None:
    loss = ("plugins.losses=[own_loss]", "space.tables.mlp.loss=own_loss", "space.tables.mlp.epochs=3")
    (trial,) = searched(*loss, "budget.trials=1", *only("mlp"))
    assert trial.candidate.params["family.mlp.loss"] == "own_loss"


@pytest.mark.usefixtures("folder")
def test_the_searcher_changes_one_thing_of_the_best() -> None:
    parent, child = (
        trial.candidate.params for trial in searched("searcher=own_searcher", "budget.trials=2", *only("decision_tree"))
    )
    assert sum(parent[path] != child[path] for path in parent.keys() & child.keys()) == 1
