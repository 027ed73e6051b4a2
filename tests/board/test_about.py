"""What a run's configuration has that is not as by default comes first."""

import copy
from pathlib import Path
from typing import Any

import pytest

from automl.board import about
from automl.board.words import flat
from automl.configuration import written
from automl.leaderboard.records import Run, StoredMetric

USUAL: dict[str, Any] = {
    **written(),
    "searcher": {"name": "tpe", "startup_trials": 10, "candidates": 24},
    "scheduler": {"name": "halving"},
    "runner": {"name": "auto", "workers": None, "preload": []},
}


def changed(config: dict[str, Any]) -> dict[str, Any]:
    run = Run(1, "x", "finished", 0.0, 9.0, "x", StoredMetric("r2"), 0, "", {}, {}, config=config)
    found = about.configuration(run)
    assert len(found["changed"]) + len(found["usual"]) == len(flat({**config, "space": {}})) - 1
    return dict(found["changed"])


def test_what_is_as_by_default_is_not_changed() -> None:
    assert changed(copy.deepcopy(USUAL)) == {}


@pytest.mark.parametrize(
    ("group", "key", "value"),
    [
        *(
            ("data", "train", "x.csv"),
            ("budget", "seconds", 30),
            ("limits", "bytes", 1000),
            ("searcher", "candidates", 3),
        ),
        *(("searcher", "name", "random"), ("runner", "workers", 2), ("", "seed", 7), ("", "goals", ["score", "bytes"])),
    ],
)
def test_what_is_not_is(group: str, key: str, value: Any) -> None:
    config = copy.deepcopy(USUAL)
    (config[group] if group else config)[key] = value
    assert changed(config)[f"{group}.{key}" if group else key] == value


def test_options_from_elsewhere_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "of_somebody.py").write_text("raise SystemExit('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    found = changed({**USUAL, "searcher": {"name": "of_somebody", "step": 1}})
    assert found == {"searcher.name": "of_somebody", "searcher.step": 1}


@pytest.mark.parametrize("config", [{}, {"searcher": "tpe"}, {"runner": None}, {"seed": {"a": 1}}])
def test_any_configuration_is_shown(config: dict[str, Any]) -> None:
    assert set(changed(config)) <= {"searcher", "runner", "seed.a"}
