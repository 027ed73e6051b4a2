"""What the better trials of a run leave on disk for the ensemble and the export: predictions and fold models."""

import json
import math
import os
import zipfile
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from automl.errors import ArtifactError, AutoMLError, unknown_name
from automl.types import Trial

# How many trials that did not see every fold are kept beside all those that did.
STOPPED = 5


@dataclass(frozen=True)
class _Entry:
    """What is known of a kept outcome without reading its arrays."""

    id: str
    family: str
    score: float
    finished: bool
    n_models: int
    n_bytes: int


class Outcomes:
    """The outcomes of a run's better trials, one ``.npz`` file each.

    A file is written beside its place, flushed to the disk and then renamed, so that a kill at any
    moment leaves the old state or the new one. One process offers; any number may read. Kept are the
    best ``keep`` trials, the best one of every family and the best few that were stopped, however many
    finished; beyond ``max_bytes`` the worst go first, the best of their families last.

    Parameters
    ----------
    folder: where the files are; made by the first ``offer``. Files that are no whole outcome are ignored.
    of: the ids of the trials on the leaderboard, where others are to be ignored: a kill between keeping an
        outcome and recording its trial leaves one that belongs to no trial. Default: all count.
    keep: how many of the best trials to keep.
    max_bytes: how much disk they may take together; the best one is kept even beyond it.
    """

    def __init__(
        self,
        folder: str | Path,
        of: Collection[str] | None = None,
        keep: int = 30,
        max_bytes: int = 2_000_000_000,
    ) -> None:
        self.folder = Path(folder)
        self.keep = keep
        self.max_bytes = max_bytes
        found = (_read_entry(path) for path in sorted(self.folder.glob("*.npz")))
        self._entries = {e.id: e for e in found if e is not None and (of is None or e.id in of)}

    def offer(self, trial: Trial) -> bool:
        """Keep a trial's outcome if it is good enough, and drop what it displaces; return whether it was kept.

        A trial without outcome or without a finite score is not kept. Raises ``AutoMLError`` when
        the disk cannot be written.
        """
        outcome, score = trial.outcome, trial.score
        if outcome is None or score is None or not math.isfinite(score):
            self._path(trial.candidate.id).unlink(missing_ok=True)  # of an earlier trial of this name
            return False
        n_bytes = outcome.predictions.nbytes + sum(map(len, outcome.models))
        entry = _Entry(
            trial.candidate.id,
            trial.candidate.family,
            float(score),
            trial.status == "finished",
            len(outcome.models),
            n_bytes,
        )
        entries = {**self._entries, entry.id: entry}
        kept = _kept(entries.values(), self.keep, self.max_bytes)
        if entry.id in kept:
            arrays = {_model(i): np.frombuffer(model, dtype=np.uint8) for i, model in enumerate(outcome.models)}
            self._write(entry, predictions=outcome.predictions, **arrays)
        for dropped in entries.keys() - kept:
            self._path(dropped).unlink(missing_ok=True)
        self._entries = {id: entries[id] for id in entries if id in kept}
        return entry.id in kept

    def ids(self) -> list[str]:
        """Return the candidate ids of the kept outcomes: those of finished trials first, best first."""
        return [entry.id for entry in _ranked(self._entries.values())]

    def score(self, id: str) -> float:
        """Return a kept trial's score; greater is better."""
        return self._entry(id).score

    def n_bytes(self, id: str) -> int:
        """Return the size of a kept trial's predictions and pickled models."""
        return self._entry(id).n_bytes

    def predictions(self, id: str) -> np.ndarray:
        """Return the out-of-fold predictions of a kept trial, (n_rows, width) as offered."""
        return self._arrays(id, ["predictions"])[0]

    def models(self, id: str) -> tuple[bytes, ...]:
        """Return the pickled fitted models of a kept trial, one per fold. Unpickle them only in a run of your own."""
        names = [_model(i) for i in range(self._entry(id).n_models)]
        return tuple(array.tobytes() for array in self._arrays(id, names))

    def _entry(self, id: str) -> _Entry:
        if id not in self._entries:
            raise unknown_name("kept outcome", id, self.ids())
        return self._entries[id]

    def _arrays(self, id: str, names: list[str]) -> list[np.ndarray]:
        self._entry(id)
        path = self._path(id)
        try:
            with np.load(path, allow_pickle=False) as file:
                return [file[name] for name in names]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ArtifactError(
                f"The outcome of candidate {id} must be readable; {path} is damaged or gone ({error}). "
                "Delete the file and resume the run: the search goes on without it."
            ) from error

    def _write(self, entry: _Entry, **arrays: np.ndarray) -> None:
        about = np.frombuffer(json.dumps(vars(entry)).encode(), dtype=np.uint8)
        # One fixed name: what a killed write leaves behind is overwritten by the next.
        temporary = self.folder / "writing.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(temporary, "wb") as file:
                np.savez(file, allow_pickle=False, about=about, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path(entry.id))
            _sync_folder(self.folder)
        except OSError as error:
            raise AutoMLError(
                f"The outcomes of the better trials ({entry.n_bytes:,} bytes now) must fit on the disk of "
                f"'{self.folder}': {error.strerror}. Free some room and resume the run, or give another folder."
            ) from error
        finally:
            with suppress(OSError):  # gone after the rename
                temporary.unlink()

    def _path(self, id: str) -> Path:
        return self.folder / f"{quote(id, safe='')}.npz"


def _model(i: int) -> str:
    return f"model_{i}"


def _ranked(entries: Iterable[_Entry]) -> list[_Entry]:
    return sorted(entries, key=lambda entry: (not entry.finished, -entry.score, entry.id))


def _kept(entries: Iterable[_Entry], keep: int, max_bytes: int) -> set[str]:
    """Return the ids that the rule keeps, filling ``max_bytes`` from the most to the least wanted."""
    ranked = _ranked(entries)
    champions = {entry.family: entry for entry in reversed(ranked)}.values()
    stopped = [entry for entry in ranked if not entry.finished][:STOPPED]
    wanted = dict.fromkeys([*_ranked(champions), *ranked[:keep], *stopped])
    kept: set[str] = set()
    total = 0
    for entry in wanted:
        if not kept or total + entry.n_bytes <= max_bytes:
            kept.add(entry.id)
            total += entry.n_bytes
    return kept


def _read_entry(path: Path) -> _Entry | None:
    """Return what a file says about itself, or None when it is not a whole outcome of the right name."""
    try:
        with np.load(path, allow_pickle=False) as file:
            about: dict[str, Any] = json.loads(file["about"].tobytes())
            entry = _Entry(**about)
            whole = {"predictions", *(_model(i) for i in range(entry.n_models))} <= set(file.files)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    return entry if whole and path.stem == quote(entry.id, safe="") else None


def _sync_folder(folder: Path) -> None:
    # The rename itself must reach the disk; Windows has no handle for that and needs none.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
