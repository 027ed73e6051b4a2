"""Every error a person can cause: it states the rule, the value, and the way out."""

import difflib
from collections.abc import Iterable, Mapping

from automl.runtime.printable import printable


class AutoMLError(Exception):
    """Base of all errors that are shown to a person without a traceback (exit code 2)."""


class DataError(AutoMLError, ValueError):
    """The data cannot be used as given."""


class ConfigError(AutoMLError, ValueError):
    """A configuration value, a name or a combination of options is not valid."""


class UnknownNameError(ConfigError):
    """A name that does not exist; the message carries the nearest one and the whole list."""


class SpaceError(ConfigError):
    """A search space, or an override of one, is not valid."""


class NotApplicable(AutoMLError):
    """An option that exists but does not fit this task; a search leaves it out."""


class TrialError(AutoMLError):
    """No trial of a search gave a usable model; the message carries the reasons."""


class TooLittleTimeError(TrialError):
    """A fit cannot take even its least steps in the time that it was given: the trial is stopped, not failed."""


class ExportError(AutoMLError):
    """A model could not be exported, or its export predicts something else."""


class LimitError(ExportError):
    """What would be shipped is beyond a limit. ``values``: what was measured of it."""

    def __init__(self, message: str, values: Mapping[str, float]) -> None:
        super().__init__(message)
        self.values = values


class ArtifactError(AutoMLError, ValueError):
    """A model folder is damaged, incomplete, or made by a newer version."""


class DamagedError(ArtifactError):
    """What a trial left is damaged or gone. ``trial``: its id; the rest of the run can go on without it."""

    def __init__(self, message: str, trial: str) -> None:
        super().__init__(message)
        self.trial = trial


def in_one_line(error: BaseException, most: int = 200) -> str:
    """Return what an error says without line breaks, at most so many characters of it."""
    line = " ".join(str(error).split())
    return line if len(line) <= most else line[: most - 3] + "..."


def with_type(error: BaseException, most: int = 200) -> str:
    """Return the type of an error, and what it says in one line."""
    return f"{type(error).__name__}: {in_one_line(error, most)}"


def nearest(name: object, known: Iterable[object]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest of ``known``, or an empty string."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


def unknown_name(what: str, name: object, known: Iterable[object], more: str = "") -> UnknownNameError:
    """Build the error for a ``name`` that is not among the ``known`` of kind ``what``; ``more``: said behind it."""
    names = [str(k) for k in known]
    known_ones = ", ".join(map(printable, names)) or "none"
    return UnknownNameError(f"Unknown {what} '{name}'.{nearest(name, names)} Known: {known_ones}.{more}")
