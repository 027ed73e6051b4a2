"""What libraries warn of is known here and kept from the person, whose own settings stay as they are."""

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager


class _Shared:
    """A context of the whole process: the first thread enters it, the last one that is inside leaves it.

    Python's warning filters and Optuna's verbosity are the process's. Where several threads (two fits, a search and its
    trial) each put back what they found, the first to leave takes the others' silence away and the last keeps its own.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[object]]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._inside = 0
        self._context: AbstractContextManager[object] | None = None

    @contextmanager
    def entered(self, and_then: Callable[[], object] = lambda: None) -> Iterator[None]:
        with self._lock:
            if self._context is None:
                self._context = self._make()
                self._context.__enter__()
            self._inside += 1
            and_then()
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    context, self._context = self._context, None
                    context.__exit__(None, None, None)


@contextmanager
def _verbosity() -> Iterator[None]:
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)


_filters = _Shared(warnings.catch_warnings)
_optuna = _Shared(_verbosity)


@contextmanager
def quiet(category: type[Warning] = Warning) -> Iterator[None]:
    """Ignore warnings of ``category`` meanwhile, in all threads."""
    with _filters.entered(lambda: warnings.simplefilter("ignore", category)):
        yield


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Say nothing of experimental parts, nor of each parameter of a conditional space; others' Optuna still does."""
    import optuna

    with _optuna.entered(), quiet(optuna.exceptions.ExperimentalWarning):
        yield
