"""How faulty options are refused: by a message that says which option it is, and what is wrong with it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from automl.testing import check_option


def refused(kind: str, option: Any, message: str, **more: Any) -> None:
    """Check that the option is refused with a message, a regular expression, behind its kind."""
    with pytest.raises(AssertionError, match=rf"^The option .* of {kind}: (.|\n)*{message}"):
        check_option(kind, option, **more)


def made_by(make: Callable[..., Any], **more: Any) -> Any:
    """An option that ``make`` configures."""
    return SimpleNamespace(make=make, **more)
