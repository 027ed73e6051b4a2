"""Options of searchers, schedulers and runners: the keyword-only parameters of their ``make``, and checks of values."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Annotated, Any, get_args, get_origin

from automl import registry
from automl.errors import ConfigError, nearest


@dataclass(frozen=True)
class Range:
    """What a number among the parameters of a ``make`` may be, ends included: ``Annotated[int, Range(1, 9)]``."""

    low: float
    high: float = float("inf")


def make(kind: str, config: Mapping[str, Any], *arguments: Any, **given: Any) -> Any:
    """Make the option of ``kind`` that ``config``, ``{"name": ..., **options}``, asks for.

    ``arguments`` and ``given`` are the caller's own. Raises as ``check`` does.
    """
    return registry.load(kind, str(config.get("name"))).make(*arguments, **given, **check(kind, config))


def named(value: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what was asked for by its name alone, or as ``{"name": ..., **options}``, in the latter form."""
    return {"name": value} if isinstance(value, str) else value


def check(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``config`` gives of the parameters of an option of ``kind``; a whole number is an int.

    Raises ``UnknownNameError`` or ``ConfigError``, with the nearest name, for what is no option of this kind or no
    parameter of this option; ``ConfigError`` for a number out of its ``Range``.
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
    declared = inspect.signature(registry.load(kind, name).make).parameters
    return {
        option: _in_range(f"{option} of {name}", value, declared[option].annotation)
        for option, value in config.items()
        if option != "name"
    }


def _in_range(what: str, value: Any, annotation: Any) -> Any:
    """Return a value that is within the ``Range`` that an annotation may have, else raise ``ConfigError``."""
    if get_origin(annotation) is not Annotated:
        return value
    declared, *said = get_args(annotation)
    bounds = next((each for each in said if isinstance(each, Range)), None)
    return value if bounds is None else number(what, value, bounds.low, bounds.high, whole=declared is int)


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
