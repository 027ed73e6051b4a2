"""What the checks of all kinds share: draws of a space, messages that say what they are about, comparisons."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from automl.errors import NotApplicable, with_type
from automl.space import Defaults, Params, Random, Space, draw, validate

N_DRAWS, N_BUILDS = 20, 5


@contextmanager
def about(what: str) -> Iterator[None]:
    """Put ``what`` in front of what a broken rule says; any error of somebody's code becomes a broken rule.

    What it raised first is the cause. ``NotApplicable`` stays what it is.
    """
    try:
        yield
    except NotApplicable:
        raise
    except AssertionError as error:
        raise AssertionError(f"{what}: {error or 'an assertion of its own fails'}") from error.__cause__ or error
    except Exception as error:
        raise AssertionError(f"{what}: {with_type(error, 1000)}") from error


def drawn_with(params: Params) -> str:
    """Return the parameters as messages show them."""
    return f"with {dict(params)}"


def draws(space: Space, n: int = N_DRAWS, seed: int = 0) -> Iterator[Params]:
    """Yield the defaults of ``space``, then ``n`` random draws."""
    rng = np.random.default_rng(seed)
    yield draw(space, Defaults())
    for _ in range(n):
        yield draw(space, Random(rng))


def check_space(space: Space) -> None:
    """Check that what is drawn from ``space`` lies in it."""
    for drawn in draws(space):
        assert validate(space, drawn) == drawn, f"what is drawn lies in the space; {drawn} becomes another"


def check_close(answer: Any, expected: Any, rule: str, tolerance: float = 1e-4) -> None:
    """Check that two arrays have one shape, and the same values within ``tolerance``, absolute and relative."""
    answer, expected = np.asarray(answer), np.asarray(expected)
    assert answer.shape == expected.shape, f"{rule}; the shapes are {answer.shape} and {expected.shape}"
    if not np.allclose(answer, expected, rtol=tolerance, atol=tolerance, equal_nan=True):
        difference = np.nanmax(np.abs(answer.astype(float) - expected.astype(float)))
        raise AssertionError(f"{rule}; they differ by up to {difference:.3g}, or in what is missing")


def check_methods(made: Any, methods: tuple[str, ...], what: str) -> None:
    """Check that ``made`` is ``what`` it has to be: that it has these methods."""
    for method in methods:
        assert callable(getattr(made, method, None)), (
            f"{what} has the methods {', '.join(methods)}; got {made!r}, without '{method}'"
        )
