"""What Hydra refuses, told in a line: the nearest key among those of the options that were chosen, and the way out."""

import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from automl.assemble import described
from automl.composed_space import as_written
from automl.configuration import GROUPS, keys_of_option, usual_options, written
from automl.errors import ConfigError, in_one_line, nearest

CHOICE = re.compile(rf"({'|'.join(GROUPS)})=([A-Za-z_][\w.:,]*)")


@contextmanager
def explained(arguments: Sequence[str]) -> Iterator[None]:
    """Raise what Hydra says of ``arguments`` as a ``ConfigError`` in one line."""
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise explain(error, arguments) from None
    except RecursionError:
        raise ConfigError("The values of overrides are nested in less than a hundred levels.") from None
    except (ValueError, TypeError, AssertionError) as error:
        if not _is_hydras(error):
            raise
        why = in_one_line(error) or type(error).__name__
        raise ConfigError(f"Hydra cannot use this ({why}). A group gets an option's name, e.g. searcher=gp.") from None


def _is_hydras(error: BaseException) -> bool:
    """Whether an error was raised in Hydra's own code, as for searcher=3; any other is a mistake of ours."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals.get("__name__", "").partition(".")[0] in ("hydra", "omegaconf")


def explain(error: Exception, arguments: Sequence[str]) -> ConfigError:
    """Turn one of Hydra's errors into a short one that names the nearest key or option."""
    text = str(error).split("\nSee https")[0].strip()
    group = re.search(r"Could not find '([^']+)/([^']+)'", text)
    if group:
        kind, name = group.groups()
        file = f"{kind}/{name}".removeprefix("data/")
        if kind.split("/")[0] == "data" and Path(file).exists():
            return ConfigError(
                f"data= takes the name of a configuration. Give the file to learn from as data.train={file}."
            )
        options = re.findall(r"^\t(\S+)$", text, re.MULTILINE) or options_of(kind)
        return ConfigError(f"Unknown option '{name}' of {kind}.{nearest(name, options)} Known: {', '.join(options)}.")
    if isinstance(error, OverrideParseException):
        return no_override(as_written(error.override))
    key = re.search(r"(?:Could not override|Could not delete from config\.|Key) '([^']+)'", text)
    if key and ("struct" in text or "override" in text or "delete" in text):
        return _no_key(key.group(1), arguments)
    if "Cannot merge DictConfig with ListConfig" in text:
        where = text.splitlines()[0].partition(":")[0].removeprefix("In ")
        return ConfigError(
            f"In the configuration {where}, a list stands where a mapping is needed. Some options of a part of the "
            "space are chosen by `options`: space: {tables: {options: [lightgbm, mlp]}}."
        )
    return ConfigError(" ".join(re.sub(r"\n\s*full_key:.*|\n\s*object_type=.*", "", text).split()))


def _no_key(key: str, arguments: Sequence[str]) -> ConfigError:
    group, _, option = key.partition(".")
    if group in GROUPS and option:
        name = _chosen(group, arguments)
        known = list(keys_of_option(group, name))
        options = ", ".join(known) or "none"
        return ConfigError(f"The {group} '{name}' has no option '{option}'.{nearest(option, known)} Known: {options}.")
    known = known_keys()
    if key in known:
        return ConfigError(
            f"'{key}' is a part of the configuration, whose keys are set one by one: {key}.KEY=VALUE. Of a part of the "
            f"space, a list chooses some options: {key}=[NAME,...]. All keys: automl search --cfg job"
        )
    return ConfigError(f"There is no configuration key '{key}'.{nearest(key, known)} All keys: automl search --cfg job")


def _chosen(group: str, arguments: Sequence[str]) -> str:
    """Return the option of one of ``GROUPS``: the usual one, or what arguments say; the first of several."""
    given = [match[2].split(",")[0] for match in map(CHOICE.fullmatch, arguments) if match and match[1] == group]
    return given[-1] if given else usual_options()[group]


def options_of(group: str) -> list[str]:
    """Return the options of a configuration group."""
    return (
        list(GlobalHydra.instance().config_loader().get_group_options(group))
        if GlobalHydra.instance().is_initialized()
        else []
    )


def no_override(argument: str) -> ConfigError:
    return ConfigError(
        f"An override is KEY=VALUE, e.g. budget.seconds=60 or 'data.roles={{zip: categorical}}'; got '{argument}'. "
        "Values with brackets, spaces or quotes need quotes around the whole."
    )


def known_keys() -> list[str]:
    """Return every key that there is, but for those of ``GROUPS``' options; composing it would take far longer."""
    return list(keys_of({**written(), **dict.fromkeys(GROUPS), "space": described()}))


def keys_of(config: Any, path: str = "") -> Iterator[str]:
    """Yield the keys of a configuration, those of its parts with dots."""
    if not isinstance(config, dict):
        return
    for key, value in config.items():
        yield f"{path}{key}"
        yield from keys_of(value, f"{path}{key}.")
