"""``check_option``: which checks there are for an option, and how it is found and named."""

import itertools
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from automl import options, registry
from automl.errors import ConfigError, NotApplicable
from automl.option import TARGETS, Option
from automl.task import TargetKind
from automl.testing.compressors import check_compressor
from automl.testing.families import KIND_OF, check_family
from automl.testing.losses import check_loss
from automl.testing.optimizers import check_optimizer
from automl.testing.rules import about, check_space
from automl.testing.runners import check_runner
from automl.testing.schedulers import check_scheduler
from automl.testing.schedules import check_schedule
from automl.testing.searchers import check_searcher
from automl.testing.steps import check_step

_numbers = itertools.count()


def check_option(
    kind: str,
    option: Any,
    targets: Collection[TargetKind] = TARGETS,
    *,
    models: Mapping[str, Sequence[str]] | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> None:
    """Check that ``option`` keeps what every option of its ``kind`` ("tables", "losses", "searchers", ...) has to keep.

    ``option``: a name, an import path, or the option itself: an ``OPTION``, or what has ``make``. ``targets``: the
    kinds of target that a family, feature step or loss is tried on, where it is for them. ``models``: the families that
    a compressor is tried on, by kind (``{"tables": ["my_family"]}``; default: networks, trees and a linear model).
    ``configuration``: of a searcher, scheduler or runner, where it is not to be its defaults. Raises ``AssertionError``
    for a rule that it breaks, as an error of its own does too, ``ConfigError`` for what is no option, and
    ``NotApplicable`` where a library it needs is missing.
    """
    with _by_name(kind, option) as name:
        loaded = registry.load(kind, name)
        with about(f"The option {_shown(option)} of {kind}"):
            if isinstance(loaded, Option):
                _check_declared(kind, name, option, targets, models or {})
            else:
                _check_configured(kind, name, configuration or {})


@contextmanager
def _by_name(kind: str, option: Any) -> Iterator[str]:
    """Give an option that is no name one, as everything finds options by their names."""
    if isinstance(option, str):
        yield option
        return
    module = ModuleType(f"automl_checked_{next(_numbers)}")
    module.OPTION = option  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    try:
        yield f"{module.__name__}:OPTION"
    finally:
        del sys.modules[module.__name__]


def _shown(option: Any) -> str:
    if isinstance(option, str):
        return f"'{option}'"
    return option.__name__ if isinstance(option, type | ModuleType) else type(option).__name__


def _check_declared(
    kind: str, name: str, option: Any, targets: Collection[TargetKind], models: Mapping[str, Sequence[str]]
) -> None:
    """Check an option that its file declares."""
    loaded = registry.load(kind, name)
    if isinstance(option, str):
        assert sys.modules[loaded.build.__module__].__doc__, "the file of an option begins with what it is"
    assert getattr(loaded, "targets", TARGETS), (
        f"it is for one kind of target at least, of {', '.join(TARGETS)}; got ()"
    )
    check_space(loaded.space)
    if loaded.absent:
        raise NotApplicable(f"'{name}' of {kind} needs libraries that are not installed: {', '.join(loaded.absent)}.")
    if kind in KIND_OF:
        for target in targets:
            check_family(kind, name, target)
    elif kind == "compressors":
        check_compressor(loaded, models)
    else:
        _ON_TARGETS[kind](loaded, targets)


_ON_TARGETS: dict[str, Callable[[Any, Collection[TargetKind]], None]] = {
    "features": check_step,
    "losses": check_loss,
    "optimizers": lambda option, targets: check_optimizer(option),
    "schedules": lambda option, targets: check_schedule(option),
}


def _check_configured(kind: str, name: str, configuration: Mapping[str, Any]) -> None:
    """Check an option that its ``make`` configures."""
    for key, default in options.configuration(kind, name).items():
        assert _is_plain(default), f"the default of '{key}' can be written in a configuration; got {default!r}"
    _check_unknown_key(kind, name)
    if kind == "searchers":
        check_searcher(lambda space, seed: options.make(kind, {"name": name, **configuration}, space, seed))
    elif kind == "schedulers":
        check_scheduler(name, configuration)
    else:
        check_runner(name, configuration)


def _check_unknown_key(kind: str, name: str) -> None:
    try:
        options.check(kind, {"name": name, "no_such_key": 1})
    except ConfigError:
        return
    raise AssertionError("a key that 'make' has no keyword-only parameter for is refused; 'no_such_key' is not")


def _is_plain(value: Any) -> bool:
    return (
        all(map(_is_plain, value)) if isinstance(value, list | tuple) else isinstance(value, str | float | int | None)
    )
