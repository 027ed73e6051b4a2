"""What an option may declare: its file ends in ``OPTION = Family(...)``, or another class of this page.

``registry`` finds options and ``assemble`` puts them together. A part that is misspelt, missing or impossible is a
``ConfigError`` as soon as the file is loaded.
"""

import functools
import importlib.util
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform, get_args

from automl.errors import ConfigError, nearest, unknown_name
from automl.space import Params, Space, fault
from automl.task import FAMILY_FOLDER, Role, TargetKind

if TYPE_CHECKING:
    import torch

    from automl import types
    from automl.task import Problem

    PerRowLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

TARGETS: tuple[TargetKind, ...] = get_args(TargetKind)
# What an option is for that does not say so: whoever gives several quantiles has to mean it.
USUAL: tuple[TargetKind, ...] = ("binary", "multiclass", "regression")
# What a column may be read as.
ROLES: tuple[Role, ...] = ("numeric", "categorical", "boolean", "datetime", "text")
# Changes to a space in the form of ``automl space``, e.g. {"method": {"default": "ordinal"}}.
Overrides = Mapping[str, Any]

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=False, field_specifiers=(field,))
def _declaration(cls: type[T]) -> type[T]:
    """Make a frozen dataclass whose parts are given by name; a wrong or missing one is a ``ConfigError``."""
    made: Any = dataclass(frozen=True, kw_only=True, eq=False)(cls)
    parts = made.__dataclass_fields__
    needed = [name for name, f in parts.items() if f.default is MISSING and f.default_factory is MISSING]
    init = made.__init__

    @functools.wraps(init)
    def checked(self: Any, *unnamed: Any, **given: Any) -> None:
        known = f"Its parts: {', '.join(parts)}."
        if unnamed:
            raise ConfigError(
                f"{cls.__name__} takes its parts by name, e.g. {needed[0]}=...; got {unnamed[0]!r}. {known}"
            )
        for name in given:
            if name not in parts:
                raise ConfigError(f"{cls.__name__} has no part '{name}'.{nearest(name, parts)} {known}")
        for name in needed:
            if name not in given:
                raise ConfigError(f"{cls.__name__} needs the part '{name}'. {known}")
        init(self, **given)

    made.__init__ = checked
    return made


@_declaration
class Option:
    """What every option declares.

    space: what is searched over (see ``automl.space``); may be empty.
    build: makes the option from the parameters that the space draws, and from what else its kind is given.
    order: smaller ones are tried, run and listed first; equal ones by name.
    requires: import names of the libraries it needs. Where one is not installed, the option is left out.
    """

    space: Space
    build: Callable[..., Any]
    order: float = 50
    requires: Sequence[str] = ()

    def __post_init__(self) -> None:
        self._check("space", isinstance(self.space, Mapping), "a mapping from names to domains, e.g. {'k': Int(1, 9)}")
        if wrong := fault(self.space):
            raise ConfigError(f"The part 'space' of {type(self).__name__}: {wrong}.")
        self._check("build", callable(self.build), "a function")
        self._check("order", isinstance(self.order, int | float), "a number")
        self._check_names("requires")

    @property
    def absent(self) -> list[str]:
        """The required libraries that are not installed."""
        return [library for library in self.requires if importlib.util.find_spec(library) is None]

    def _check(self, part: str, holds: bool, rule: str) -> None:
        if not holds:
            raise ConfigError(f"The part '{part}' of {type(self).__name__} is {rule}; got {getattr(self, part)!r}.")

    def _check_names(self, part: str, known: Collection[str] | None = None) -> None:
        value = getattr(self, part)
        is_list = isinstance(value, Collection) and not isinstance(value, str)
        self._check(part, is_list, f"a tuple of names, e.g. ({known[0] if isinstance(known, tuple) else value!r},)")
        for name in value:
            if known is not None and name not in known:
                raise unknown_name(f"name in '{part}' of {type(self).__name__}:", name, known)


