"""Puts options together: the whole space from the options that are there, and a model from a candidate.

The space of one kind of data is a choice of families; each family carries its own parameters, those
of the feature steps it wants, and, for networks, a loss, an optimizer, a schedule and the training
loop. Only here do kinds of options meet; the engine knows none of them by name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from automl.errors import ConfigError, SpaceError, unknown_name
from automl.option import CLASSES, Family, Step
from automl.registry import available, load, loadable
from automl.space import (
    OFF,
    Choice,
    Domain,
    Params,
    Space,
    configure,
    configure_choice,
    describe,
    scope,
)
from automl.task import FAMILY_FOLDER, Problem, TargetKind, Task
from automl.training import network
from automl.training.pipeline import Pipeline

Plugins = Mapping[str, Sequence[str]]
# Below it stand the steps that a family may take without naming them.
MORE_STEPS = "steps"


def whole_space(plugins: Plugins | None = None) -> dict[str, Choice]:
    """Return the spaces of all kinds of data: ``{"tables": {family: ...}, "images": ..., ...}``.

    ``plugins`` adds options of one's own by import path: ``{"losses": ["my_package.my_loss"]}``. Raises ``ConfigError``
    for what is no option, and for a feature step among them that no family takes.
    """
    plugins = plugins or {}
    for kind, paths in plugins.items():
        if kind not in CLASSES:
            raise unknown_name("kind of plugin", kind, CLASSES)
        if isinstance(paths, str) or not isinstance(paths, Sequence):
            raise ConfigError(
                f"The plugins of {kind} are a list of import paths, e.g. [my_package.my_module]; got {paths!r}."
            )
    families = {folder: available(folder, plugins.get(folder, ())) for folder in FAMILY_FOLDER.values()}
    _check_steps(plugins, [family for of_kind in families.values() for family in of_kind.values()])
    return {
        folder: Choice({name: _family_space(family, plugins) for name, family in of_kind.items()})
        for folder, of_kind in families.items()
    }


def described(plugins: Plugins | None = None) -> dict[str, Any]:
    """Return the whole space as plain nested values, as ``automl space`` prints it."""
    spaces = whole_space(plugins)
    return {folder: {str(f): describe(s) for f, s in choice.options.items()} for folder, choice in spaces.items()}


@dataclass(frozen=True)
class SpaceConfig:
    """What a person asked of the space: overrides below ``tables``, ``images``, ..., and plugins."""

    overrides: Mapping[str, Any] = field(default_factory=dict)
    plugins: Plugins = field(default_factory=dict)


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


def networks(space: Space, task: Task) -> list[str]:
    """Return the families of a task's space that are networks."""
    family = space["family"]
    assert isinstance(family, Choice)
    return [str(name) for name in family.options if is_network(str(name), task)]


def is_network(family: str, task: Task) -> bool:
    """Return whether a family for the task's kind of data is trained by the loop of networks."""
    return load(FAMILY_FOLDER[task.kind], family).network is not None


def build(params: Params, problem: Problem) -> Pipeline:
    """Build the unfitted model that ``params`` describe, behind its feature steps."""
    name = str(params["family"])
    family = load(FAMILY_FOLDER[problem.schema.kind], name)
    own = scope(params, f"family.{name}")
    more = {path: f"{MORE_STEPS}.{path}.on" for path in _taken(scope(own, MORE_STEPS))}
    steps = [
        step.build(scope(own, more.get(name, name)), problem)
        for name, step in steps_of(family, more).items()
        if has_input(step, problem)
    ]
    model = family.build(own, problem)
    return Pipeline(steps, model)


def steps_of(family: Family, more: Iterable[str] = ()) -> dict[str, Step]:
    """Return the steps that a family names, and ``more``, in the order in which they run."""
    wanted = {*family.steps, *more}
    every = {name: load("features", name) for name in {*loadable("features"), *wanted}}
    return {name: every[name] for name in in_order(every) if name in wanted and not every[name].absent}


