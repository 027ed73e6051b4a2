"""The Hydra face of ``automl search``: composes the configuration, and explains what is wrong with it."""

import importlib.util
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import hydra
from hydra import compose, initialize_config_module
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from automl import registry, space_file
from automl.assemble import Plugins, described
from automl.composed_space import as_hydra, as_list, restored, touched, with_deletions
from automl.configuration import GROUPS, keys_of_option
from automl.errors import ConfigError
from automl.faults import INTERRUPTED, tell
from automl.hydra_errors import CHOICE, explained, no_override
from automl.overrides import escaped, taken_out, unquoted

CONFIG_MODULE = "automl.conf"
# Its keys are names of columns, which no configuration knows beforehand.
OPEN_KEYS = re.compile(r"data\.roles[.=]")
_SPACE_FILE = "space_file="
_PLUGINS = re.compile(r"\+{0,2}plugins[.=]")
# Takes a configuration and when it began; returns whether it was interrupted.
Search = Callable[[dict[str, Any], float], bool]
# A group of Hydra's with one option: what overrides say about files and columns.
NAMES = ("given", "names")


def run(argv: Sequence[str], search: Search, started: float) -> None:
    """Run ``automl search`` with Hydra's own command line, which calls ``search`` once, or for each of a multirun.

    ``started``: when the process began, on the clock of ``time.time``; of a multirun, each has its time from its start.
    Raises ``ConfigError`` for what Hydra refuses, with the nearest key or option. A run that fails is told, and the
    others of a multirun go on; the exit code is the worst there was.
    """
    completes = bool({"-sc", "--shell-completion"} & set(argv))
    # Hydra then raises its errors instead of printing them and leaving.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    # Hydra takes overrides on one side of -m only. What is completed is the program.
    program = "automl" if completes else "automl search"
    sweep = {"-m", "--multirun"}
    if all(map(_is_plain, argv)):
        # Hydra's own command line would compose the whole configuration twice.
        search(composed(argv), started)
        return
    with explained(argv):
        generated = register(os.environ.get("COMP_LINE", "").split()[1:-1] if completes else argv)
        arguments = given(argv, generated, several=bool(sweep & set(argv)))
        sys.argv = [program, *sorted(arguments, key=lambda a: a not in sweep)]

        codes = [0]

        def job(config: DictConfig) -> None:
            codes.append(_search(config, generated, search, started))

        hydra.main(version_base="1.3", config_path=f"pkg://{CONFIG_MODULE}", config_name="config")(job)()
    if max(codes):
        raise SystemExit(max(codes))


def _is_plain(argument: str) -> bool:
    """Return whether an argument only changes the configuration, and nothing of how Hydra runs."""
    return not argument.startswith("-") and "hydra" not in argument.partition("=")[0]


