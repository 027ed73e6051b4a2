"""How data is to be read: the choices that ``load`` and ``from_arrays`` share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from automl.data.target import KINDS as TARGET_KINDS
from automl.errors import ConfigError, unknown_name
from automl.task import Role

KINDS = ("auto", "table", "image", "sequence", "text")


@dataclass(frozen=True)
class Options:
    """Choices with their defaults.

    ``kind``: "auto", "table", "image", "sequence" or "text". ``target_kind``: "auto", "binary", "multiclass",
    "classification" or "regression". ``roles``: what a column is, instead of what is inferred ("numeric",
    "categorical", "boolean", "datetime", "text", "dropped"). ``drop``: columns not to use. ``metric``: as in
    ``metrics.get``. ``test_share``: share of the rows to lock away for the end, 0 for none. ``folds``: "auto", a number
    from 2, or the share of one holdout. ``group``: column (or array) whose equal values stay on one side of a split.
    ``order``: column (or array) in whose order to validate, always on later rows. ``weights``: column (or array) of row
    weights. These three are not used as features. ``seed``: of everything random.
    """

    kind: str = "auto"
    target_kind: str = "auto"
    roles: Mapping[str, Role] | None = None
    drop: Sequence[str] = ()
    metric: Any = "auto"
    test_share: float = 0.0
    folds: int | float | str = "auto"
    group: Any = None
    order: Any = None
    weights: Any = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_name("kind", self.kind, KINDS)
        if self.target_kind not in TARGET_KINDS:
            raise unknown_name("target_kind", self.target_kind, TARGET_KINDS)
        if isinstance(self.drop, str):
            raise ConfigError(f"drop must be a list of columns; given: '{self.drop}'. Write it as ['{self.drop}'].")
        if isinstance(self.seed, bool) or not isinstance(self.seed, Integral) or self.seed < 0:
            raise ConfigError(f"seed must be a whole number from 0; given: {self.seed!r}.")
        if not isinstance(self.test_share, Real) or not 0 <= self.test_share < 1:
            raise ConfigError(
                f"test_share must be at least 0 and below 1; given: {self.test_share!r}. A usual value is 0.2."
            )
        if self.group is not None and self.order is not None:
            raise ConfigError("group and order cannot be combined: choose one of them.")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Options":
        """Build options from keywords; an unknown one answers with the nearest."""
        known = [f.name for f in fields(cls)]
        for name in values:
            if name not in known:
                raise unknown_name("data option", name, known)
        return cls(**values)
