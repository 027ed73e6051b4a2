"""Ctrl-C waits while the best is shipped; a second one does not."""

import os
import signal

import pytest

from automl.interrupts import first_one_waits, none_is_lost


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_interrupt_waits_and_the_second_does_not() -> None:
    told: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with first_one_waits(lambda: told.append("once")):
        interrupt()
        assert told == ["once"]
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    assert told == ["once"]
    assert signal.getsignal(signal.SIGINT) is before


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with first_one_waits(lambda: None):
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


class Swallows:
    """A finalizer in which a signal arrives: Python drops what it raises."""

    def __del__(self) -> None:
        interrupt()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_is_swallowed_is_raised_at_the_next_look() -> None:
    before = signal.getsignal(signal.SIGINT)
    with none_is_lost() as check:
        check()
        Swallows()
        with pytest.raises(KeyboardInterrupt):
            check()
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt), none_is_lost():
        interrupt()
