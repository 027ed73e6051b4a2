"""From a search's better trials to shipped folders: the ensemble, and one compact model."""

import math
import pickle
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from automl import ensemble
from automl.errors import ExportError
from automl.export.compress import CompressConfig, Compression, within
from automl.export.member import Member, fold_scores, mean_score, normalised, validation_score
from automl.export.package import Shipped, check, export
from automl.options import flag, number
from automl.task import Task
from automl.types import Trial

Note = Callable[[str], None]
# Of the time left, but for the least that exports take, what compressing the ensemble may take even where
# that leaves too little for the rest: it pays itself back.
COMPRESS_SHARE = 0.1
# How many of the trials that were stopped early are tried as members.
PARTIAL_TRIALS = 3
# An export takes about this long, this long for each megabyte of pickled models, and for a megabyte to score a row.
EXPORT_SECONDS, SECONDS_PER_MB, SECONDS_PER_MB_AND_ROW = 1.0, 0.3, 2e-5
# These are on the safe side; this share of them is needed for certain.
AT_LEAST = 0.8


class KeptOutcomes(Protocol):
    """What the better trials of a run left (``automl.leaderboard.outcomes.Outcomes``)."""

    def ids(self) -> Sequence[str]:
        """Return the candidate ids that are kept, best first."""

    def n_bytes(self, candidate_id: str) -> int:
        """Return the size of the pickled models."""

    def predictions(self, candidate_id: str) -> np.ndarray:
        """Return the out-of-fold predictions."""

    def models(self, candidate_id: str) -> tuple[bytes, ...]:
        """Return the pickled fold models."""


@dataclass(frozen=True)
class ShipConfig:
    """How the best become what is shipped.

    ``max_members``: how many different candidates the ensemble may have (1 ships the best alone).
    ``candidates``: from how many of the best it is chosen. ``compact``: also ship one small model.
    """

    max_members: int = 5
    rounds: int = 25
    candidates: int = 20
    compact: bool = True
    compress: CompressConfig = field(default_factory=CompressConfig)

    def __post_init__(self) -> None:
        for name in ("max_members", "rounds", "candidates"):
            number(f"{name} of the ensemble", getattr(self, name), 1, whole=True)
        flag("compact of the ensemble", self.compact)


@dataclass(frozen=True)
class Ensemble:
    """The chosen candidates, their weights, and their common out-of-fold score (greater is better)."""

    weights: Mapping[str, float]
    score: float


def choose(task: Task, outcomes: KeptOutcomes, config: ShipConfig, without: frozenset[str] = frozenset()) -> Ensemble:
    """Choose the ensemble among the kept outcomes.

    It is chosen among the trials that predicted the most rows. One that was stopped on the way has fewer
    models to average, and was seen on fewer rows: it joins them only if the ensemble with it is better on
    the rows that it has by more than the share it lacks of the spread over folds.
    """
    ids = [i for i in outcomes.ids() if i not in without]
    if not ids:
        raise ExportError("No kept model could be exported; the notes above say why.")
    predictions = {i: outcomes.predictions(i) for i in ids}
    seen = {i: np.isfinite(p).all(axis=1) for i, p in predictions.items()}
    most = max(rows.sum() for rows in seen.values())
    complete = [i for i in ids if seen[i].sum() == most][: config.candidates]
    best = _select(task, {i: predictions[i] for i in complete}, config)
    spread = float(np.nanstd(fold_scores(task, ensemble.blend(predictions, best))))
    for partial in [i for i in ids if seen[i].sum() < most][:PARTIAL_TRIALS]:
        joined = _select(task, {i: predictions[i] for i in (*best, partial)}, config)
        on_its_rows = 0 * predictions[partial]  # NaN elsewhere
        before, after = (
            mean_score(task, ensemble.blend(predictions, weights) + on_its_rows) for weights in (best, joined)
        )
        if partial in joined and after > before + spread * (1 - seen[partial].sum() / most):
            best = joined
    return score_of(task, outcomes, best)


def _select(task: Task, predictions: Mapping[str, np.ndarray], config: ShipConfig) -> dict[str, float]:
    data, limits = task.data, (config.rounds, config.max_members, task.seed)
    return ensemble.select(predictions, data.y, task.metric, task.valid_rows, data.weights, *limits)


def score_of(task: Task, outcomes: KeptOutcomes, weights: Mapping[str, float]) -> Ensemble:
    """Return the candidates with these weights as an ensemble, scored on the rows that all of them predicted."""
    blended = ensemble.blend({i: outcomes.predictions(i) for i in weights}, weights)
    return Ensemble(weights, mean_score(task, blended))


def seconds_to_export(task: Task, n_bytes: float) -> float:
    """Return about how long writing, scoring and replaying these bytes of pickled models will take."""
    n_test = 0 if task.test is None else len(task.test)
    return EXPORT_SECONDS + n_bytes / 1e6 * (SECONDS_PER_MB + SECONDS_PER_MB_AND_ROW * n_test)


def _bytes(outcomes: KeptOutcomes, ids: Iterable[str]) -> int:
    return sum(outcomes.n_bytes(i) for i in ids)


def _affordable(task: Task, outcomes: KeptOutcomes, chosen: Ensemble, deadline: float) -> dict[str, float]:
    """Leave out the lightest members, of equal ones the largest, until the rest can be shipped in time."""
    weights = dict(chosen.weights)
    left = deadline - time.time()
    while len(weights) > 1 and AT_LEAST * seconds_to_export(task, _bytes(outcomes, weights)) > left:
        del weights[min(weights, key=lambda i: (weights[i], -outcomes.n_bytes(i)))]
    total = sum(weights.values())
    return {i: weight / total for i, weight in weights.items()}


