"""What is kept quiet is so in all threads until the last of them leaves, and then no longer."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from automl.quiet import quiet, quiet_optuna


def test_filters_come_back_when_the_last_thread_leaves() -> None:
    before = list(warnings.filters)
    first_is_in, second_is_in, first_left = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with quiet():
            first_is_in.set()
            assert second_is_in.wait(10)
        first_left.set()

    def second() -> None:
        assert first_is_in.wait(10)
        with quiet():
            second_is_in.set()
            assert first_left.wait(10)
            warnings.warn("still quiet", UserWarning, stacklevel=1)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(first), threads.submit(second)]:
            done.result()
    assert warnings.filters == before
    with pytest.warns(UserWarning, match="no longer"):
        warnings.warn("no longer quiet", UserWarning, stacklevel=1)


def test_only_the_category_is_ignored() -> None:
    with quiet(DeprecationWarning), pytest.raises(UserWarning):
        warnings.warn("not of it", UserWarning, stacklevel=1)


@pytest.mark.filterwarnings("error::optuna.exceptions.ExperimentalWarning")
def test_many_samplers_are_made_at_once_without_a_word_and_optuna_speaks_again_after() -> None:
    import optuna

    verbosity = optuna.logging.get_verbosity()

    def make(_: int) -> None:
        with quiet_optuna():
            optuna.samplers.TPESampler(multivariate=True, group=True)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make, range(400)))
    assert optuna.logging.get_verbosity() == verbosity
    with pytest.raises(optuna.exceptions.ExperimentalWarning):
        optuna.samplers.TPESampler(multivariate=True, group=True)


def test_it_ends_where_an_error_leaves_it() -> None:
    before = list(warnings.filters)
    with pytest.raises(ValueError, match="inside"), quiet():
        raise ValueError("inside")
    assert warnings.filters == before
