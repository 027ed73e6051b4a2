"""What a composed configuration stands for: the data, the search, and how the best of it is shipped."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from automl import registry
from automl.assemble import SpaceConfig
from automl.errors import ConfigError, DataError
from automl.export.config import CompressConfig, ShipConfig
from automl.goals import Goals, limits_of
from automl.options import flag
from automl.search_config import SearchConfig

if TYPE_CHECKING:
    from automl.task import Task

# Of the configuration's data: files and columns.
FILES = ("train", "test", "validation")
NAMES = (*FILES, "target", "roles", "drop", "group", "order", "weights", "missing")
DATA_KEYWORDS = (*NAMES, "kind", "folds", "test_share", "decimal", "encoding", "quantiles")


def search_of(config: Mapping[str, Any], started: float) -> SearchConfig:
    """Return what is searched, how and for how long; ``started``: when the command began (``time.time()``)."""
    flag("key 'quiet'", config["quiet"])
    _check_url(config["leaderboard"]["url"])
    return SearchConfig(
        **config["budget"],
        searcher=config["searcher"],
        scheduler=config["scheduler"],
        runner=config["runner"],
        space=space_of(config),
        ship=ship_of(config),
        store=config["run"]["store"],
        goals=goals_of(config),
        measure=config["measure"],
        started=started,
        deterministic=config["deterministic"],
        report=flag("key 'report'", config["report"]),
    )


def space_of(config: Mapping[str, Any]) -> SpaceConfig:
    """Return what was asked of the space."""
    return SpaceConfig(config["space"], config["plugins"])


def goals_of(config: Mapping[str, Any]) -> Goals:
    """Return what is sought. Raises ``ConfigError`` for a limit that is no number above 0."""
    return Goals(tuple(config["goals"]), limits_of(config["limits"]))


def ship_of(config: Mapping[str, Any]) -> ShipConfig:
    """Return how the best become what is shipped."""
    options = config["compress"]["options"]
    if options == "auto":
        options = list(registry.available("compressors", config["plugins"]["compressors"]))
    if not isinstance(options, list):
        raise ConfigError(f"'compress.options' is auto or a list, e.g. [trim_trees] or []; got {options!r}.")
    compress = CompressConfig(config["compress"]["max_loss"], tuple(options))
    return ShipConfig(**config["ensemble"], compress=compress)


def locate_files(config: Mapping[str, Any]) -> None:
    """Write down where the files of the data are, as it holds in any folder: a run may be gone on with from another."""
    for name in FILES:
        given = as_names(config["data"][name])
        if isinstance(given, str) and os.path.exists(given):
            config["data"][name] = os.path.abspath(given)


def check_data(config: Mapping[str, Any]) -> None:
    """Raise ``DataError`` or ``ConfigError`` for what is known to be wrong with the data before it is read."""
    from automl.data import foreseen

    arguments = _data_arguments(config)
    del arguments["target"]
    with _in_keys():
        foreseen(**arguments)


def load_task(config: Mapping[str, Any], until: float | None = None) -> "Task":
    """Read the data; ``until``: when that has to be over, at the price of some of its rows.

    Raises ``DataError`` or ``ConfigError``.
    """
    from automl.data import load

    with _in_keys():
        return load(until=until, **_data_arguments(config))


def reach_own_modules(config: Mapping[str, Any], begun_in: str | None) -> None:
    """Look for modules in the current folder too, and in the one that the run was begun in.

    Only if there are options or a metric of one's own.
    """
    if any(config["plugins"].values()) or ":" in config["metric"]:
        sys.path += [folder for folder in (os.getcwd(), begun_in) if folder and folder not in sys.path]


def as_names(value: Any) -> Any:
    """Return names as strings: on the command line, 2020 is a number."""
    if isinstance(value, Mapping):
        return {str(name): role for name, role in value.items()}
    if isinstance(value, list):
        return [str(name) for name in value]
    return None if value is None else str(value)


def _data_arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``data.load``."""
    named = {
        key: as_names(value) if key in NAMES or isinstance(value, Mapping) else value
        for key, value in config["data"].items()
    }
    chosen = {"target_kind": config["task"], "metric": config["metric"], "seed": config["seed"]}
    return named | chosen | config["artifact"]


@contextmanager
def _in_keys() -> Iterator[None]:
    """Let messages of the data room have the keys of the configuration in place of Python's keywords."""
    try:
        yield
    except (ConfigError, DataError) as error:
        text = str(error).replace("target_kind", "task")
        # What is followed by a quote is meant for Python.
        named = re.sub(rf"(?<![\w.])({'|'.join(DATA_KEYWORDS)})=(?!\")", r"data.\1=", text)
        raise type(error)(named) from None


def _check_url(url: Any) -> None:
    if url != "auto" and "://" not in str(url):
        raise ConfigError(f"'leaderboard.url' is auto or an SQLAlchemy URL; got '{url}'. For a file: sqlite:///{url}.")
