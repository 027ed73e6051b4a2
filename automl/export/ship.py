"""From a search's better trials to shipped folders: the ensemble, and the compact model."""

import math
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from automl.clock import AT_LEAST, EXPORT_SECONDS, SMALL_SECONDS, compress_until, seconds_to_export
from automl.errors import DamagedError, ExportError, LimitError
from automl.export import within
from automl.export.choose import Ensemble, Note, choose, out_of_fold, score_of
from automl.export.compact import Compact, small_near
from automl.export.compress import Compression
from automl.export.config import ShipConfig
from automl.export.member import Member, mean_score, members_of, normalised, validation_score
from automl.export.pace import Pace
from automl.export.package import check, export
from automl.export.refit import Refits, Refitted, affordable, joined, seconds_for, unfitted
from automl.export.shipped import Scores, Shipped
from automl.goals import Goals
from automl.kept import KeptTrials
from automl.task import Task


def export_seconds(task: Task, n_bytes: float) -> float:
    """Return about how long it takes to ship these bytes of stored models."""
    return seconds_to_export(n_bytes, task.n_test, task.target.width)


def shipping_seconds(
    task: Task, kept: KeptTrials, weights: Mapping[str, float], pace: Pace | None, refit_seconds: float
) -> tuple[float, float]:
    """Return about how long the export of an ensemble takes, and before it its last fits.

    ``pace``: None where nothing is exported; ``refit_seconds``: how long last fits may take.
    """
    candidates = affordable(task, unfitted(task, kept, _heaviest_first(weights)), refit_seconds)
    n_models = {id: len(kept.trial(id).folds) for id in weights}
    n_models |= {one.id: len(one.folds) + 1 for one in candidates}
    return pace.seconds(kept, n_models) if pace else 0.0, seconds_for(task, candidates)


def _heaviest_first(weights: Mapping[str, float]) -> list[str]:
    return sorted(weights, key=lambda id: -weights[id])


def _bytes(kept: KeptTrials, ids: Iterable[str]) -> int:
    return sum(kept.n_bytes(i) for i in ids)


def ship(
    task: Task,
    kept: KeptTrials,
    folder: Path,
    config: ShipConfig,
    deadline: float,
    note: Note,
    pace: Pace | None = None,
) -> tuple[Ensemble, list[Shipped]]:
    """Write ``folder/model`` (the ensemble) and ``folder/compact`` (a small one of few candidates).

    A model whose files are damaged or whose export is refused is left out, with a note, and the next best is taken.
    ``deadline`` (``time.time()``): members that cannot be shipped by then are left out, compression takes what the
    exports leave of the time, and the compact model is left out when the time is up.
    ``pace``: what is known of how long exports take.
    Where ``kept.goals`` has limits, what is shipped is one model within them; raises ``LimitError`` where nothing is.
    """
    if kept.goals.limits:
        return _ship_within(task, kept, folder, config, deadline, note)
    return _Shipping(task, kept, folder, config, deadline, note, pace or Pace(task)).to_the_end()


