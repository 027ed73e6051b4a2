"""The alarm that ends what takes too long, but not within what has to stay whole."""

import time

import pytest

from automl import alarm


def test_it_rings_when_the_time_is_up() -> None:
    with pytest.raises(alarm.OutOfTime), alarm.until(time.time() + 0.05):
        time.sleep(30)
    with pytest.raises(alarm.OutOfTime), alarm.until(time.time() - 1):
        pytest.fail("there was no time")
    with alarm.until(time.time() + 30):
        pass


def test_what_is_whole_ends_first() -> None:
    done = []

    def work() -> None:
        with alarm.whole():
            with alarm.whole():
                time.sleep(0.2)
            done.append("all of it")
        done.append("more")

    with pytest.raises(alarm.OutOfTime), alarm.until(time.time() + 0.05):
        work()
    assert done == ["all of it"]
    with alarm.whole():  # nothing of it is left
        pass