def in_order(steps: Mapping[str, Step]) -> list[str]:
    """Return the names of ``steps`` so that each comes after those that it runs after.

    Raises ``UnknownNameError`` for a step that is not among them, ``ConfigError`` for a circle.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name in sorted(steps, key=lambda name: (steps[name].order, name)):
        for earlier in steps[name].after:
            if earlier not in steps:
                raise unknown_name(f"feature step in 'after' of '{name}':", earlier, steps)
        sorter.add(name, *steps[name].after)
    try:
        return list(sorter.static_order())
    except CycleError as error:
        raise ConfigError(f"Feature steps run after each other in a circle: {' after '.join(error.args[1])}.") from None


def _taken(more: Params) -> list[str]:
    """Return the steps that are on among the parameters below ``MORE_STEPS``."""
    return [path for path, value in more.items() if value == "on" and ".on." not in path]


def _more_steps(family: Family, plugins: Plugins) -> dict[str, Step]:
    """Return the steps that a family may take without naming them."""
    offered = available("features", plugins.get("features", ())) if family.steps else {}
    return {name: step for name, step in offered.items() if step.everywhere and name not in family.steps}


def _check_steps(plugins: Plugins, families: Sequence[Family]) -> None:
    """Refuse steps of one's own that no family takes, or that cannot be put in order with the others."""
    own = plugins.get("features", ())
    in_order({str(name): load("features", str(name)) for name in (*loadable("features"), *own)})
    for name in own:
        if not load("features", name).everywhere and not any(name in family.steps for family in families):
            raise ConfigError(
                f"No family takes the feature step '{name}': a family takes those that it names in its 'steps', and "
                "those that are declared with everywhere=True."
            )


def _family_space(family: Family, plugins: Plugins) -> Space:
    space: dict[str, Any] = dict(family.space)
    for name, step in steps_of(family).items():
        space[name] = configure(step.space, family.steps[name], name)
    if more := _more_steps(family, plugins):
        space[MORE_STEPS] = {name: Choice({"on": step.space, "off": {}}) for name, step in more.items()}
    if family.network is None:
        return space
    return {**space, **configure(training_space(plugins), family.network, "network")}


def training_space(plugins: Plugins | None = None) -> Space:
    """Return what is searched over in how any network is trained: loss, optimizer, schedule, and the loop's own."""
    training: dict[str, Any] = dict(network.SPACE)
    for part, kind in network.PARTS.items():
        # The first option that fits is tried first.
        options = available(kind, (plugins or {}).get(kind, ()))
        training[part] = Choice({name: option.space for name, option in options.items()})
    return training


def training_for(
    space: Space, target: TargetKind, path: str, own_module: bool = False
) -> dict[str, Domain | Space] | None:
    """Return a space that holds the training space, without what cannot serve the target; None where nothing is left.

    ``path``: what it is called in a message. ``own_module``: a person's module gives one raw output for a value, so
    losses that take more are left out.
    """

    def serves(option: Any) -> bool:
        return target in getattr(option, "targets", (target,)) and not (
            own_module and getattr(option, "outputs", 1) > 1
        )

    fitted = dict(space)
    for part, kind in network.PARTS.items():
        choice = fitted[part]
        assert isinstance(choice, Choice)
        off = {o: OFF for o in choice.options if not serves(load(kind, str(o)))}
        if len(off) == len(choice.options):
            return None
        fitted[part] = configure_choice(choice, off, f"{path}.{part}")
    return fitted


def _fit(folder: str, name: str, space: Space, problem: Problem) -> Space | None:
    """Return a family's space without what cannot serve the problem, or None when the family cannot."""
    family: Family = load(folder, name)
    target = problem.target.kind
    if target not in family.targets:
        return None
    fitted = dict(space)
    for step in family.steps:
        if step in fitted and not has_input(load("features", step), problem):
            del fitted[step]
    if isinstance(more := fitted.get(MORE_STEPS), Mapping):
        fitted[MORE_STEPS] = {s: choice for s, choice in more.items() if has_input(load("features", s), problem)}
    if family.network is not None:
        trained = training_for(fitted, target, name)
        if trained is None:
            return None
        fitted = trained
    return family.adapt(fitted, problem) if family.adapt else fitted


def _installed_only(folder: str, choice: Choice, config: SpaceConfig) -> dict[str, Any]:
    """Leave out overrides of families whose library is not installed here: a configuration may travel."""
    given = config.overrides.get(folder)
    if given is None or given is False or given == OFF:  # turned off as a whole, and not needed here
        return {}
    absent = set(loadable(folder)) - set(choice.options)
    if isinstance(given, Mapping):
        return {name: value for name, value in given.items() if name not in absent}
    families = given if isinstance(given, list | tuple) else [given]
    return {"options": [name for name in families if name not in absent]}


def has_input(step: Step, problem: Problem) -> bool:
    """Return whether there is a column that the step reads."""
    return any(c.role in step.reads and (c.terms or c.role != "text") for c in problem.schema.columns)