class _Shipping:
    """An ensemble and its compact model on their way into ``folder``, which share the time until ``deadline``."""

    def __init__(
        self, task: Task, kept: KeptTrials, folder: Path, config: ShipConfig, deadline: float, note: Note, pace: Pace
    ) -> None:
        self.task, self.kept, self.folder, self.config = task, kept, folder, config
        self.deadline, self.note, self.pace = deadline, note, pace
        self.compression = Compression(task, config.compress, note)
        self.refused: set[str] = set()
        self.small: Compact | None = None
        self.fitted: dict[str, Refitted] = {}  # on all rows, by candidate
        self.failed: set[str] = set()  # in their last fits
        self.refits: Refits | None = None  # under way
        self.slowness = 1.0  # of this machine: how much it takes of the time that is expected of models of this size

    def to_the_end(self) -> tuple[Ensemble, list[Shipped]]:
        """Ship the best that can be shipped, and then a small one."""
        try:
            return self._both()
        finally:
            self._give_up_refits()  # what follows has all cores

    def _both(self) -> tuple[Ensemble, list[Shipped]]:
        while True:
            chosen = self._affordable()
            left = self.deadline - time.time() if self.config.refit else 0.0
            expected, _ = shipping_seconds(self.task, self.kept, chosen.weights, self.pace, left)
            self.slowness = min(1.0, expected / export_seconds(self.task, _bytes(self.kept, chosen.weights)))
            for_small = self._choose_small(chosen, expected) if self.config.compact else 0.0
            if self.config.refit:
                self._begin(_heaviest_first(chosen.weights), self.deadline - AT_LEAST * expected - for_small)
            try:
                members = members_of(self.task, self.kept, chosen.weights)
                shipped = [self._model(members, expected, for_small)]
                break
            except DamagedError as error:
                self.note(str(error))
                self.kept.drop(error.trial)
            except ExportError as error:
                culprits = _culprits(self.task, members)
                self.note(f"export refused for trial {', '.join(sorted(culprits))}: {error}")
                self.refused |= culprits
        if self.small is not None:
            try:
                if len(members) == 1 and self.small.weights.keys() == chosen.weights.keys():
                    raise ExportError("the model is a single one already")
                shipped.append(self._compact(self.small, shipped[0]))
            except (DamagedError, ExportError) as error:
                self.note(f"no compact model: {error}")
        return chosen, shipped

    def _affordable(self) -> Ensemble:
        """Choose who answers together, as far as all can be shipped in time."""
        chosen = self._chosen(self.refused)
        weights = self._in_time(chosen)
        if len(weights) == len(chosen.weights):
            return chosen
        without_largest = self.refused | {max(chosen.weights, key=self.kept.n_bytes)}
        chosen = score_of(self.task, self.kept, weights)
        if set(self.kept.ids()) - without_largest:  # it may have cost several others their place
            others = self._in_time(self._chosen(without_largest))
            chosen = max(chosen, score_of(self.task, self.kept, others), key=lambda one: one.score)
        self.note("shipped without some of the ensemble's members: no time left")
        return chosen

    def _chosen(self, without: set[str]) -> Ensemble:
        return choose(self.task, self.kept, self.config, self.note, frozenset(without))

    def _in_time(self, chosen: Ensemble) -> dict[str, float]:
        """Leave out the lightest members, of equal ones the largest, until the rest can be shipped in time."""
        weights = dict(chosen.weights)
        left = self.deadline - time.time()
        while len(weights) > 1 and AT_LEAST * self._export_seconds(weights) > left:
            del weights[min(weights, key=lambda i: (weights[i], -self.kept.n_bytes(i)))]
        total = sum(weights.values())
        return {i: weight / total for i, weight in weights.items()}

    def _export_seconds(self, weights: Mapping[str, float]) -> float:
        return shipping_seconds(self.task, self.kept, weights, self.pace, 0.0)[0]

    def _begin(self, ids: Sequence[str], until: float, at_once: int | None = None) -> None:
        """Begin the last fits of candidates, but of those that have had them, as far as there is time."""
        self._give_up_refits()
        candidates = unfitted(self.task, self.kept, [id for id in ids if id not in self.fitted.keys() | self.failed])
        if at_once is None:
            candidates = affordable(self.task, candidates, (until - time.time()) / AT_LEAST)
        self.refits = Refits(self.task, candidates, until, self.note, at_once)

    def _give_up_refits(self) -> None:
        if self.refits is not None:
            self.refits.until = 0.0

    def _models(self) -> Mapping[str, Refitted]:
        """Wait for the last fits that are under way; return the models of all of them so far, by candidate."""
        if self.refits is not None:
            self.fitted |= self.refits.models()
            self.failed |= self.refits.failed
            self.refits = None
        return self.fitted

    def _choose_small(self, chosen: Ensemble, expected: float) -> float:
        """Choose what is compact, and return how long its export takes."""
        left = self.deadline - time.time()

        def in_time(one: Compact) -> bool:
            return AT_LEAST * (expected + self._small_seconds(one)) <= left

        max_loss, fit_seconds = self.config.compress.max_loss, left - EXPORT_SECONDS
        self.small = small_near(self.task, chosen, self.kept, self.refused, max_loss, fit_seconds, in_time)
        return max(self._small_seconds(self.small), SMALL_SECONDS)

    def _small_seconds(self, small: Compact) -> float:
        return self.slowness * export_seconds(self.task, small.n_bytes(self.kept))

    def _model(self, members: list[Member], expected: float, for_small: float) -> Shipped:
        fitted = dict(self._models()) if self.config.refit else {}
        if self.small is not None:  # beside what follows, which has the other cores
            self._begin(self.small.single, self.deadline - self._small_seconds(self.small), at_once=1)
        until = compress_until(self.deadline, expected + for_small)
        model = ship_members(self.task, members, self.folder / "model", "ensemble", self.compression, until, fitted)
        # What is expected is on the safe side.
        self.slowness *= min(1.0, model.seconds / expected)
        for text in model.remarks:
            self.note(text)
        return model

    def _as_fitted(self, small: Compact, fitted: Collection[str]) -> Compact:
        """Return what is compact where half of the fold models of a candidate answer whose last fit did not end in
        time, if there is time for that.
        """
        halves = {id: -(-len(self.kept.trial(id).folds) // 2) for id in small.single if id not in fitted}
        larger = replace(small, n_folds={**small.n_folds, **halves})
        return larger if time.time() + self._small_seconds(larger) <= self.deadline else small

    def _compact(self, small: Compact, model: Shipped) -> Shipped:
        until = self.deadline - self._small_seconds(small)
        if time.time() > until:
            raise ExportError("no time left for it")
        if self.refits is not None:
            self.refits.until = until  # which is later where this machine is fast
        fitted = self._models()
        small = self._as_fitted(small, fitted)
        few = [
            member
            for id, weight in small.weights.items()
            for member in members_of(self.task, self.kept, {id: weight}, small.n_folds[id])
        ]
        # A single fold's rows are few: what the trials said about all folds says more, and compares.
        unseen = out_of_fold(self.task, self.kept, small.weights)
        folder = self.folder / "compact"
        compact = ship_members(self.task, few, folder, "compact", self.compression, until, fitted, unseen)
        if compact.n_bytes >= model.n_bytes:
            shutil.rmtree(folder)
            raise ExportError("none is smaller than the model itself")
        return compact


def choose_within(task: Task, kept: KeptTrials, config: ShipConfig, note: Note) -> Ensemble:
    """Choose what should be within the limits of ``kept.goals``, by what the trials have measured of one model each.

    Raises ``LimitError`` where nothing should.
    """
    for weights, n_folds in _plans(task, kept, config, note, compresses=False):
        if all(kept.goals.allow(kept.trial(id)) for id in weights):
            return replace(score_of(task, kept, weights), n_folds=n_folds)
    trial = min(map(kept.trial, kept.ids()), key=lambda trial: kept.goals.excess(trial.values))
    raise LimitError(within.nothing_fits(kept.goals, trial.values, f"trial {trial.candidate.id}"), trial.values)


def _plans(
    task: Task, kept: KeptTrials, config: ShipConfig, note: Note, compresses: bool
) -> Iterator[tuple[Mapping[str, float], int | None]]:
    fit = within.allowed(kept)
    ensemble = choose(task, kept, config, note, frozenset(kept.ids()) - set(fit)).weights if fit else {}
    return within.plans(kept, ensemble, lambda weights: score_of(task, kept, weights).score, compresses)


def _ship_within(
    task: Task, kept: KeptTrials, folder: Path, config: ShipConfig, deadline: float, note: Note
) -> tuple[Ensemble, list[Shipped]]:
    """Write the first plan that turns out to be within the limits, measured on what was written."""
    compression = Compression(task, config.compress, note)
    nearest: tuple[float, str] = math.inf, "Nothing could be exported; the notes above say why."
    values: Mapping[str, float] = {}
    for weights, n_folds in _plans(task, kept, config, note, bool(config.compress.options)):
        if values and time.time() > deadline:
            break
        of = f"trial {', '.join(weights)}"
        until = compress_until(deadline, export_seconds(task, _bytes(kept, weights)))
        try:
            members = members_of(task, kept, weights, n_folds)
            # What fewer models are asked about here is few rows: what all of them said says more.
            said = out_of_fold(task, kept, weights) if n_folds else None
            path = folder / "model"
            model = ship_members(task, members, path, "ensemble", compression, until, unseen=said, goals=kept.goals)
            return replace(score_of(task, kept, weights), n_folds=n_folds), [model]
        except LimitError as error:
            note(f"not shipped, beyond a limit: {of}: {error}")
            if (excess := kept.goals.excess(error.values)) < nearest[0]:
                nearest = excess, within.nothing_fits(kept.goals, error.values, of)
                values = error.values
        except (DamagedError, ExportError) as error:
            note(f"not shipped: {of}: {error}")
    raise LimitError(nearest[1], values)


def ship_members(
    task: Task,
    members: list[Member],
    folder: Path,
    kind: str,
    compression: Compression,
    deadline: float = math.inf,
    fitted: Mapping[str, Refitted] = MappingProxyType({}),
    unseen: np.ndarray | None = None,
    goals: Goals | None = None,
) -> Shipped:
    """Compress ``members`` until ``deadline``, write them to ``folder`` and verify what was written.

    ``fitted``: models that were fitted on all rows, by candidate, which answer too (``refit.joined``), compressed as
    the others are; in a ``kind`` of "compact" instead of these. ``unseen``: (n, width), what the candidates said before
    compression, where that is about more rows than the ones they can be asked about here. What does not export
    faithfully, by that or by compression, is left out. Raises ``ExportError`` as ``package.export`` does, which holds
    it to the limits of ``goals``.
    """
    before = validation_score(task, members) if unseen is None else mean_score(task, unseen)
    small, change = compression.apply(members, deadline)
    compressed = any(m.compression for m in small)
    scores = Scores(before + change, uncompressed=before) if compressed else Scores(before)
    ids = {m.candidate_id for m in members}
    if whole := {id: model for id, model in fitted.items() if id in ids}:
        try:
            together = joined(small, whole, instead=kind == "compact")
            last = [compression.repeated(m) if m.fold is None and m.compression else m for m in together]
            return export(task, normalised(last), folder, kind, scores, unseen, goals)
        except ExportError as error:
            compression.note(f"shipped as it was fitted on a part of the rows: {error}")
    if compressed:
        try:
            return export(task, normalised(small), folder, kind, scores, unseen, goals)
        except ExportError as error:
            compression.note(f"shipped without compression: {error}")
    return export(task, normalised(members), folder, kind, Scores(before), unseen, goals)


def _culprits(task: Task, members: Sequence[Member]) -> set[str]:
    """Return the candidates that do not export faithfully on their own; all of them if each one does."""
    candidates = {m.candidate_id for m in members}
    bad = set()
    for candidate in candidates:
        own = normalised([m for m in members if m.candidate_id == candidate])
        try:
            check(task, own)
        except ExportError:
            bad.add(candidate)
    return bad or candidates
