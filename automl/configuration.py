"""What a composed configuration has to look like, checked whole before anything is done with it."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from automl.errors import ConfigError, nearest
from automl.options import number
from automl.runtime import fault

# A name of a column may be a number: in YAML, 2020 is one.
_NAME = (str, int, float, bool)
_OPTION: dict[Any, Any] = {"name": str, ...: object}
# Values that are `object` are checked, with their rules, by what they are for.
_SHAPE: dict[Any, Any] = {
    "data": {
        "train": _NAME,
        **dict.fromkeys(("target", "test", "group", "order", "weights"), (*_NAME, None)),
        "validation?": (*_NAME, None),
        "test_share": float,
        "kind": str,
        "roles": {...: str},
        "drop": [_NAME],
        "folds": (str, float),
        ...: object,
    },
    "task": str,
    "metric": str,
    "seed": object,
    "quiet": object,
    "report?": object,
    "goals": [str],
    "limits": {...: object},
    "deterministic": object,
    "artifact?": {"levels": str},
    "run": {"dir": (*_NAME, None), "store": (str, None)},
    "leaderboard": {"url": object},
    "plugins": {...: [str]},
    "space": {...: object},
    "searcher": _OPTION,
    "scheduler": _OPTION,
    "runner": _OPTION,
    "budget": {...: object},
    "compress": {"max_loss": object, "options": object, ...: object},
    "ensemble": {...: object},
    ...: object,
}
_GROUPS = ("data", "budget", "compress", "ensemble")


def check(config: Any) -> None:
    """Raise ``ConfigError`` for a configuration with a key too few or too many, or a value of a wrong type."""
    wrong = fault(config, _SHAPE)
    if wrong:
        raise ConfigError(f"In the configuration {wrong}. All keys: automl search --cfg job")
    _refuse_unknown("", config, known())
    for group in _GROUPS:
        _refuse_unknown(f"{group}.", config[group], known(group))
    number("key 'seed'", config["seed"], 0, 2**32 - 1, whole=True)


@cache
def known(group: str = "") -> frozenset[str]:
    """Return the keys that a group has, or those on top."""
    text = resources.files("automl.conf").joinpath(group, "default.yaml" if group else "config.yaml").read_text("utf-8")
    tree = yaml.safe_load(text)
    groups = {name for default in tree.get("defaults", ()) if isinstance(default, dict) for name in default}
    return frozenset(tree.keys() | groups) - {"defaults"}


def _refuse_unknown(prefix: str, tree: Mapping[str, Any], names: frozenset[str]) -> None:
    for name in tree.keys() - names:
        raise ConfigError(
            f"There is no configuration key '{prefix}{name}'.{nearest(name, names)} All keys: automl search --cfg job"
        )
