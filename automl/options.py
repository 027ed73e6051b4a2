"""Options of ``make(**options)``: an unknown one is an error that names the nearest."""

import inspect
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from automl.errors import ConfigError, nearest


def refuse_unknown(what: str, unknown: Mapping[str, Any], make: Callable[..., Any]) -> None:
    """Raise ``ConfigError`` if ``unknown`` holds anything; the known options are ``make``'s keyword-only ones."""
    known = [p.name for p in inspect.signature(make).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for name in unknown:
        raise ConfigError(
            f"The {what} has no option '{name}'.{nearest(name, known)} Known: {', '.join(known) or 'none'}."
        )


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
