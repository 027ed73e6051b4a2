"""What a composed configuration has to look like, checked whole before anything is done with it."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from automl import options
from automl.errors import ConfigError, nearest
from automl.options import number
from automl.runtime.fault import fault

# A name of a column may be a number: in YAML, 2020 is one.
_NAME = (str, int, float, bool)
_OPTION: dict[Any, Any] = {"name": str, ...: object}
# Values that are `object` are checked, with their rules, by what they are for.
_SHAPE: dict[Any, Any] = {
    "data": {
        "train": _NAME,
        **dict.fromkeys(("test", "validation", "group", "order", "weights"), (*_NAME, None)),
        "target": (*_NAME, None, [_NAME]),
        "test_share": float,
        "kind": str,
        "roles": {...: str},
        "drop": [_NAME],
        "folds": (str, float),
        "quantiles": [float],
        "encoding": str,
        ...: object,
    },
    "task": str,
    "metric": str,
    "seed": object,
    "quiet": object,
    "report": object,
    "goals": [str],
    "measure": [str],
    "limits": {...: object},
    "deterministic": object,
    "artifact": {"levels": str},
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
_NO_DEFAULT = "???"  # as Hydra has it
# Groups that are generated: their options are those of a kind, and the keys of each are the parameters of its ``make``.
GROUPS = {"searcher": "searchers", "scheduler": "schedulers", "runner": "runners"}
# The option that is none of its kind, and what it may turn into (``search_config.make_runner``), whose keys it has.
AUTO, AUTO_RUNNER = ("runner", "auto"), "ray_tune"
_GROUPS = ("data", "budget", "compress", "ensemble")


def completed(recorded: Any) -> Any:
    """Return a configuration of an earlier version with the keys that came later, at their defaults."""
    return _with_defaults(recorded, written())


def check(config: Any) -> None:
    """Raise ``ConfigError`` for a configuration with a key too few or too many, or a value of a wrong type."""
    wrong = fault(config, _SHAPE)
    if wrong:
        raise ConfigError(f"In the configuration {wrong}. All keys: automl search --cfg job")
    _refuse_unknown("", config, known())
    for group in _GROUPS:
        _refuse_unknown(f"{group}.", config[group], known(group))
    number("key 'seed'", config["seed"], 0, 2**32 - 1, whole=True)


def written() -> dict[str, Any]:
    """Return what is written in ``conf/``: the keys on top and those of the groups that are not generated."""
    top = {key: value for key, value in _file("").items() if key in known()}
    return top | {group: _file(group) for group in _GROUPS}


def usual_options() -> dict[str, str]:
    """Return the option of each group that a search has by itself."""
    return {group: name for one in _file("")["defaults"] if isinstance(one, dict) for group, name in one.items()}


@cache
def known(group: str = "") -> frozenset[str]:
    """Return the keys that a group has, or those on top."""
    tree = _file(group)
    return frozenset(tree.keys() | (set() if group else usual_options().keys())) - {"defaults", "hydra"}


def _file(group: str) -> dict[str, Any]:
    """Return what is written in ``conf/`` about a group, or about the keys on top."""
    file = resources.files("automl.conf").joinpath(group, "default.yaml" if group else "config.yaml")
    found: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return found


def _with_defaults(given: Any, defaults: Any) -> Any:
    if not isinstance(given, dict) or not isinstance(defaults, dict):
        return given
    later = {name: value for name, value in defaults.items() if name not in given and value != _NO_DEFAULT}
    return {name: _with_defaults(value, defaults.get(name)) for name, value in given.items()} | later


def _refuse_unknown(prefix: str, tree: Mapping[str, Any], names: frozenset[str]) -> None:
    for name in tree.keys() - names:
        raise ConfigError(
            f"There is no configuration key '{prefix}{name}'.{nearest(name, names)} All keys: automl search --cfg job"
        )


def keys_of_option(group: str, name: str) -> dict[str, Any]:
    """Return what configures an option of one of ``GROUPS``, with the defaults. Raises as ``options.configuration``."""
    return options.configuration(GROUPS[group], AUTO_RUNNER if (group, name) == AUTO else name)
