"""What a parameter may be: a number, one of some options, a constant, or a block that is repeated."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.errors import SpaceError

Scalar = str | int | float | bool | None
Params = dict[str, Any]


@dataclass(frozen=True)
class _Range:
    """Numbers in [low, high]; ``log``: what is even is even in the logarithm."""

    low: float
    high: float
    log: bool = False
    default: float | None = None

    def __post_init__(self) -> None:
        for value in (self.low, self.high, 0 if self.default is None else self.default):
            if not is_number(value) or not math.isfinite(value):
                raise SpaceError(f"The ends and the default of a range are finite numbers; got {value!r}.")
        if not self.low <= self.high:
            raise SpaceError(f"A range needs low <= high; got low={self.low}, high={self.high}.")
        if self.log and self.low <= 0:
            raise SpaceError(f"A logarithmic range needs low > 0; got low={self.low}.")
        if self.default is not None and not self.low <= self.default <= self.high:
            raise SpaceError(f"The default lies in [{self.low}, {self.high}]; got {self.default}.")

    @property
    def middle(self) -> float:
        """The (geometric) middle of the range."""
        return math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2

    def to_unit(self, value: float) -> float:
        """Return where ``value`` lies between low (0) and high (1); 0 where the two are one."""
        low, value, high = map(math.log, (self.low, value, self.high)) if self.log else (self.low, value, self.high)
        return (value - low) / (high - low) if high > low else 0.0

    def from_unit(self, unit: float) -> float:
        """Return the number at ``unit``, from 0 (low) to 1 (high)."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = low + unit * (high - low)
        return min(max(math.exp(value) if self.log else value, self.low), self.high)


@dataclass(frozen=True)
class Float(_Range):
    """A real number in [low, high]; ``log`` draws uniformly in the logarithm."""

    @property
    def start(self) -> float:
        """The value tried first: the default, else the (geometric) middle of the range."""
        return float(self.middle if self.default is None else self.default)

    def __contains__(self, value: object) -> bool:
        return is_number(value) and self.low <= value <= self.high  # type: ignore[operator]


@dataclass(frozen=True)
class Int(_Range):
    """A whole number in [low, high], both ends included."""

    low: int
    high: int
    log: bool = False
    default: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(isinstance(v, float) and not v.is_integer() for v in (self.low, self.high, self.default)):
            raise SpaceError(f"The ends and the default of an Int are whole numbers; got {self}.")

    @property
    def start(self) -> int:
        """The value tried first: the default, else the (geometric) middle of the range."""
        return round(self.middle) if self.default is None else int(self.default)

    def from_unit(self, unit: float) -> int:
        """Return the whole number nearest to ``unit``, from 0 (low) to 1 (high)."""
        return round(super().from_unit(unit))

    def __contains__(self, value: object) -> bool:
        return is_whole(value) and self.low <= value <= self.high  # type: ignore[operator]


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


@dataclass(frozen=True)
class Repeat:
    """A block of parameters that is drawn ``times`` times, each time anew.

    ``times`` is the parameter ``n`` of the group, so ``{"blocks": Repeat({"kernel": Choice([3, 5])}, Int(1, 4))}``
    draws ``blocks.n``, ``blocks.0.kernel`` and so on; ``scope(params, f"blocks.{i}")`` is the i-th block.
    ``times`` may also be a choice of whole numbers or a constant: what an override makes of an ``Int``.
    """

    space: "Space"
    times: Int | Choice | Constant

    def __post_init__(self) -> None:
        if "n" in self.space:
            raise SpaceError(
                "A repeated space has no parameter called 'n': that is the number of repetitions. Rename it."
            )
        for n in self._ends():
            if not is_whole(n) or n < 0:  # type: ignore[operator]
                raise SpaceError(f"A space is repeated a whole number of times, 0 or more; got {self.times}.")

    def _ends(self) -> list[Any]:
        if isinstance(self.times, Int):
            return [self.times.low]
        return list(self.times.options) if isinstance(self.times, Choice) else [self.times.value]


Domain = Float | Int | Choice | Constant | Repeat
Space = Mapping[str, "Domain | Space"]


def fault(space: Any, path: str = "") -> str:
    """Return what is no domain in what should be a space, in words that name its place; "" if there is nothing."""
    for name, domain in space.items():
        here = f"{path}.{name}" if path else str(name)
        if not isinstance(name, str) or not name or "." in name:
            return f"'{here}' is no name of a parameter: a text without dots"
        inner: dict[str, Any] = {}
        if isinstance(domain, Mapping):
            inner = {here: domain}
        elif isinstance(domain, Repeat):
            inner = {here: domain.space}
        elif isinstance(domain, Choice):
            inner = {f"{here}.{option}": nested for option, nested in domain.options.items()}
        elif not isinstance(domain, Float | Int | Constant):
            return f"'{here}' is one of Float, Int, Choice, Constant, Repeat, or a mapping of these; got {domain!r}"
        for place, part in inner.items():
            wrong = fault(part, place) if isinstance(part, Mapping) else f"'{place}' is no mapping, but {part!r}"
            if wrong:
                return wrong
    return ""


def is_number(value: object) -> bool:
    """Return whether ``value`` is a number, which true and false are not."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Return whether ``value`` is a whole number, as 3.0 is."""
    return is_number(value) and math.isfinite(value) and value == int(value)  # type: ignore[arg-type,call-overload]
