"""Configuration: every option of every group composes, and each group has the options there are."""

import copy
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from automl import configuration, hydra_app, options, registry
from automl.assemble import SpaceConfig, task_space, whole_space
from automl.composed_space import touched
from automl.configuration import AUTO_RUNNER, GROUPS
from automl.errors import ConfigError
from automl.hydra_app import composed, recomposed
from automl.hydra_errors import keys_of, known_keys
from automl.option import CLASSES
from automl.options import configuration as options_of
from automl.search_config import SearchConfig
from automl.settings import search_of
from automl.space import Choice, configure_choice
from automl.testing import make_task

X = "data.train=x"
A, B = {"x": {"low": 0}}, {"y": {"low": 1}}
SPACE = {"tables": {"a": A, "b": B}, "images": {"c": {}}}
AUTOML = [sys.executable, "-P", "-W", "ignore", "-m", "automl.cli"]
CONF = Path(__file__).parent.parent / "conf"
GENERATED = {f"{group}={name}" for group, kind in GROUPS.items() for name in registry.names(kind)}
CHOICES = {f"{path.parent.name}={path.stem}" for path in CONF.glob("*/*.yaml")} | GENERATED


@pytest.mark.parametrize("choice", sorted(CHOICES))
def test_every_option_composes_to_a_search(choice: str) -> None:
    search_of(composed(["data.train=x", choice]), 0.0)