@_declaration
class Family(Option):
    """A model family.

    build(params, problem): returns an unfitted ``types.Model``. May raise ``NotApplicable``.
    steps: the feature steps in front of it, by name, with its changes to their spaces; in any order, for the steps
        themselves say in which they run.
    network: not None, but a mapping, for a network that is trained by the engine's loop: its space then has ``loss``,
        ``optimizer``, ``schedule`` and the loop's own parameters too, with these changes.
    targets: the kinds of target it is for. Of "quantiles", its predictions have a column for each of
        ``problem.target.quantiles``; networks of the engine's loop may name it as they are.
    adapt(space, problem): returns its space for a problem, or None where the family is not for it. The space has its
        steps and training parameters, as a person has configured them.
    """

    build: "Callable[[Params, Problem], types.Model]"
    steps: Mapping[str, Overrides] = field(default_factory=dict)
    network: Overrides | None = None
    targets: Sequence[TargetKind] = USUAL
    adapt: "Callable[[Space, Problem], Space | None] | None" = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(
            "steps", isinstance(self.steps, Mapping), "a mapping from names of steps to changes of their spaces"
        )
        self._check("network", self.network is None or isinstance(self.network, Mapping), "None or a mapping")
        self._check("adapt", self.adapt is None or callable(self.adapt), "None or a function")
        self._check_names("targets", TARGETS)


@_declaration
class Step(Option):
    """A feature step.

    build(params, problem): returns a ``types.FeatureStep``, not yet fitted. May raise ``NotApplicable``.
    reads: the roles of the columns that it works on, as they are or as earlier steps have left them. It is left out of
        data that has no such column.
    after: the steps that it never runs before. Where that leaves a choice, ``order`` decides.
    everywhere: whether each family that has steps may take it, also one that does not name it; whether it does is
        then searched.
    """

    build: "Callable[[Params, Problem], types.FeatureStep]"
    reads: Sequence[Role] = ROLES
    after: Collection[str] = ()
    everywhere: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_names("reads", ROLES)
        self._check_names("after")
        self._check("everywhere", isinstance(self.everywhere, bool), "true or false")


@_declaration
class Loss(Option):
    """What a network minimises; the first one that is for the target is tried first.

    build(params, problem): returns ``loss(scores, y) -> (b,)``, one number per row that gradients flow through. For
        classes: raw scores (b, k) and codes (b,) int64; for values: (b, 1) and (b,), standardised; for quantiles (b, k)
        and (b,).
        ``problem.summaries`` are of the rows that are trained on.
    targets: the kinds of target it is for.
    outputs: of values, how many raw outputs (b, outputs) it takes; the first one is the prediction.
    """

    build: "Callable[[Params, Problem], PerRowLoss]"
    targets: Sequence[TargetKind] = USUAL
    outputs: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_names("targets", TARGETS)
        several = isinstance(self.outputs, int) and (self.outputs == 1 or tuple(self.targets) == ("regression",))
        self._check("outputs", several and self.outputs > 0, "1, or more for a regression alone")


@_declaration
class Optimizer(Option):
    """How a network's weights follow the gradients; the first one is tried first.

    build(params, parameters): returns a ``torch.optim.Optimizer`` over tensors or parameter groups.
    """

    build: "Callable[[Params, Any], torch.optim.Optimizer]"


@_declaration
class Schedule(Option):
    """How the learning rate changes over the steps; the first one is tried first.

    build(params, optimizer, n_steps): returns a ``torch.optim.lr_scheduler.LRScheduler``, stepped after each batch.
    """

    build: "Callable[[Params, torch.optim.Optimizer, int], torch.optim.lr_scheduler.LRScheduler]"


@_declaration
class Compressor(Option):
    """A way to make a fitted model smaller; ``order`` says which is applied first.

    build(params, problem): returns a ``types.ModelCompressor``.
    space: of its first choice, the options are settings from the strongest one down: the first that loses little
        enough is kept.
    costs: its time, as a share of the time that the model's fit took, where it trains; 0 where it takes next to none.
    loses: the share of the loss of score that the user allows which it may use up; less than 1 where the bytes that it
        saves are cheap.
    """

    build: "Callable[[Params, Problem], types.ModelCompressor]"
    costs: float = 0.0
    loses: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("costs", isinstance(self.costs, int | float) and self.costs >= 0, "a number of at least 0")
        self._check("loses", isinstance(self.loses, int | float) and 0 <= self.loses <= 1, "a number from 0 to 1")


# What an option of each kind is.
CLASSES: dict[str, type[Option]] = {
    **dict.fromkeys(FAMILY_FOLDER.values(), Family),
    "features": Step,
    "losses": Loss,
    "optimizers": Optimizer,
    "schedules": Schedule,
    "compressors": Compressor,
}
