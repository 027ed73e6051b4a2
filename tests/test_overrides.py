"""Names of files and columns on the command line are plain text, whatever they hold."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from omegaconf import OmegaConf

from automl.again import command_of
from automl.errors import ConfigError
from automl.hydra_app import composed, recomposed
from automl.overrides import LISTS, TEXTS, taken_out

NAMES = (
    "ünï",
    "Größe, income ($)",
    "data (1).csv",
    "null",
    "1e3",
    "007",
    "true",
    "???x",
    "${y}",
    "a${y}b",
    "\\${y}",
    "a=b",
    "=",
    "a: b",
    "[x",
    "{x}",
    "it's",
    'a "b" c',
    "a\\b",
    "~x",
    "+x",
    "a,b",
    " x ",
    "日本 語",
    "🙂",
    "x#y",
    "%(a)s",
    "!!python/object",
    "*a",
    "&a",
    "'",
    "a\tb",
    "../x",
    "oc.env:HOME",
    "${oc.env:HOME}",
)


def read(*arguments: str) -> dict[str, Any]:
    """What the configuration gets of arguments, as ``KEY: value``; none of them may be left to Hydra."""
    others, tree = taken_out(arguments)
    assert others == []
    plain: Any = OmegaConf.to_container(OmegaConf.create(tree), resolve=True)
    return {f"{group}.{name}": value for group, names in plain.items() for name, value in names.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_what_stands_there(name: str) -> None:
    assert read(*(f"{key}={name}" for key in TEXTS)) == dict.fromkeys(TEXTS, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_role_may_be_of_any_name(name: str) -> None:
    assert read(f"data.roles.{name}=numeric", "data.roles.zip=text") == {"data.roles": {name: "numeric", "zip": "text"}}
    quoted = f'"{name}"' if '"' not in name else f"'{name}'"
    assert read(f"data.roles={{zip: text, {quoted}: numeric}}") == {"data.roles": {"zip": "text", name: "numeric"}}


def test_a_search_and_a_run_that_goes_on_have_the_same_names() -> None:
    config = composed(["data.train=data (1).csv", "data.target=${y}", *(f"data.roles.{name}=text" for name in NAMES)])
    assert (config["data"]["train"], config["data"]["target"]) == ("data (1).csv", "${y}")
    assert config["data"]["roles"] == dict.fromkeys(NAMES, "text")
    changed = recomposed(config, ["data.group=a${y}b", "data.roles.zip=text"])["data"]
    assert changed == {**config["data"], "group": "a${y}b", "roles": {**dict.fromkeys(NAMES, "text"), "zip": "text"}}


@pytest.mark.parametrize("key", LISTS)
@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("[]", []),
        ("", []),
        ("[a]", ["a"]),
        ("a", ["a"]),
        ("a (1), b", ["a (1), b"]),
        (
            "[Größe (cm), income ($), null, 1e3, ${y}, it's]",
            ["Größe (cm)", "income ($)", "null", "1e3", "${y}", "it's"],
        ),
        ("['a, b', \"c, d\", e]", ["a, b", "c, d", "e"]),
        ("['a' b, c]", ["'a' b", "c"]),
    ],
)
def test_lists(key: str, written: str, names: list[str]) -> None:
    assert read(f"{key}={written}") == {key: names}


@pytest.mark.parametrize(
    ("written", "roles"),
    [
        ("{}", {}),
        ("{zip: categorical, 2020: dropped}", {"zip": "categorical", "2020": "dropped"}),
        ("{Größe, income ($): numeric, b: text}", {"Größe, income ($)": "numeric", "b": "text"}),
        ("{a:b: numeric,c:text}", {"a:b": "numeric", "c": "text"}),
        ("{'a: b': 'numeric'}", {"a: b": "numeric"}),
    ],
)
def test_roles(written: str, roles: dict[str, str]) -> None:
    assert read(f"data.roles={written}") == {"data.roles": roles}


@pytest.mark.parametrize(
    "written", ["zip", "{zip}", "{zip: }", "[zip: text]", "{zip: text", "{: text, a}", "{{a: b}: text}}"]
)
def test_roles_that_are_none_are_told_with_an_example(written: str) -> None:
    with pytest.raises(ConfigError, match=r"data\.roles=\{zip: categorical\}"):
        taken_out([f"data.roles={written}"])


def test_quotes_around_a_whole_name_and_an_empty_value() -> None:
    found = read("data.train='a b'", 'data.target="c"', "data.test=x", "data.test=")
    assert found == {"data.train": "a b", "data.target": "c", "data.test": None}


def test_keys_that_only_look_alike_stay_hydras() -> None:
    arguments = ["data.targets=x", "xdata.target=y", "data.folds=3", "data=default", "~data.test", "metric=f1"]
    assert taken_out(arguments) == (arguments, {})


def test_in_a_multirun_values_are_hydras_where_it_can_read_them() -> None:
    sweep = ["data.target=a,b", "run.dir=runs/${seed}", "-m"]
    assert taken_out(sweep, several=True) == (sweep, {})
    assert taken_out(["data.target=Größe ($)"], several=True) == ([], {"data": {"target": "Größe ($)"}})


def test_a_file_and_columns_with_such_names_are_searched_on(tmp_path: Path) -> None:
    target, income, size = "ünï ${y} [1]", "Größe, income ($)", "null"
    n = range(60)
    frame = pd.DataFrame({income: [str(i % 7) for i in n], size: list(n), "1e3": [i % 2 for i in n]})
    frame.assign(**{target: [i % 2 for i in n]}).to_csv(tmp_path / "data (1).csv", index=False)
    only = ["space.tables={svm: off, mlp: off, catboost: off, lightgbm: off, realmlp: off, neighbors: off}"]
    given = [f"data.target={target}", f"data.roles={{{income}: categorical}}", "data.drop=[null]", "run.dir=läuft (1)"]
    command = [sys.executable, "-P", "-m", "automl.cli", "search", "data.train=data (1).csv", *given, *only]
    command += ["runner=inline", "budget.trials=1", "data.folds=2", "compress=none", "ensemble.compact=false"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "läuft (1)" / "model" / "manifest.json").exists()


@pytest.mark.parametrize("name", NAMES)
def test_the_decimal_mark_of_a_column_of_any_name(name: str) -> None:
    assert read(f"data.decimal.{name}=comma") == {"data.decimal": {name: "comma"}}
    quoted = f"'{name}'" if '"' in name else f'"{name}"'
    assert read(f"data.decimal={{zip: point, {quoted}: comma}}") == {"data.decimal": {"zip": "point", name: "comma"}}
    given = ["data.train=x", f"data.decimal={{{quoted}: comma}}"]
    assert composed(given)["data"]["decimal"] == {name: "comma"}
    again = shlex.split(command_of(composed(given)))[2:]
    assert composed(["data.train=x", *again])["data"]["decimal"] == {name: "comma"}
    assert composed(["data.train=x", "data.decimal=comma"])["data"]["decimal"] == "comma"
