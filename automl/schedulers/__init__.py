"""Schedulers, one per file; and what one says of itself before it is made."""

from collections.abc import Mapping
from typing import Any

from automl import registry


def pauses(config: Mapping[str, Any]) -> bool:
    """Return whether the scheduler of ``config`` pauses trials, so that several must be in flight."""
    return _says("PAUSES", config)


def needs_state(config: Mapping[str, Any]) -> bool:
    """Return whether the scheduler of ``config`` lets a trial go on from another's state."""
    return _says("NEEDS_STATE", config)


def _says(what: str, config: Mapping[str, Any]) -> bool:
    return bool(getattr(registry.load("schedulers", str(config.get("name", "none"))), what, False))
