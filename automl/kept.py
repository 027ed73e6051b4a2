"""Which trials of a run keep what they left, for the ensemble and the export; the others' models go."""

import copy
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from automl.errors import ArtifactError, DamagedError, unknown_name
from automl.goals import Goals
from automl.model_store import ModelStore
from automl.types import FoldRef, Trial, Values

# How many trials that did not see every fold are kept beside all those that did.
STOPPED = 5


class KeptTrials:
    """The better trials of a run.

    Kept are the best ``keep``, the best one of every family and the best few that were stopped, however many
    finished; beyond ``max_bytes`` the worst go first, the best of their families last, the very best never.

    Parameters
    ----------
    store: where their folds' predictions and models are.
    valid_rows: the validation rows of each fold, as indices into all ``n_rows``.
    goals: what orders them.
    keep: how many of the best to keep.
    max_bytes: how much room their predictions and models may take together.
    """

    def __init__(
        self,
        store: ModelStore,
        valid_rows: Sequence[np.ndarray],
        n_rows: int,
        goals: Goals | None = None,
        keep: int = 30,
        max_bytes: int = 2_000_000_000,
    ) -> None:
        self.store, self.valid_rows, self.n_rows = store, valid_rows, n_rows
        self.goals = goals or Goals()
        self.keep, self.max_bytes = keep, max_bytes
        self._trials: dict[str, Trial] = {}
        self._refits: dict[str, bool] = {}

    def recall(self, trials: Iterable[Trial]) -> None:
        """Begin with the trials of an earlier process. What no trial of theirs has left is removed from the store."""
        self.look(trials)
        for id in self.store.trials() - self._trials.keys():
            self.store.drop(id)

    def drop_damaged(self, seconds: float) -> list[str]:
        """Drop the trials whose files are damaged or gone; return what is wrong with each.

        The sizes of all are compared, and what they hold from the best trial on, for about so many ``seconds``: there
        may be gigabytes. Whoever reads the rest later compares it then.
        """
        sizes, until = self.store.sizes(), time.monotonic() + seconds
        found = []
        for id in self.ids():
            try:
                for ref in self.trial(id).folds:
                    look = partial(self.store.check, sizes=sizes, contents=time.monotonic() < until)
                    self._read(id, ref.fold, look)
            except DamagedError as error:
                found.append(str(error))
                self.drop(id)
        return found

    def look(self, trials: Iterable[Trial]) -> None:
        """Begin with the trials of a process that may go on: nothing is removed."""
        there = self.store.trials()
        known = {t.candidate.id: t for t in trials if t.candidate.id in there and _is_whole(t)}
        self._trials = {id: known[id] for id in self._kept(known)}

    def offer(self, trial: Trial) -> bool:
        """Keep a trial if it is good enough, and drop what it displaces; return whether it was kept."""
        id = trial.candidate.id
        trials = {**self._trials, id: trial} if _is_whole(trial) else {k: t for k, t in self._trials.items() if k != id}
        kept = self._kept(trials)
        for dropped in {*trials, id} - kept:
            self.store.drop(dropped)
        self._trials = {id: trials[id] for id in trials if id in kept}
        return id in kept

    def beside(self, running: Iterable[Trial]) -> "KeptTrials":
        """Return these trials and those under way, as far as they got: what there would be if all ended now."""
        stopped = [replace(trial, status="stopped") for trial in running]
        everything = copy.copy(self)
        everything._trials = {**self._trials, **{t.candidate.id: t for t in stopped if _is_whole(t)}}
        return everything

    def drop(self, id: str) -> None:
        """Keep a trial no longer."""
        self._trials.pop(id, None)
        self.store.drop(id)

    def ids(self) -> list[str]:
        """Return the ids of the kept trials, best first."""
        return [trial.candidate.id for trial in self.goals.rank(self._trials.values())]

    def trial(self, id: str) -> Trial:
        """Return a kept trial."""
        if id not in self._trials:
            raise unknown_name("kept trial", id, self._trials)
        return self._trials[id]

    def learn(self, id: str, values: Values) -> None:
        """Add values to those of a kept trial."""
        trial = self.trial(id)
        self._trials[id] = replace(trial, values={**trial.values, **values})

    def n_bytes(self, id: str) -> int:
        """Return the size of a kept trial's predictions and models."""
        return sum(fold.n_bytes for fold in self.trial(id).folds)

    def predictions(self, id: str) -> np.ndarray:
        """Return a kept trial's out-of-fold predictions, (n_rows, width), NaN in the rows of folds not done.

        Raises ``DamagedError`` where a file is damaged or gone.
        """
        folds = self.trial(id).folds
        parts = [self._read(id, fold.fold, self.store.predictions) for fold in folds]
        whole = np.full((self.n_rows, *parts[0].shape[1:]), np.nan, parts[0].dtype)
        for fold, part in zip(folds, parts, strict=True):
            whole[self.valid_rows[fold.fold]] = part
        return whole

    def model(self, id: str, fold: int) -> Any:
        """Return the fitted model of a kept trial's fold. Raises ``DamagedError`` where it is damaged or gone."""
        return self._read(id, fold, self.store.model)

    def refits(self, id: str) -> bool:
        """Return whether a kept trial's models can be fitted without validation rows, and are whole."""
        if id not in self._refits:
            try:
                self._refits[id] = self.model(id, self.trial(id).folds[0].fold).refits
            except DamagedError:
                return False
        return self._refits[id]

    def _read(self, id: str, fold: int, read: Callable[[FoldRef], Any]) -> Any:
        (ref,) = (ref for ref in self.trial(id).folds if ref.fold == fold)
        try:
            return read(ref)
        except ArtifactError as error:
            raise DamagedError(f"What trial {id} left cannot be used: {error}", id) from error

    def _kept(self, trials: Mapping[str, Trial]) -> set[str]:
        """Return the ids that the rule keeps, filling ``max_bytes`` from the most to the least wanted."""
        ranked = self.goals.rank(trials.values())
        champions = {trial.candidate.family: trial for trial in reversed(ranked)}.values()
        stopped = [trial for trial in ranked if trial.status != "finished"][:STOPPED]
        wanted = [*self.goals.rank(champions), *ranked[: self.keep], *stopped]
        kept: set[str] = set()
        total = 0
        for trial in wanted:
            n_bytes = 0 if trial.candidate.id in kept else sum(fold.n_bytes for fold in trial.folds)
            if not kept or total + n_bytes <= self.max_bytes:
                kept.add(trial.candidate.id)
                total += n_bytes
        return kept


def _is_whole(trial: Trial) -> bool:
    """Return whether a trial has a finite score and a model for every fold that it has done."""
    has_score = trial.status != "failed" and trial.score is not None and math.isfinite(trial.score)
    return has_score and bool(trial.folds) and all(fold.model and fold.predictions for fold in trial.folds)
