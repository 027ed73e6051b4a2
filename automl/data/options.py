"""How data is to be read: the choices that ``load`` and ``from_arrays`` share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

from automl.data.decimals import MARKS
from automl.data.target import KINDS as TARGET_KINDS
from automl.errors import ConfigError, unknown_name
from automl.options import number
from automl.runtime.detect import ENCODINGS
from automl.runtime.text_file import codec
from automl.task import Role

KINDS = ("auto", "table", "image", "sequence", "text")
_LEVELS = ("plain", "hashed")
_DECIMALS = ("auto", *MARKS, *MARKS.values())


@dataclass(frozen=True)
class Options:
    """Choices with their defaults.

    ``kind``: "auto", "table", "image", "sequence" or "text". ``target_kind``: "auto", "binary", "multiclass",
    "classification" or "regression". ``quantiles``: of a target of numbers, those that are predicted in place of a
    value, each above 0 and below 1. ``roles``: what a column is, instead of what is inferred ("numeric",
    "categorical", "boolean", "datetime", "text", "dropped"). ``drop``: columns not to use. ``metric``: as in
    ``metrics.get``. ``test_share``: share of the rows to lock away for the end, 0 for none. ``folds``: "auto", a number
    from 2, or the share of one holdout. ``group``: column (or array) whose equal values stay on one side of a split.
    ``order``: column (or array) in whose order to validate, always on later rows. ``weights``: column (or array) of row
    weights. Groups and weights are not used as features; what rows are ordered by is, where it is a date. ``missing``:
    the words that are missing, instead of those of ``runtime.missing.MISSING``; in columns of numbers and dates, what
    says nothing always is. ``decimal``: the mark of numbers that can be read in two ways, "point" or "comma" ("." or
    ","), or one for each column. ``encoding``: of files of text that are not UTF-8, as Python calls it ("cp1251",
    "gb18030"); "auto" for the one that their letters tell. ``levels``: "plain", or "hashed" where a
    model must not hold the values of its categories. ``rows``: how many are read, at random: a number, "all", or "auto"
    for as many as there is time for. ``seed``: of everything random.
    """

    kind: str = "auto"
    target_kind: str = "auto"
    quantiles: Sequence[float] = ()
    roles: Mapping[str, Role] | None = None
    drop: Sequence[str] = ()
    metric: Any = "auto"
    test_share: float = 0.0
    folds: int | float | str = "auto"
    group: Any = None
    order: Any = None
    weights: Any = None
    missing: Any = "auto"
    decimal: str | Mapping[str, str] = "auto"
    encoding: str = "auto"
    levels: str = "plain"
    rows: int | str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_name("kind", self.kind, KINDS)
        if self.target_kind not in TARGET_KINDS:
            raise unknown_name("target_kind", self.target_kind, TARGET_KINDS)
        self._check_quantiles()
        if self.levels not in _LEVELS:
            raise unknown_name("levels", self.levels, _LEVELS)
        if isinstance(self.drop, str):
            raise ConfigError(f"drop must be a list of columns; given: '{self.drop}'. Write it as ['{self.drop}'].")
        if not isinstance(self.drop, Iterable):
            raise ConfigError(f"drop must be a list of columns; given: {self.drop!r}. An empty list drops none.")
        if not isinstance(self.missing, str | Real | Iterable | None):
            raise ConfigError(f"missing must be auto, or a list of what is missing; given: {self.missing!r}.")
        for mark in self.decimal.values() if isinstance(self.decimal, Mapping) else (self.decimal,):
            if mark not in _DECIMALS:
                raise unknown_name("decimal", mark, _DECIMALS)
        if self.encoding != "auto" and not codec(str(self.encoding)):
            raise unknown_name("encoding", self.encoding, ("auto", *ENCODINGS), " And all others of Python.")
        number("seed", self.seed, 0, whole=True)
        if self.rows not in ("auto", "all"):
            number("rows (where they are neither 'auto' nor 'all')", self.rows, 2, whole=True)
        if number("test_share", self.test_share, 0, 1) == 1:
            raise ConfigError("A test_share of 1 leaves no rows to learn from. A usual value is 0.2.")

    def _check_quantiles(self) -> None:
        given = self.quantiles
        plain = isinstance(given, Iterable) and not isinstance(given, str)
        if not plain or not all(isinstance(q, Real) and 0 < q < 1 for q in given) or len(set(given)) < len(list(given)):
            raise ConfigError(
                "quantiles must be a list of different numbers, each above 0 and below 1, as in [0.1, 0.5, 0.9]; "
                f"given: {given!r}."
            )
        if len(self.asked) and self.target_kind not in ("auto", "regression"):
            raise ConfigError(
                f"Quantiles are of a target of numbers; target_kind is {self.target_kind}. Leave one out."
            )

    @property
    def asked(self) -> tuple[float, ...]:
        """The quantiles that are predicted, ascending; () for what ``target_kind`` says."""
        return tuple(sorted(map(float, self.quantiles)))

    @property
    def codec(self) -> str:
        """Python's name of the encoding that is asked for; "" where it is to be found out."""
        return "" if self.encoding == "auto" else codec(str(self.encoding))

    @property
    def marks(self) -> tuple[str, ...]:
        """The words that are missing, with the empty one; () where ``missing`` is "auto"."""
        if isinstance(self.missing, str) and self.missing == "auto":
            return ()
        given = [self.missing] if isinstance(self.missing, (str, Real)) else self.missing
        return ("", *("null" if mark is None else str(mark).strip() for mark in given or ()))

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Options":
        """Build options from keywords; an unknown one answers with the nearest."""
        known = [f.name for f in fields(cls)]
        for name in values:
            if name not in known:
                raise unknown_name("data option", name, known)
        return cls(**values)
