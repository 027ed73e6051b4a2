"""What the parameters of an estimator may be, and the search and the folder that they stand for."""

import os
from collections.abc import Mapping
from pathlib import Path

from sklearn.base import BaseEstimator

from automl import run_folder, space_file
from automl.assemble import SpaceConfig
from automl.errors import ConfigError
from automl.export.config import CompressConfig, ShipConfig
from automl.goals import Goals, limits_of
from automl.options import flag, named, number
from automl.search_config import SearchConfig

_TYPES: tuple[tuple[tuple[str, ...], tuple[type, ...], str], ...] = (
    (("runner", "searcher", "scheduler"), (str, Mapping), "a name, or a mapping with a name and options"),
    (("space",), (Mapping, str, os.PathLike, type(None)), "a mapping, the path of a file that holds one, or None"),
    (("roles", "plugins", "limits"), (Mapping, type(None)), "a mapping, or None"),
    (("goals",), (list, tuple), "a list of names"),
    (("run_dir",), (str, os.PathLike, type(None)), "a path, or None"),
)


def check(estimator: BaseEstimator) -> None:
    """Raise ``ConfigError`` for a parameter of a wrong type; its value is checked where it is used."""
    for names, types, rule in _TYPES:
        for name in names:
            if not isinstance(getattr(estimator, name), types):
                raise ConfigError(f"The parameter {name} is {rule}; got {getattr(estimator, name)!r}.")
    flag("parameter warm_start", estimator.warm_start)
    flag("parameter trust", estimator.trust)
    if estimator.warm_start and estimator.run_dir is None:
        raise ConfigError("With warm_start=True a run is gone on with: say where it is kept, with run_dir.")
    if estimator.seed is not None:
        number("parameter seed", estimator.seed, 0, 2**32 - 1, whole=True)


def search_config(estimator: BaseEstimator, started: float) -> SearchConfig:
    """Return the search that an estimator's parameters stand for; ``started``: when its seconds began."""
    is_file = isinstance(estimator.space, str | os.PathLike)
    space = space_file.read(estimator.space) if is_file else estimator.space or {}
    return SearchConfig(
        seconds=estimator.seconds,
        trials=estimator.trials,
        searcher=named(estimator.searcher),
        scheduler=named(estimator.scheduler),
        runner=named(estimator.runner),
        space=SpaceConfig(space, estimator.plugins or {}),
        ship=ShipConfig(max_members=estimator.max_members, compress=CompressConfig(estimator.max_loss)),
        started=started,
        export=False,
        deterministic=estimator.deterministic,
        goals=goals(estimator),
    )


def goals(estimator: BaseEstimator) -> Goals:
    """Return what orders the trials, and the limits of what is exported."""
    return Goals(tuple(estimator.goals), limits_of(estimator.limits or {}))


def folder_of_run(estimator: BaseEstimator, scratch: Path) -> run_folder.RunFolder:
    """Return the folder of the run: the one to go on with, or a new one, in ``scratch`` where none is named."""
    kept = estimator.run_dir
    if estimator.warm_start and kept is not None and Path(kept, "run.json").exists():
        return run_folder.find(kept, estimator.trust)
    return run_folder.create(kept or scratch / "run")