def composed(overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return the configuration for ``overrides`` as plain values."""
    with _initialized(overrides) as (_, generated):
        part = touched(overrides, generated)
        return plain(compose("config", overrides=given(overrides, generated)), generated, part)


def recomposed(recorded: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return the configuration of an earlier run with ``overrides``, which say what they say in a search."""
    with _initialized(overrides, recorded.get("plugins")) as (loader, generated):
        groups = set(loader.get_group_options("", ObjectType.GROUP)) - {"hydra", NAMES[0]}
        chosen = groups & {override.partition("=")[0] for override in overrides}
        space = generated if "space" in chosen else with_deletions(recorded.get("space") or generated, generated)
        part = touched(overrides, space)
        # A group that is chosen anew is not mixed with what was chosen before.
        kept = {key: escaped(value) for key, value in {**recorded, "space": part}.items() if key not in chosen}
        defaults = ["_self_", *({group: None} for group in sorted(groups))]
        ConfigStore.instance().store(name="recorded", node={"defaults": defaults, **kept})
        return plain(compose("recorded", overrides=given(overrides, space)), space, part)


def register(
    arguments: Sequence[str] = (), plugins: Plugins | None = None, changes: Sequence[str] | None = None
) -> dict[str, Any]:
    """Put what is generated into Hydra's store: the space, where ``conf/space/*.yaml`` build on it, and ``GROUPS``.

    Returns the space.

    ``arguments``: the command's; the plugins and the import paths among them are registered too, and so are
    ``plugins``. Raises ``ConfigError`` for one that cannot be used. ``changes``: all overrides there will be; only what
    they change of the space is put into the store then (``touched``).
    """
    store = ConfigStore.instance()
    space = described({**(plugins or {}), **_plugins(arguments)})
    # In no group, where it would be an option beside those that are meant for people.
    store.store(name="everything", node=space if changes is None else touched(changes, space))
    for group, kind in GROUPS.items():
        for name in (*registry.loadable(kind), *_import_paths(arguments, group, kind)):
            store.store(group=group, name=name, node={"name": name, **keys_of_option(group, name)})
    store.store(group="runner", name="auto", node={"name": "auto", **keys_of_option("runner", "auto")})
    return space


def _plugins(arguments: Sequence[str]) -> dict[str, Sequence[str]]:
    """Return the plugins that overrides name."""
    found: dict[str, Sequence[str]] = {}
    for override in OverridesParser.create().parse_overrides([a for a in arguments if _PLUGINS.match(a)]):
        value, kind = override.value(), override.get_key_element().partition(".")[2]
        given = {kind: value} if kind else value
        found |= {k: v for k, v in given.items() if isinstance(v, list)} if isinstance(given, dict) else {}
    return found


def _import_paths(arguments: Sequence[str], group: str, kind: str) -> list[str]:
    """Return the options of one's own that arguments like ``searcher=my_package.my_searcher`` choose.

    What is no module is left out: Hydra then says which options there are.
    """
    chosen = [match[2].split(",") for match in map(CHOICE.fullmatch, arguments) if match and match[1] == group]
    own = {name for names in chosen for name in names if name and name not in (*registry.names(kind), "auto")}
    return sorted(name for name in own if importlib.util.find_spec(re.split(r"[.:]", name)[0]))


def given(arguments: Sequence[str], space: Mapping[str, Any], several: bool = False) -> list[str]:
    """Return arguments as Hydra takes them; names of files and columns come to it as values in its store.

    ``space``: what arguments change of it.
    """
    files = [argument for argument in arguments if argument.startswith(_SPACE_FILE)]
    others, names = taken_out([argument for argument in arguments if argument not in files], several)
    if files:
        file = unquoted(files[-1].removeprefix(_SPACE_FILE))
        names |= escaped({"space_file": file or None, "space": as_hydra(space_file.read(file), space) if file else {}})
    if names:
        group, name = NAMES
        ConfigStore.instance().store(group=group, name=name, node=names, package="_global_")
        # Beside the other overrides: Hydra takes them in one piece, with no flag between them.
        place = next((i for i, other in enumerate(others) if "=" in other and other[0] != "-"), len(others))
        others.insert(place, f"+{group}={name}")
    return [opened(argument, space) for argument in others]


def opened(argument: str, space: Mapping[str, Any]) -> str:
    """Return an override in the form that Hydra wants where keys are not known beforehand, or lists replace mappings.

    Raises ``ConfigError`` for one without a key.
    """
    if argument.startswith("="):
        raise no_override(argument)
    return f"++{argument}" if OPEN_KEYS.match(argument) else as_list(argument, space)


def plain(config: DictConfig, space: Mapping[str, Any], part: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a composed configuration as plain values; what was deleted from the ``space`` is off.

    ``part``: what of the space took part in the composition, where that is not all. Raises ``ConfigError`` for a
    missing value.
    """
    try:
        whole: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        raise ConfigError(f"'{error.full_key}' has to be set; add {error.full_key}=... to the command.") from None
    return {**whole, "space": restored(whole["space"], space, space if part is None else part)}


@contextmanager
def _initialized(
    overrides: Sequence[str], plugins: Plugins | None = None
) -> Iterator[tuple[ConfigLoader, dict[str, Any]]]:
    """Prepare Hydra to compose configurations with ``overrides``, and explain its errors."""
    GlobalHydra.instance().clear()
    with explained(overrides):
        generated = register(overrides, plugins, overrides)
    with explained(overrides), initialize_config_module(CONFIG_MODULE, version_base="1.3"):
        yield GlobalHydra.instance().config_loader(), generated


def _search(config: DictConfig, generated: Mapping[str, Any], search: Search, started: float) -> int:
    """Search, and return the exit code: what fails is told here, as Hydra reports what a job raises as its own failure.

    Raises ``KeyboardInterrupt`` where the other runs of a multirun are not to begin.
    """
    several = HydraConfig.get().mode == RunMode.MULTIRUN
    try:
        # Each run of a multirun has a budget of its own.
        interrupted = search(plain(config, generated), time.time() if several else started)
    except Exception as error:
        code = tell(error)
        if code == INTERRUPTED:
            raise SystemExit(code) from None
        return code
    if interrupted and several:
        raise KeyboardInterrupt("interrupted: the runs that had not begun are left out")
    return 0
