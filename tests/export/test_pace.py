"""How long exports take is measured on one fold model of each candidate."""

from pathlib import Path

import pytest

from automl.clock import EXPORT_SECONDS
from automl.export.pace import Pace
from automl.task import DataKind
from tests.tasks import kept_trials, make


@pytest.mark.parametrize(
    ("kind", "family"), [("table", "lightgbm"), ("text", "tfidf_linear"), ("sequence", "recurrent")]
)
def test_it_says_how_long_an_export_takes(kind: DataKind, family: str, tmp_path: Path) -> None:
    task = make(kind, "binary")
    kept = kept_trials(task, tmp_path, family)
    pace = Pace(task)
    one, two, eleven = (pace.seconds(kept, {"0": n}) - pace.seconds(kept, {}) for n in (1, 2, 11))
    assert one > 0
    assert (two, eleven) == pytest.approx((2 * one, 11 * one)), "measured once"


def test_what_is_damaged_is_estimated_from_its_size(tmp_path: Path) -> None:
    task = make("table", "binary")
    kept = kept_trials(task, tmp_path, "lightgbm", "linear")
    for file in (tmp_path / "trials" / "0").iterdir():
        file.write_bytes(b"torn")
    n_bytes = kept.n_bytes("0")
    seconds = Pace(task).seconds(kept, {"0": 2})
    assert EXPORT_SECONDS < seconds < EXPORT_SECONDS + 0.1 + n_bytes / 1e6
