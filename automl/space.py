"""Search spaces: four domains, and ``draw``, the one walker over a conditional space.

A space is a mapping from names to domains. A condition is a choice whose options carry spaces of
their own::

    SPACE = {"depth": Int(1, 6), "norm": Choice({"none": {}, "batch": {"momentum": Float(0.01, 0.3)}})}

Drawn parameters are one flat dict whose paths carry their branch, so two branches may use one
name: ``{"depth": 3, "norm": "batch", "norm.batch.momentum": 0.1}``. They are JSON in and out. A plain
mapping in the place of a domain is a group: ``{"scale": {"method": Choice(...)}}`` draws ``scale.method``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from automl.errors import SpaceError, nearest

Scalar = str | int | float | bool | None
Params = dict[str, Any]
OFF = "off"


@dataclass(frozen=True)
class Float:
    """A real number in [low, high]; ``log`` draws uniformly in the logarithm."""

    low: float
    high: float
    log: bool = False
    default: float | None = None

    def __post_init__(self) -> None:
        _check_range(self)

    @property
    def start(self) -> float:
        """The value tried first: the default, else the (geometric) middle of the range."""
        return float(_middle(self) if self.default is None else self.default)

    def __contains__(self, value: object) -> bool:
        return _is_number(value) and self.low <= value <= self.high  # type: ignore[operator]


@dataclass(frozen=True)
class Int:
    """A whole number in [low, high], both ends included."""

    low: int
    high: int
    log: bool = False
    default: int | None = None

    def __post_init__(self) -> None:
        _check_range(self)
        if any(isinstance(v, float) and not v.is_integer() for v in (self.low, self.high, self.default)):
            raise SpaceError(f"The ends and the default of an Int are whole numbers; got {self}.")

    @property
    def start(self) -> int:
        """The value tried first: the default, else the (geometric) middle of the range."""
        return round(_middle(self)) if self.default is None else int(self.default)

    def __contains__(self, value: object) -> bool:
        return _is_whole(value) and self.low <= value <= self.high  # type: ignore[operator]


class Choice:
    """One of some options: plain values, or names that carry a nested space."""

    def __init__(self, options: "Mapping[Any, Space] | Sequence[Scalar]", default: Scalar = None) -> None:
        self.options: dict[Any, Space] = dict(options) if isinstance(options, Mapping) else {o: {} for o in options}
        if not self.options:
            raise SpaceError("A Choice needs at least one option; got none.")
        self.default = default
        if default is not None and default not in self.options:
            raise SpaceError(f"The default of a Choice is one of its options {list(self.options)}; got {default!r}.")

    @property
    def start(self) -> Scalar:
        """The option tried first: the default, else the first one."""
        return next(iter(self.options)) if self.default is None else self.default

    @property
    def nested(self) -> bool:
        """Whether any option carries parameters of its own."""
        return any(self.options.values())

    def __contains__(self, value: object) -> bool:
        return any(value == o and isinstance(value, bool) == isinstance(o, bool) for o in self.options)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choice) and (self.options, self.start) == (other.options, other.start)

    def __hash__(self) -> int:
        return hash(tuple(map(str, self.options)))

    def __repr__(self) -> str:
        return f"Choice({self.options if self.nested else list(self.options)}, default={self.start!r})"


@dataclass(frozen=True)
class Constant:
    """A fixed value that is part of the parameters but not searched."""

    value: Scalar

    @property
    def start(self) -> Scalar:
        """The value itself."""
        return self.value

    def __contains__(self, value: object) -> bool:
        return value == self.value


Domain = Float | Int | Choice | Constant
Space = Mapping[str, "Domain | Space"]


class Ask(Protocol):
    """A back end of ``draw``: answers each question about one parameter."""

    def number(self, path: str, domain: Float | Int) -> float:
        """Return a value inside ``domain``."""

    def choice(self, path: str, domain: Choice) -> Scalar:
        """Return one of ``domain.options``."""


def draw(space: Space, ask: Ask, prefix: str = "") -> Params:
    """Walk ``space`` and return flat parameters; only the branches that were chosen are entered."""
    params: Params = {}
    for name, domain in space.items():
        path = f"{prefix}{name}"
        if isinstance(domain, Mapping):
            params |= draw(domain, ask, path + ".")
        elif isinstance(domain, Constant):
            params[path] = domain.value
        elif isinstance(domain, Choice):
            option = ask.choice(path, domain)
            params[path] = option
            params |= draw(domain.options[option], ask, f"{path}.{option}.")
        else:
            value = ask.number(path, domain)
            params[path] = int(value) if isinstance(domain, Int) else float(value)
    return params


class Defaults:
    """Answers with each domain's starting value; ``fixed`` answers some paths itself."""

    def __init__(self, fixed: Params | None = None) -> None:
        self.fixed = fixed or {}

    def number(self, path: str, domain: Float | Int) -> float:
        return self.fixed.get(path, domain.start)

    def choice(self, path: str, domain: Choice) -> Scalar:
        return self.fixed.get(path, domain.start)


