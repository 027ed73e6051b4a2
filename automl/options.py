"""Options of searchers, schedulers and runners: the keyword-only parameters of their ``make``, and checks of values."""

import inspect
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from automl import registry
from automl.errors import ConfigError, nearest


def make(kind: str, config: Mapping[str, Any], *arguments: Any, **given: Any) -> Any:
    """Make the option of ``kind`` that ``config``, ``{"name": ..., **options}``, asks for.

    ``arguments`` and ``given`` are the caller's own. Raises as ``check`` does.
    """
    check(kind, config)
    options = {option: value for option, value in config.items() if option != "name"}
    return registry.load(kind, str(config["name"])).make(*arguments, **given, **options)


def named(value: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what was asked for by its name alone, or as ``{"name": ..., **options}``, in the latter form."""
    return {"name": value} if isinstance(value, str) else value


def check(kind: str, config: Mapping[str, Any]) -> None:
    """Check that ``config`` names an option of ``kind``, and no option that this one does not have.

    Raises ``UnknownNameError`` or ``ConfigError`` with the nearest name.
    """
    if "name" not in config:
        raise ConfigError(f"One of the {kind} is chosen by name; got {dict(config)} without one.")
    name = str(config["name"])
    known = configuration(kind, name)
    for option in config.keys() - {"name", *known}:
        raise ConfigError(
            f"The {kind.removesuffix('s')} '{name}' has no option '{option}'.{nearest(option, known)} "
            f"Known: {', '.join(known) or 'none'}."
        )


def configuration(kind: str, name: str) -> dict[str, Any]:
    """Return what configures an option of ``kind``, with the defaults: the keyword-only parameters of its ``make``.

    A parameter without a default is the caller's to give, and no configuration.
    """
    known = parameters(registry.load(kind, name).make)
    return {option: default for option, default in known.items() if default is not inspect.Parameter.empty}


def parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the keyword-only parameters of ``function`` with their defaults (``inspect.Parameter.empty``: none)."""
    signature = inspect.signature(function)
    return {p.name: p.default for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY}


def flag(what: str, value: Any) -> bool:
    """Return ``value`` if it is true or false, else raise ``ConfigError``."""
    if not isinstance(value, bool):
        raise ConfigError(f"The {what} is true or false; got {value!r}.")
    return value


def number(what: str, value: Any, low: float, high: float = float("inf"), *, whole: bool = False) -> Any:
    """Return ``value`` if it is a number in [low, high] (a whole one if asked for), else raise ``ConfigError``."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not low <= value <= high or (whole and value % 1):
        kind = "a whole number" if whole else "a number"
        bound = f"of at least {low:g}" if high == float("inf") else f"from {low:g} to {high:g}"
        raise ConfigError(f"The {what} is {kind} {bound}; got {value!r}.")
    return int(value) if whole else value
