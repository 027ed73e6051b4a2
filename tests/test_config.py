"""Configuration: every option of every group composes, and each group has the options there are."""

from pathlib import Path

import pytest

from automl import registry
from automl.commands import search_config
from automl.errors import ConfigError
from automl.hydra_app import composed, recomposed

CONF = Path(__file__).parent.parent / "conf"
GROUPS = {f"{path.parent.name}={path.stem}" for path in CONF.glob("*/*.yaml")}


@pytest.mark.parametrize("choice", sorted(GROUPS))
def test_every_option_composes_to_a_search(choice: str) -> None:
    search_config(composed(["data.train=x", choice]), 0.0)


@pytest.mark.parametrize("group", ["searcher", "scheduler", "runner"])
def test_files_and_groups_agree(group: str) -> None:
    files = {path.stem for path in (CONF / group).glob("*.yaml")} - {"auto"}
    assert files == set(registry.names(f"{group}s"))


def test_the_composed_space_is_the_generated_one() -> None:
    from automl.assemble import described

    assert composed(["data.train=x"])["space"] == described()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "set budget.trials"),
        (["budget.trials=5", "scheduler=hyperband"], "use scheduler=asha"),
        (["budget.trials=5", "scheduler=pbt"], "use scheduler=asha"),
    ],
)
def test_a_deterministic_search_says_what_it_needs(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        search_config(composed(["data.train=x", "deterministic=true", *overrides]), 0.0)
    assert search_config(composed(["data.train=x", "deterministic=true", "budget.trials=5"]), 0.0).deterministic


def test_a_deleted_path_is_turned_off() -> None:
    config = search_config(composed(["data.train=x", "~space.tables.svm"]), 0.0)
    assert config.space.overrides["tables"]["svm"] == "off"


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("budget.secnds=3", "budget.seconds"),
        ("schedler=asha", "scheduler"),
        ("scheduler=ash", "asha"),
        ("space.tables.mlp.loss.focall.gamma=1", "focal"),
        ("experiment=quik", "quick"),
    ],
)
def test_a_wrong_key_names_the_nearest(override: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=nearest):
        composed(["data.train=x", override])


@pytest.mark.parametrize("argument", ["foo", "=3", "foo==3", "searcher=3"])
def test_what_is_no_override_is_told_with_an_example(argument: str) -> None:
    with pytest.raises(ConfigError, match=r"e\.g\. (budget|searcher)"):
        composed(["data.train=x", argument])


@pytest.mark.parametrize("override", ["data.roles={zip: categorical}", "data.roles.zip=categorical"])
def test_names_of_columns_are_open_keys(override: str) -> None:
    assert composed(["data.train=x", override])["data"]["roles"] == {"zip": "categorical"}
    assert recomposed(composed(["data.train=x"]), [override])["data"]["roles"] == {"zip": "categorical"}


def test_an_earlier_run_takes_the_overrides_of_a_search() -> None:
    recorded = composed(["data.train=x", "runner.workers=3", "seed=7", "budget.seconds=5"])
    assert recomposed(recorded, []) == recorded
    changed = recomposed(recorded, ["searcher=gp", "runner=inline", "experiment=edge", "space.tables.svm=off"])
    assert changed["searcher"] == {"name": "gp"}
    assert changed["runner"] == {"name": "inline", "threads": None}
    assert changed["ensemble"] == {**recorded["ensemble"], "max_members": 1}
    assert (changed["seed"], changed["budget"]["seconds"]) == (7, 5)
    with pytest.raises(ConfigError, match=r"'budget\.seconds'"):
        recomposed(recorded, ["budget.secnds=3"])


def test_the_generated_space_is_no_option_beside_those_for_people() -> None:
    with pytest.raises(ConfigError, match="Known: full, small"):
        composed(["data.train=x", "space=everything"])