def test_the_keywords_of_a_make_are_the_keys_of_its_group() -> None:
    assert composed(["data.train=x"])["searcher"] == {"name": "tpe", "startup_trials": 10, "candidates": 24}
    changed = composed(["data.train=x", "searcher.startup_trials=3", "scheduler.eta=4", "runner.workers=2"])
    assert (changed["searcher"]["startup_trials"], changed["scheduler"]["eta"], changed["runner"]["workers"]) == (
        3,
        4,
        2,
    )
    assert composed(["data.train=x", "runner=auto"])["runner"].keys() == {
        "name",
        *options_of("runners", AUTO_RUNNER),
    }
    # What the runner gives is nothing to be configured.
    assert "space" not in composed(["data.train=x", "scheduler=pbt"])["scheduler"]
    with pytest.raises(ConfigError, match="Did you mean 'eta'"):
        composed(["data.train=x", "scheduler.etta=4"])


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The folder of a module of one's own, where modules are found."""
    (tmp_path / "own_searcher.py").write_text(
        "from automl.searchers.random import RandomSearch\n\n\n"
        "def make(space, seed=0, *, patience: int = 7):\n    return RandomSearch(space, seed)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return "own_searcher"


def test_a_searcher_of_ones_own_by_import_path(own: str) -> None:
    config = composed(["data.train=x", f"searcher={own}", "searcher.patience=3"])
    assert config["searcher"] == {"name": own, "patience": 3}
    options.check("searchers", config["searcher"])
    assert recomposed(config, ["seed=2"])["searcher"] == config["searcher"]
    with pytest.raises(ConfigError, match="own_searchers"):
        composed(["data.train=x", f"searcher={own}s"])
    with pytest.raises(ConfigError, match="function 'make'"):
        composed(["data.train=x", "searcher=json"])


@pytest.mark.parametrize("kind", CLASSES)
def test_there_is_a_key_for_plugins_of_every_kind(kind: str) -> None:
    assert composed(["data.train=x"])["plugins"][kind] == []


def test_the_composed_space_is_the_generated_one() -> None:
    from automl.assemble import described

    assert composed(["data.train=x"])["space"] == described()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "set budget.trials"),
        (["budget.trials=5", "scheduler=hyperband"], "use scheduler=halving"),
        (["budget.trials=5", "scheduler=pbt"], "use scheduler=halving"),
    ],
)
def test_a_deterministic_search_says_what_it_needs(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        search_of(composed(["data.train=x", "deterministic=true", *overrides]), 0.0)
    assert search_of(composed(["data.train=x", "deterministic=true", "budget.trials=5"]), 0.0).deterministic


def test_a_deleted_path_is_turned_off() -> None:
    config = search_of(composed(["data.train=x", "~space.tables.svm"]), 0.0)
    assert config.space.overrides["tables"]["svm"] == "off"


@pytest.mark.parametrize(
    ("override", "path", "options"),
    [
        ("space.tables=[lightgbm,mlp]", ("tables",), ["lightgbm", "mlp"]),
        ("space.tables.mlp.loss=[focal, brier]", ("tables", "mlp", "loss"), ["focal", "brier"]),
        ("space.tables.lightgbm.num_leaves=[7,31]", ("tables", "lightgbm", "num_leaves"), [7, 31]),
    ],
)
def test_a_list_means_only_these(override: str, path: tuple[str, ...], options: list[Any]) -> None:
    first = composed(["data.train=x", override])
    for config in (first, recomposed(first, []), recomposed(first, [override]), recomposed(composed([X]), [override])):
        part = config["space"]
        for name in path:
            part = part[name]
        assert part == options
    family = task_space(make_task("table", "binary"), search_of(first, 0.0).space)["family"]
    assert isinstance(family, Choice)
    if path == ("tables",):
        assert list(family.options) == options
    with pytest.raises(ConfigError, match="Did you mean 'lightgbm'"):
        task_space(make_task("table", "binary"), SpaceConfig({"tables": ["lightgmb"]}))


def test_what_is_listed_may_be_changed_too() -> None:
    config = search_of(composed([X, "space.tables=[mlp,svm]", "space.tables.mlp.depth=3"]), 0.0)
    family = task_space(make_task("table", "binary"), config.space)["family"]
    assert isinstance(family, Choice)
    assert set(family.options) == {"mlp", "svm"}
    assert config.space.overrides["tables"]["mlp"]["depth"] == 3


def test_what_overrides_leave_of_the_space_is_not_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes to the same as with all of it, in a tenth of the time."""
    overrides = ["space.tables.svm=off", "space.tables.mlp.depth.high=4", "space.images=[cells]"]
    recorded = composed([X])
    found = [composed([X, *overrides]), recomposed(recorded, overrides)]
    monkeypatch.setattr(hydra_app, "touched", lambda overrides, space: dict(space))
    assert found == [composed([X, *overrides]), recomposed(recorded, overrides)]


@pytest.mark.parametrize(
    ("overrides", "part"),
    [
        ([X, "seed=1"], {}),
        (["space.tables.a=off", "+space.tables.a.x.low=1"], {"tables": {"a": A}}),
        (["space.tables=[a]"], {"tables": {}}),
        (["space.tables=[a]", "space.tables.a.x=1"], {"tables": {"a": A, "b": B}}),
        *(([any_of_it], SPACE) for any_of_it in ("space.tables.c=off", "space.tables=off", "space.tables={a: off}")),
        *(([any_of_it], SPACE) for any_of_it in ("~space.tables.a", "space=small", "space_file=x", "experiment=edge")),
        (["space.tables.a=off", "space.images={c: off}"], SPACE),
    ],
)
def test_what_overrides_may_change_of_the_space(overrides: list[str], part: dict[str, Any]) -> None:
    assert touched(overrides, SPACE) == part


def test_a_list_in_a_file_says_how_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    written = tmp_path / "experiment" / "mine.yaml"
    command = [*AUTOML, "search", "--config-dir", str(tmp_path), "experiment=mine", X, "--cfg", "job"]
    run = partial(subprocess.run, command, capture_output=True, text=True, check=False)
    written.write_text("# @package _global_\nspace: {tables: [lightgbm]}\n")
    assert "tables: {options: [lightgbm, mlp]}" in run().stderr
    written.write_text("# @package _global_\nspace: {tables: {options: [lightgbm]}}\n")
    found = yaml.safe_load(run().stdout)["space"]["tables"]
    assert list(configure_choice(whole_space()["tables"], found, "tables").options) == ["lightgbm"]


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


def test_a_file_in_the_place_of_a_configuration_is_told_the_key(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.touch()
    with pytest.raises(ConfigError, match=f"data.train={file}"):
        composed([f"data={file}"])


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group, kind in GROUPS.items() for name in registry.names(kind)]
)
def test_a_wrong_key_of_an_option_names_those_that_it_has(group: str, name: str) -> None:
    known = list(options_of(GROUPS[group], name))
    wrong = f"{known[0]}s" if known else "eta"
    with pytest.raises(ConfigError, match=f"The {group} '{name}' has no option '{wrong}'") as caught:
        composed(["data.train=x", f"{group}={name}", f"{group}.{wrong}=3"])
    assert f"Known: {', '.join(known) or 'none'}." in str(caught.value)
    assert not known or f"Did you mean '{known[0]}'" in str(caught.value)


def test_a_part_that_is_no_value_says_how_it_is_set() -> None:
    with pytest.raises(ConfigError, match=r"space\.tables=\[NAME,...\]"):
        composed(["data.train=x", "space.tables={options: [linear]}"])


@pytest.mark.parametrize("argument", ["foo", "=3", "foo==3", "searcher=3", "searcher=[{a:1}]", "+@=abc", "+@x=abc"])
def test_what_is_no_override_is_told_with_an_example(argument: str) -> None:
    with pytest.raises(ConfigError, match=r"e\.g\. (budget|searcher)"):
        composed(["data.train=x", argument])


def test_what_is_nested_too_deeply_is_told() -> None:
    for depth in (300, 2000):
        with pytest.raises(ConfigError, match="nested in less than"):
            composed(["data.train=x", f"goals={'[' * depth}{']' * depth}"])


@pytest.mark.parametrize("override", ["data.roles={zip: categorical}", "data.roles.zip=categorical"])
def test_names_of_columns_are_open_keys(override: str) -> None:
    assert composed(["data.train=x", override])["data"]["roles"] == {"zip": "categorical"}
    assert recomposed(composed(["data.train=x"]), [override])["data"]["roles"] == {"zip": "categorical"}


def test_an_earlier_run_takes_the_overrides_of_a_search() -> None:
    recorded = composed(["data.train=x", "runner.workers=3", "seed=7", "budget.seconds=5"])
    assert recomposed(recorded, []) == recorded
    changed = recomposed(recorded, ["searcher=gp", "runner=inline", "experiment=edge", "space.tables.svm=off"])
    assert changed["searcher"] == {"name": "gp", **options_of("searchers", "gp")}
    assert changed["runner"] == {"name": "inline", "threads": None}
    assert changed["ensemble"] == {**recorded["ensemble"], "max_members": 1}
    assert (changed["seed"], changed["budget"]["seconds"]) == (7, 5)
    with pytest.raises(ConfigError, match=r"'budget\.seconds'"):
        recomposed(recorded, ["budget.secnds=3"])


def test_the_generated_space_is_no_option_beside_those_for_people() -> None:
    with pytest.raises(ConfigError, match="Known: full, small"):
        composed(["data.train=x", "space=everything"])


def paths(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of all keys."""
    inner = [p for name, value in tree.items() for p in paths(value, (*path, name))] if isinstance(tree, dict) else []
    return inner if path == () else [path, *inner]


def test_a_run_of_a_version_that_lacked_a_key_has_its_default() -> None:
    whole = composed(["data.train=x"])
    configuration.check(whole)
    needed = [("space",), *((group,) for group in GROUPS), ("data",), ("data", "train")]
    later = [path for path in paths(whole) if path not in needed and path[:1] not in needed[:-2]]
    assert ("ensemble", "rounds") in later
    for path in later:
        earlier = copy.deepcopy(whole)
        inner = earlier
        for name in path[:-1]:
            inner = inner[name]
        del inner[path[-1]]
        assert configuration.completed(earlier) == whole, path
    with pytest.raises(ConfigError, match="train"):
        configuration.check(configuration.completed({**whole, "data": {}}))


def test_the_keys_that_a_wrong_one_is_compared_with_are_those_there_are() -> None:
    there = composed(["data.train=x"])
    assert sorted(known_keys()) == sorted(keys_of({**there, **dict.fromkeys(GROUPS)}))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"scheduler": {"name": "halving", "eta": 0}}, "eta of halving is a number of at least 1.01; got 0"),
        ({"scheduler": {"name": "asha", "grace_percent": 101}}, "grace_percent of asha is a number from 0.1 to 100"),
        ({"searcher": {"name": "tpe", "startup_trials": 2.5}}, "startup_trials of tpe is a whole number"),
        ({"searcher": {"name": "evolution", "population": "many"}}, "population of evolution .* got 'many'"),
    ],
)
def test_a_wrong_number_is_refused_before_anything_is_read(part: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SearchConfig(**part)
