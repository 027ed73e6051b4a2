"""The file system is the registry: an option is a file, its name is the file's name.

``search_spaces/<kind>/<name>.py``, ``automl/searchers/<name>.py`` and ``runners/<name>.py`` are
found by listing the package; nothing is imported until it is loaded. Files that begin with an
underscore, and ``blocks.py`` (what the options of one kind share), are not options.
"""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from automl.errors import ConfigError, nearest, unknown_name

_ENGINE_KINDS = {"searchers": "automl.searchers", "schedulers": "automl.schedulers", "runners": "automl.runners"}
_SHARED = {"blocks"}


@cache
def _package(kind: str) -> ModuleType:
    if kind in _ENGINE_KINDS:
        return importlib.import_module(_ENGINE_KINDS[kind])
    spaces = importlib.import_module("automl.search_spaces")
    known = [m.name for m in pkgutil.iter_modules(spaces.__path__) if m.ispkg]
    if kind not in known:
        raise unknown_name("kind of option", kind, [*known, *_ENGINE_KINDS])
    return importlib.import_module(f"automl.search_spaces.{kind}")


@cache
def names(kind: str) -> tuple[str, ...]:
    """Return the sorted names of all options of ``kind`` ("tables", "losses", "searchers", ...)."""
    modules = pkgutil.iter_modules(_package(kind).__path__)
    return tuple(sorted(m.name for m in modules if not m.name.startswith("_") and m.name not in _SHARED))


def load(kind: str, name: str) -> ModuleType:
    """Import one option. Raises ``UnknownNameError`` with the nearest name when there is none."""
    if name not in names(kind):
        raise unknown_name(f"option of {kind}", name, names(kind))
    return importlib.import_module(f"{_package(kind).__name__}.{name}")


@cache
def option(kind: str, name: str) -> ModuleType:
    """Load an option by its name, or by import path where it is a person's own.

    Raises ``ConfigError`` for what cannot be imported, or is no option.
    """
    if name in names(kind):
        return load(kind, name)
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"The option '{name}' of {kind} cannot be imported ({error}); is it on the Python path, or in the current "
            f"folder?{nearest(name, names(kind))}"
        ) from None
    if not hasattr(module, "SPACE") or not hasattr(module, "build"):
        raise ConfigError(f"An option of {kind} is a module with SPACE and build; '{name}' lacks one. Add it.")
    return module