class Random:
    """Draws uniformly (or log-uniformly) with a NumPy generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def number(self, path: str, domain: Float | Int) -> float:
        if isinstance(domain, Int) and not domain.log:
            return int(self.rng.integers(domain.low, domain.high + 1))
        low, high = (math.log(domain.low), math.log(domain.high)) if domain.log else (domain.low, domain.high)
        value = self.rng.uniform(low, high)
        value = math.exp(value) if domain.log else value
        value = min(max(value, domain.low), domain.high)
        return round(value) if isinstance(domain, Int) else value

    def choice(self, path: str, domain: Choice) -> Scalar:
        options = list(domain.options)
        return options[int(self.rng.integers(len(options)))]


class Replay:
    """Answers with stored parameters; a missing or impossible value is a ``SpaceError``."""

    def __init__(self, params: Params) -> None:
        self.params = params

    def number(self, path: str, domain: Float | Int) -> float:
        return self._value(path, domain)

    def choice(self, path: str, domain: Choice) -> Scalar:
        return self._value(path, domain)

    def _value(self, path: str, domain: Domain) -> Any:
        if path not in self.params:
            raise SpaceError(f"The parameters lack '{path}', which the space needs.")
        value = self.params[path]
        if value not in domain:
            raise SpaceError(f"'{path}' must lie in {domain}; got {value!r}.")
        return value


def validate(space: Space, params: Params) -> Params:
    """Return ``params`` as this space would draw them. Raises ``SpaceError`` on any stranger in them."""
    drawn = draw(space, Replay(params))
    extra = [path for path in params if path not in drawn]
    if extra:
        raise SpaceError(f"The space has no parameter '{extra[0]}' here.{nearest(extra[0], drawn)}")
    return drawn


def scope(params: Params, prefix: str) -> Params:
    """Return the parameters below ``prefix``, with paths relative to it."""
    start = prefix + "."
    return {path[len(start) :]: value for path, value in params.items() if path.startswith(start)}


def describe(space: Space) -> dict[str, Any]:
    """Return the space as plain nested values: what ``automl space`` prints and overrides speak of."""
    return {name: _describe(domain) for name, domain in space.items()}


def _describe(domain: Domain | Space) -> Any:
    if isinstance(domain, Mapping):
        return describe(domain)
    if isinstance(domain, Constant):
        return domain.value
    if isinstance(domain, Choice):
        if not domain.nested:
            return {"options": list(domain.options), "default": domain.start}
        return {"default": domain.start} | {str(o): describe(nested) for o, nested in domain.options.items()}
    log = {"log": True} if domain.log else {}
    return {"low": domain.low, "high": domain.high, **log, "default": domain.start}


def configure(space: Space, config: Mapping[str, Any], path: str = "space") -> dict[str, Domain | Space]:
    """Return ``space`` narrowed, widened, frozen or thinned by ``config`` (same shape as ``describe``).

    A mapping changes the named attributes of a domain or goes down into an option; a list keeps
    these options; a plain value freezes the parameter; ``off`` removes an option. What ``config``
    does not name stays as it is. Raises ``SpaceError`` naming the nearest path.
    """
    _known_keys(config, space, path)
    return {n: _configure(d, config[n], f"{path}.{n}") if n in config else d for n, d in space.items()}


def _configure(domain: Domain | Space, config: Any, path: str) -> Domain | Space:
    if isinstance(domain, Mapping):
        if not isinstance(config, Mapping):
            raise SpaceError(f"'{path}' is a group of {', '.join(domain)}: set one of these; got {config!r}.")
        return configure(domain, config, path)
    if isinstance(config, Mapping):
        if isinstance(domain, Choice):
            return configure_choice(domain, config, path)
        if isinstance(domain, Constant):
            raise SpaceError(f"'{path}' is the constant {domain.value!r}: set it to a plain value, not {dict(config)}.")
        _known_keys(config, ("low", "high", "log", "default"), path)
        return _change(domain, config, path)
    if isinstance(config, list | tuple):
        if isinstance(domain, Choice):
            return configure_choice(domain, {"options": config}, path)
        for value in config:
            _check_kind(domain, value, path)
        return Choice(config)
    if isinstance(domain, Choice):
        if config not in domain:
            raise SpaceError(f"'{path}' has no option {config!r}.{nearest(config, domain.options)}")
        return Choice({config: domain.options[config]})
    _check_kind(domain, config, path)
    return Constant(config)


def configure_choice(choice: Choice, config: Mapping[str, Any], path: str) -> Choice:
    """Apply ``config`` to one choice: ``options``, ``default``, ``<option>: off`` or its nested config."""
    names = {str(o): o for o in choice.options}
    _known_keys(config, [*names, "default", "options"], path)
    kept = dict(choice.options)
    if "options" in config:
        wanted = list(config["options"])
        for option in wanted:
            if option not in choice:
                raise SpaceError(f"'{path}' has no option {option!r}.{nearest(option, names)}")
        kept = {o: choice.options[o] for o in wanted}
    for name, value in config.items():
        if name in ("default", "options"):
            continue
        if value is None or value is False or value == OFF:
            kept.pop(names[name], None)
        elif isinstance(value, Mapping) and names[name] in kept:
            kept[names[name]] = configure(kept[names[name]], value, f"{path}.{name}")
        elif value is not True and value != "on" and not isinstance(value, Mapping):
            raise SpaceError(f"'{path}.{name}' is an option: set it to off, on, or what is below it; got {value!r}.")
    if not kept:
        raise SpaceError(f"'{path}' needs at least one option; all of {', '.join(names)} are turned off.")
    default = config.get("default", choice.start)
    if "default" in config and default not in choice:
        raise SpaceError(f"'{path}' has no option {default!r}.{nearest(default, names)}")
    return Choice(kept, default if default in kept else None)


def _change(domain: Float | Int, config: Mapping[str, Any], path: str) -> Float | Int:
    for key, value in config.items():
        if key != "log" and not _is_number(value):
            raise SpaceError(f"'{path}.{key}' must be a number; got {value!r}.")
    low, high = config.get("low", domain.low), config.get("high", domain.high)
    # A default that the person did not name follows the range.
    default = config.get("default", domain.start)
    if ("low" in config or "high" in config) and default == domain.start and low <= high:
        default = min(max(default, low), high)
    try:
        return replace(domain, **{**config, "default": default})
    except SpaceError as error:
        raise SpaceError(f"'{path}': {error}") from None


def _known_keys(config: Mapping[str, Any], known: Any, path: str) -> None:
    known = [str(k) for k in known]
    for key in config:
        if str(key) not in known:
            raise SpaceError(f"'{path}' has no '{key}'.{nearest(key, known)} Known: {', '.join(known)}.")


def _check_kind(domain: Float | Int | Constant, value: Any, path: str) -> None:
    if isinstance(domain, Int) and not _is_whole(value):
        raise SpaceError(f"'{path}' is a whole number; got {value!r}.")
    if isinstance(domain, Float) and not _is_number(value):
        raise SpaceError(f"'{path}' is a number; got {value!r}.")


def _check_range(domain: Float | Int) -> None:
    if not domain.low <= domain.high:
        raise SpaceError(f"A range needs low <= high; got low={domain.low}, high={domain.high}.")
    if domain.log and domain.low <= 0:
        raise SpaceError(f"A logarithmic range needs low > 0; got low={domain.low}.")
    if domain.default is not None and not domain.low <= domain.default <= domain.high:
        raise SpaceError(f"The default lies in [{domain.low}, {domain.high}]; got {domain.default}.")


def _middle(domain: Float | Int) -> float:
    return math.sqrt(domain.low * domain.high) if domain.log else (domain.low + domain.high) / 2


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return _is_number(value) and math.isfinite(value) and value == int(value)  # type: ignore[arg-type,call-overload]
