"""What a run's time went to, by what its command has written down."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest

from automl.board import phases
from automl.board.run_page import Seen
from automl.board.source import OpenLeaderboard
from automl.leaderboard.store import Store
from tests.board import made

TIMINGS = {"starting": 2.0, "searching": 5.0, "exporting": 3.0}


def seen(folder: Path, timings: Any, end: bool = True) -> Seen:
    """A run that took a minute."""
    (folder / "timings.json").write_text(timings if isinstance(timings, str) else json.dumps(timings))
    with Store(folder / "x.db") as store:
        began = time.time() - 60.0
        run = store.start_run(name="x", folder=folder, metric=made.METRIC, config={}, task={}, started=began)
        if end:
            store.finish_run(run)
        return Seen.of(OpenLeaderboard(folder / "x.db"), run)


def test_the_last_phase_ends_with_the_run(tmp_path: Path) -> None:
    found = phases.phases(seen(tmp_path, TIMINGS | {"reporting": 9.0}))
    expected = [("starting", 50.0, 52.0), ("exporting", 57.0, 60.0)]
    assert found == [(name, pytest.approx(a, abs=1), pytest.approx(b, abs=1)) for name, a, b in expected]


NONE: tuple[Any, ...] = ("", "{", "[]", "null", {"starting": "long"}, {"x": math.nan}, {"x": math.inf}, {"x": -1}, {})


@pytest.mark.parametrize("timings", NONE)
def test_what_is_not_told_is_not_shown(timings: Any, tmp_path: Path) -> None:
    assert phases.phases(seen(tmp_path, timings)) == []


def test_a_run_that_goes_on_has_no_phases_yet(tmp_path: Path) -> None:
    assert phases.phases(seen(tmp_path, TIMINGS, end=False)) == []
