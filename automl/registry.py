"""Where options are found: a file of the product, an entry point of an installed package, or an import path.

- A file: ``search_spaces/<kind>/<name>.py``, ``automl/searchers/<name>.py``, ``automl/schedulers/<name>.py`` or
  ``runners/<name>.py``; its name is the file's name. Files that begin with an underscore, and ``blocks.py`` (what the
  options of one kind share), are not options.
- An entry point in the group ``automl.<kind>``, e.g. ``[project.entry-points."automl.losses"]`` with
  ``my_loss = "my_package.my_loss"``.
- An import path, which is the name too: ``my_package.my_loss``, or ``my_package.my_module:NAME``.

An option is what its module calls ``OPTION`` (see ``automl.option``); a searcher, scheduler or runner is a module, or
an object, with a function ``make``. Nothing is imported until it is loaded.
"""

import importlib
import logging
import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from automl.errors import ConfigError, UnknownNameError, nearest, unknown_name
from automl.option import CLASSES

log = logging.getLogger(__name__)

_ENGINE_KINDS = {"searchers": "automl.searchers", "schedulers": "automl.schedulers", "runners": "automl.runners"}
KINDS = (*CLASSES, *_ENGINE_KINDS)
_SHARED = {"blocks"}


@cache
def names(kind: str) -> tuple[str, ...]:
    """Return the sorted names of all options of ``kind`` ("tables", "losses", "searchers", ...), import paths aside.

    Raises ``ConfigError`` where two options have the same name.
    """
    return tuple(sorted({*_files(kind), *_entry_points(kind)}))


@cache
def load(kind: str, name: str) -> Any:
    """Return an option by its name or import path: an ``Option``, or what has ``make``.

    Raises ``UnknownNameError`` with the nearest name, or ``ConfigError`` for what cannot be imported or is no option.
    """
    if name in _files(kind):
        module, attribute = f"{_package(kind).__name__}.{name}", ""
    else:
        point = _entry_points(kind).get(name)
        module, _, attribute = (point.value if point else name).partition(":")
    found = _imported(kind, name, module)
    if attribute or kind in CLASSES:
        wanted = attribute or "OPTION"
        if not hasattr(found, wanted):
            raise ConfigError(f"{_what(kind)}; '{module}' has no {wanted}.{nearest(wanted, vars(found))}")
        found = getattr(found, wanted)
    if not (isinstance(found, CLASSES[kind]) if kind in CLASSES else callable(getattr(found, "make", None))):
        raise ConfigError(f"{_what(kind)}; '{name}' is {_described(found)}.{nearest('make', dir(found))}")
    return found


def available(kind: str, more: Iterable[str] = ()) -> dict[str, Any]:
    """Return the options of ``kind`` whose libraries are installed, by name, in their order.

    ``more``: import paths of further ones.
    """
    options = {str(name): load(kind, str(name)) for name in (*loadable(kind), *more)}
    usable = {name: option for name, option in options.items() if not option.absent}
    return dict(sorted(usable.items(), key=lambda item: (item[1].order, item[0])))


@cache
def loadable(kind: str) -> tuple[str, ...]:
    """Return the names of the options of ``kind`` but for what an installed package breaks, which is logged.

    Nobody may have asked for it: it stops no search. Raises ``ConfigError`` for an option of the product.
    """
    found = []
    for name in names(kind):
        try:
            load(kind, name)
        except ConfigError as error:
            if name in _files(kind):
                raise
            log.warning("%s It is left out.", error)
        else:
            found.append(name)
    return tuple(found)


@cache
def _package(kind: str) -> ModuleType:
    if kind not in KINDS:
        raise unknown_name("kind of option", kind, KINDS)
    return importlib.import_module(_ENGINE_KINDS.get(kind, f"automl.search_spaces.{kind}"))


@cache
def _files(kind: str) -> frozenset[str]:
    modules = (module.name for module in pkgutil.iter_modules(_package(kind).__path__))
    return frozenset(name for name in modules if not name.startswith("_") and name not in _SHARED)


@cache
def _installed() -> Any:
    return entry_points()  # reads a file of every package there is


@cache
def _entry_points(kind: str) -> dict[str, EntryPoint]:
    """Return the entry points of installed packages by name."""
    found: dict[str, EntryPoint] = {}
    for point in _installed().select(group=f"automl.{kind}"):
        other = _whose(found[point.name]) if point.name in found else None
        if point.name in _files(kind):
            other = f"the file {_package(kind).__name__.replace('.', '/')}/{point.name}.py"
        if other:
            raise ConfigError(
                f"Two of the {kind} are called '{point.name}': {other}, and {_whose(point)}. "
                "Rename the entry point, or uninstall its package."
            )
        found[point.name] = point
    return found


def _whose(point: EntryPoint) -> str:
    return f"the entry point '{point.value}' of the package '{point.dist.name if point.dist else '?'}'"


def _imported(kind: str, name: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ConfigError as error:  # a part of its OPTION is wrong
        raise ConfigError(f"The option '{name}' of {kind}: {error}") from error
    except Exception as error:  # it may be anybody's code
        missing = f"{getattr(error, 'name', None)}."
        if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(missing) and name not in names(kind):
            raise UnknownNameError(
                f"Unknown option '{name}' of {kind}; nor is there a module '{error.name}' on the Python path or in the "
                f"current folder.{nearest(name, names(kind))} Known: {', '.join(names(kind))}."
            ) from None
        raise ConfigError(
            f"The option '{name}' of {kind} cannot be imported: {type(error).__name__}: {error}. Mend '{module}', or "
            "uninstall or leave out what it belongs to."
        ) from error


def _what(kind: str) -> str:
    if kind in CLASSES:
        return f"An option of {kind} is OPTION = {CLASSES[kind].__name__}(...) in a module"
    return f"An option of {kind} is a module, or an object, with a function 'make'"


def _described(found: Any) -> str:
    return f"the module {found.__name__}" if isinstance(found, ModuleType) else f"a {type(found).__name__}"
