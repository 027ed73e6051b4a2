"""What is tried first: each shipped entry is one of its family's space; a person's configuration goes before it."""

from typing import Any

import pytest

from automl import portfolio, registry
from automl.assemble import SpaceConfig, task_space
from automl.errors import ConfigError
from automl.portfolio import checked, first_candidates, params_of
from automl.space import Choice, draw
from automl.space import Defaults as DefaultAnswers
from automl.task import FAMILY_FOLDER
from tests.tasks import make

FOLDERS = sorted(FAMILY_FOLDER.values())


def space(target: str = "binary", **families: Any) -> Any:
    return task_space(make("table", target), SpaceConfig({"tables": families}))


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_shipped_means_what_it_says(folder: str) -> None:
    kind = next(kind for kind, name in FAMILY_FOLDER.items() if name == folder)
    spaces = [task_space(make(kind, target)) for target in ("multiclass", "regression")]
    entries = portfolio.entries(folder)
    assert len({str(entry) for entry in entries}) == len(entries)
    for entry in entries:
        ((name, settings),) = entry.items()
        assert name in registry.names(folder)
        found = [params for params in (params_of(one, entry) for one in spaces) if params is not None]
        assert found, entry
        for path, value in settings.items():
            assert any(params.get(f"family.{name}.{path}") == value for params in found), (entry, path)


def test_tables_have_one_and_begin_with_a_fit_of_a_second() -> None:
    entries = portfolio.entries("tables")
    assert len(entries) > 5
    assert {"lightgbm", "realmlp"} <= {name for entry in entries for name in entry}


def test_families_that_the_portfolio_lacks_follow_with_their_defaults() -> None:
    whole = space()
    entries = [{"svm": {"kernel": "linear"}}, {"lightgbm": {}}]
    tried = first_candidates(whole, entries)
    names = [params["family"] for params in tried]
    assert names[:2] == ["svm", "lightgbm"]
    assert sorted(names) == sorted(whole["family"].options)
    assert tried[0]["family.svm.kernel"] == "linear"
    assert tried[1] == draw(whole, DefaultAnswers({"family": "lightgbm"}))


def test_what_a_person_configured_goes_before_an_entry() -> None:
    entry = {"lightgbm": {"num_leaves": 200, "extra_trees": True, "learning_rate": 0.02}}
    frozen = params_of(space(lightgbm={"learning_rate": 0.2, "num_leaves": {"high": 50}}), entry)
    assert frozen is not None
    assert frozen["family.lightgbm.learning_rate"] == 0.2
    assert frozen["family.lightgbm.num_leaves"] <= 50
    assert params_of(space(lightgbm={"extra_trees": [False]}), entry) is None
    assert params_of(space(lightgbm="off"), entry) is None


@pytest.mark.parametrize("read", [{"svm": {}}, [{"svm": {}, "mlp": {}}], ["svm"], [{"svm": 3}], None])
def test_what_is_no_portfolio_is_refused(read: Any) -> None:
    with pytest.raises(ConfigError, match="list of entries"):
        checked(read, "portfolio.yaml")


def test_a_search_begins_with_the_portfolio() -> None:
    whole = space()
    tried = first_candidates(whole, portfolio.entries("tables"))
    assert isinstance(whole["family"], Choice)
    ((first, _),) = portfolio.entries("tables")[0].items()
    assert tried[0]["family"] == first
    assert {params["family"] for params in tried} == set(whole["family"].options)


def test_a_search_goes_on_near_what_the_portfolio_names_or_near_all_where_it_names_none() -> None:
    whole = task_space(make("image", "multiclass"))
    names = {params["family"] for params in portfolio.named(whole, "image")}
    assert names == {name for entry in portfolio.entries("images") for name in entry}
    assert names < {params["family"] for params in portfolio.starts(whole, "image")}
    without = task_space(make("image", "multiclass"), SpaceConfig({"images": dict.fromkeys(names, "off")}))
    assert portfolio.named(without, "image") == portfolio.starts(without, "image")
    steps = task_space(make("sequence", "multiclass"))
    assert portfolio.named(steps, "sequence") == portfolio.starts(steps, "sequence")