def members_of(
    task: Task,
    outcomes: KeptOutcomes,
    weights: Mapping[str, float],
    trials: Mapping[str, Trial],
    n_folds: int | None = None,
) -> list[Member]:
    """Load the (first ``n_folds``) fitted fold models of candidates; each has an equal part of the weight."""
    members = []
    for candidate, weight in weights.items():
        trial, packed, predictions = trials[candidate], outcomes.models(candidate), outcomes.predictions(candidate)
        # How long a whole fit takes is not known of one that was stopped.
        seconds = trial.seconds / len(packed) if trial.status == "finished" else math.inf
        models = [pickle.loads(m) for m in packed[:n_folds]]  # written by this run itself
        for fold, model in enumerate(models):
            index = task.splits[fold][1]
            members.append(
                Member(
                    candidate,
                    trial.candidate.family,
                    fold,
                    weight / len(models),
                    model,
                    index,
                    predictions[index],
                    seconds,
                )
            )
    return members


def ship(
    task: Task,
    outcomes: KeptOutcomes,
    trials: Mapping[str, Trial],
    folder: Path,
    config: ShipConfig,
    deadline: float,
    note: Note,
) -> tuple[Ensemble, list[Shipped]]:
    """Write ``folder/model`` (the ensemble) and ``folder/compact`` (one small model).

    A model whose export is refused is left out, with a note, and the next best is taken. ``deadline``
    (``time.time()``): members that cannot be shipped by then are left out, compression takes what the
    exports leave of the time, and the compact model is left out when the time is up.
    """
    refused: set[str] = set()
    compression = Compression(task, config.compress, note)
    while True:
        chosen = choose(task, outcomes, config, frozenset(refused))
        affordable = _affordable(task, outcomes, chosen, deadline)
        if len(affordable) < len(chosen.weights):
            note(f"shipped without {len(chosen.weights) - len(affordable)} of the ensemble's members: no time left")
            chosen = score_of(task, outcomes, affordable)
        left_over = [i for i in outcomes.ids() if i not in refused]
        small = smallest_near_best(outcomes, left_over, trials, config.compress.max_loss)
        small_seconds = seconds_to_export(task, outcomes.n_bytes(small) / max(1, len(trials[small].fold_scores)))
        members = members_of(task, outcomes, chosen.weights, trials)
        left = deadline - time.time()
        exports = seconds_to_export(task, _bytes(outcomes, chosen.weights)) + config.compact * small_seconds
        until = time.time() + max(left - exports, COMPRESS_SHARE * (left - 2 * EXPORT_SECONDS))
        try:
            shipped = [ship_members(task, members, folder / "model", "ensemble", compression, until)]
            break
        except ExportError as error:
            culprits = _culprits(task, members)
            note(f"export refused for trial {', '.join(sorted(culprits))}: {error}")
            refused |= culprits
    if config.compact:
        try:
            if len(members) == 1 and members[0].candidate_id == small:
                raise ExportError("the model is a single one already")
            until = deadline - small_seconds
            if time.time() > until:
                raise ExportError("no time left for it")
            one = members_of(task, outcomes, {small: 1.0}, trials, n_folds=1)
            shipped.append(_ship_compact(task, one, trials[small], shipped[0], compression, until))
        except ExportError as error:
            note(f"no compact model: {error}")
    return chosen, shipped


def _ship_compact(
    task: Task, one: list[Member], trial: Trial, model: Shipped, compression: Compression, until: float
) -> Shipped:
    folder = model.path.with_name("compact")
    # A single fold's rows are few: what the trial scored over all folds says more, and compares.
    compact = ship_members(task, one, folder, "compact", compression, until, trial.score)
    if compact.n_bytes >= model.n_bytes:
        shutil.rmtree(folder)
        raise ExportError("none is smaller than the model itself")
    return compact


def smallest_near_best(outcomes: KeptOutcomes, ids: Sequence[str], trials: Mapping[str, Trial], max_loss: float) -> str:
    """Return the smallest of the candidates that score within ``max_loss`` (relative) of the first and saw as much."""
    best = trials[ids[0]]
    alike = [t for t in map(trials.__getitem__, ids) if t.status == best.status and t.score is not None]
    near = [t.candidate.id for t in alike if within(best.score or 0.0, t.score or 0.0, max_loss)]
    return min(near, key=outcomes.n_bytes)


def ship_members(
    task: Task,
    members: list[Member],
    folder: Path,
    kind: str,
    compression: Compression,
    deadline: float = math.inf,
    score: float | None = None,
) -> Shipped:
    """Compress ``members`` until ``deadline``, write them to ``folder`` and verify what was written.

    ``score``: theirs before compression, where it is known from more rows than the ones they can be
    asked about here. Compression that does not export faithfully is left out. Raises ``ExportError``
    as ``package.export`` does.
    """
    name = f"validation {task.metric.name}"
    before = validation_score(task, members) if score is None else score
    scores = {name: task.metric.shown(before)}
    small, change = compression.apply(members, deadline)
    if any(m.compression for m in small):
        smaller = {name: task.metric.shown(before + change), f"{name} before compression": task.metric.shown(before)}
        try:
            return export(task, normalised(small), folder, kind, smaller)
        except ExportError as error:
            compression.note(f"shipped without compression: {error}")
    return export(task, normalised(members), folder, kind, scores)


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
