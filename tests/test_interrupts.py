"""Ctrl-C waits while the best is shipped; a second one does not."""

import os
import signal
from collections.abc import Iterator

import pytest

from automl import interrupts
from automl.faults import INTERRUPTED, tell
from automl.interrupts import first_one_waits, held_back, none_is_lost


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


def test_a_handler_that_is_not_pythons_gives_way_to_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with monkeypatch.context() as patched:
            patched.setattr(signal, "getsignal", lambda number: None)
            with first_one_waits(lambda: None):
                pass
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


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


@pytest.fixture
def listening() -> Iterator[None]:
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    interrupts.listen()
    yield
    interrupts.listen()
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_must_not_be_left_half_done_is_done_first(number: signal.Signals, listening: None) -> None:
    done: list[str] = []

    def close() -> None:
        with held_back():
            with held_back():
                os.kill(os.getpid(), number)
                done.append("inner")
            done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        close()
    assert done == ["inner", "outer"]
    with held_back():
        done.append("quiet")


def test_an_import_that_is_broken_off_is_an_interrupt(listening: None, capsys: pytest.CaptureFixture[str]) -> None:
    """As NumPy's is, which then raises ``ImportError``; or nothing at all, where a library can do without."""
    interrupts.check()
    assert not interrupts.just_now()
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert tell(ImportError("initialization failed")) == INTERRUPTED
    assert capsys.readouterr().err == "automl: interrupted\n"
    with pytest.raises(KeyboardInterrupt):
        interrupts.check()
