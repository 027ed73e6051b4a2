"""Puts options together: the whole space from the files that are there, and a model from a candidate.

The space of one kind of data is a choice of families; each family carries its own parameters, those
of the feature steps it wants, and, for networks, a loss, an optimizer, a schedule and the training
loop. Only here do kinds of options meet; the engine knows none of them by name.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from automl.errors import SpaceError, unknown_name
from automl.registry import load, names, option
from automl.space import (
    OFF,
    Choice,
    Defaults,
    Domain,
    Params,
    Space,
    configure,
    configure_choice,
    describe,
    draw,
    scope,
)
from automl.task import FAMILY_FOLDER, Problem, Task
from automl.training import network
from automl.training.pipeline import Pipeline
from automl.types import Model

# Feature steps run in this order; a family names those it wants.
STEP_ORDER = ("dates", "text", "impute", "encode", "scale", "select", "reduce")
ALL_TARGETS = ("binary", "multiclass", "regression")


def whole_space(plugins: Mapping[str, Sequence[str]] | None = None) -> dict[str, Choice]:
    """Return the spaces of all kinds of data: ``{"tables": {family: ...}, "images": ..., ...}``.

    ``plugins`` adds options of one's own by import path: ``{"losses": ["my_package.my_loss"]}``.
    """
    plugins = plugins or {}
    known = [*FAMILY_FOLDER.values(), *network.PARTS.values()]
    for kind in plugins:
        if kind not in known:
            raise unknown_name("kind of plugin", kind, known)
    return {folder: _family_choice(folder, plugins) for folder in FAMILY_FOLDER.values()}


def described(plugins: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    """Return the whole space as plain nested values, as ``automl space`` prints it."""
    spaces = whole_space(plugins)
    return {folder: {str(f): describe(s) for f, s in choice.options.items()} for folder, choice in spaces.items()}


@dataclass(frozen=True)
class SpaceConfig:
    """What a person asked of the space: overrides below ``tables``, ``images``, ..., and plugins."""

    overrides: Mapping[str, Any] = field(default_factory=dict)
    plugins: Mapping[str, Sequence[str]] = field(default_factory=dict)


def task_space(task: Task, config: SpaceConfig | None = None) -> dict[str, Domain | Space]:
    """Return the space to search for ``task``: configured, and without what does not fit the task.

    Raises ``SpaceError`` when an override names nothing that exists, or nothing is left.
    """
    config = config or SpaceConfig()
    spaces = whole_space(config.plugins)
    for part in config.overrides:
        if part not in spaces:
            raise unknown_name("part of the space", part, spaces)
    problem, folder = task.problem, FAMILY_FOLDER[task.kind]
    if config.overrides.get(folder) in (OFF, False):
        raise SpaceError(f"space.{folder} is turned off, and it is what this data is searched over.")
    # Every part is configured, so that a wrong path in any of them is reported.
    spaces = {k: configure_choice(c, _installed_only(k, c, config), f"space.{k}") for k, c in spaces.items()}
    fitting = {
        name: fitted for name, space in spaces[folder].options.items() if (fitted := _fit(folder, name, space, problem))
    }
    if not fitting:
        raise SpaceError(f"No family of space.{folder} fits a {problem.target.kind} target; turn one on.")
    return {"family": Choice(fitting)}


def starting_points(space: Space) -> list[Params]:
    """Return every family's default parameters, in the order the families ask to be tried (``ORDER``)."""
    family = space["family"]
    assert isinstance(family, Choice)
    return [draw(space, Defaults({"family": name})) for name in family.options]


def build(params: Params, problem: Problem) -> Model:
    """Build the unfitted model that ``params`` describe."""
    folder, family = FAMILY_FOLDER[problem.schema.kind], str(params["family"])
    module = option(folder, family)
    own = scope(params, f"family.{family}")
    wanted = getattr(module, "FEATURES", {})
    steps = [
        load("features", step).build(scope(own, step), problem)
        for step in STEP_ORDER
        if step in wanted and _has_input(step, problem)
    ]
    model = module.build(own, problem)
    return Pipeline(steps, model) if steps else model


def _family_choice(folder: str, plugins: Mapping[str, Sequence[str]]) -> Choice:
    families = [*names(folder), *plugins.get(folder, ())]
    modules = {name: option(folder, name) for name in families}
    usable = {n: m for n, m in modules.items() if all(map(_installed, getattr(m, "REQUIRES", ())))}
    ordered = sorted(usable, key=lambda n: (getattr(usable[n], "ORDER", 50), n))
    return Choice({name: _family_space(usable[name], plugins) for name in ordered})


def _family_space(module: ModuleType, plugins: Mapping[str, Sequence[str]]) -> Space:
    space: dict[str, Any] = dict(module.SPACE)
    features = getattr(module, "FEATURES", {})
    for step in STEP_ORDER:
        if step in features:
            space[step] = configure(load("features", step).SPACE, features[step], step)
    if not hasattr(module, "NETWORK"):
        return space
    training: dict[str, Any] = dict(network.SPACE)
    for part, kind in network.PARTS.items():
        # The first option that fits is tried first.
        options = [*sorted(names(kind), key=lambda n: getattr(load(kind, n), "ORDER", 50)), *plugins.get(kind, ())]
        training[part] = Choice({name: option(kind, name).SPACE for name in options})
    return {**space, **configure(training, module.NETWORK, "network")}


def _fit(folder: str, name: str, space: Space, problem: Problem) -> Space | None:
    """Return a family's space without what cannot serve the problem, or None when the family cannot."""
    module = option(folder, name)
    target = problem.target.kind
    if target not in getattr(module, "FITS", ALL_TARGETS):
        return None
    features = getattr(module, "FEATURES", {})
    fitted = {key: domain for key, domain in space.items() if key not in features or _has_input(key, problem)}
    for part, kind in network.PARTS.items() if hasattr(module, "NETWORK") else ():
        choice = fitted[part]
        assert isinstance(choice, Choice)
        off = {o: OFF for o in choice.options if target not in getattr(option(kind, str(o)), "FITS", ALL_TARGETS)}
        if len(off) == len(choice.options):
            return None
        fitted[part] = configure_choice(choice, off, f"{name}.{part}")
    adapt = getattr(module, "adapt", None)
    return adapt(fitted, problem) if adapt else fitted


def _installed_only(folder: str, choice: Choice, config: SpaceConfig) -> dict[str, Any]:
    """Leave out overrides of families whose library is not installed here: a configuration may travel."""
    given = config.overrides.get(folder)
    if given is None or given is False or given == OFF:  # turned off as a whole, and not needed here
        return {}
    absent = set(names(folder)) - set(choice.options)
    if isinstance(given, Mapping):
        return {name: value for name, value in given.items() if name not in absent}
    families = given if isinstance(given, list | tuple) else [given]
    return {"options": [name for name in families if name not in absent]}


def _has_input(step: str, problem: Problem) -> bool:
    if step == "dates":
        return any(c.role == "datetime" for c in problem.schema.columns)
    if step == "text":
        return problem.summaries.n_terms > 0
    if step == "encode":
        return len(problem.summaries.cardinalities) > 0
    return True


def _installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None
