"""From a search's better trials to shipped folders: the ensemble, and the compact model."""

import math
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from automl.clock import AT_LEAST, SMALL_SECONDS, compress_until, seconds_to_export
from automl.errors import DamagedError, ExportError, LimitError
from automl.export import within
from automl.export.choose import Ensemble, Note, choose, out_of_fold, score_of
from automl.export.compact import bytes_of_folds, last_fit, small_near
from automl.export.compress import Compression
from automl.export.config import ShipConfig
from automl.export.member import Member, mean_score, members_of, normalised, validation_score
from automl.export.package import check, export
from automl.export.refit import Refit
from automl.export.shipped import Scores, Shipped
from automl.goals import Goals
from automl.kept import KeptTrials
from automl.task import Task


def export_seconds(task: Task, n_bytes: float) -> float:
    """Return about how long it takes to ship these bytes of stored models."""
    return seconds_to_export(n_bytes, task.n_test, task.target.width)


def _bytes(kept: KeptTrials, ids: Iterable[str]) -> int:
    return sum(kept.n_bytes(i) for i in ids)


def _affordable(task: Task, kept: KeptTrials, chosen: Ensemble, deadline: float) -> dict[str, float]:
    """Leave out the lightest members, of equal ones the largest, until the rest can be shipped in time."""
    weights = dict(chosen.weights)
    left = deadline - time.time()
    while len(weights) > 1 and AT_LEAST * export_seconds(task, _bytes(kept, weights)) > left:
        del weights[min(weights, key=lambda i: (weights[i], -kept.n_bytes(i)))]
    total = sum(weights.values())
    return {i: weight / total for i, weight in weights.items()}


def ship(
    task: Task, kept: KeptTrials, folder: Path, config: ShipConfig, deadline: float, note: Note
) -> tuple[Ensemble, list[Shipped]]:
    """Write ``folder/model`` (the ensemble) and ``folder/compact`` (one small candidate).

    A model whose files are damaged or whose export is refused is left out, with a note, and the next best is taken.
    ``deadline`` (``time.time()``): members that cannot be shipped by then are left out, compression takes what the
    exports leave of the time, and the compact model is left out when the time is up.
    Where ``kept.goals`` has limits, what is shipped is one model within them; raises ``LimitError`` where nothing is.
    """
    if kept.goals.limits:
        return _ship_within(task, kept, folder, config, deadline, note)
    refused: set[str] = set()
    refit: Refit | None = None
    compression = Compression(task, config.compress, note)
    while True:
        chosen = choose(task, kept, config, note, frozenset(refused))
        affordable = _affordable(task, kept, chosen, deadline)
        if len(affordable) < len(chosen.weights):
            without_largest = refused | {max(chosen.weights, key=kept.n_bytes)}
            chosen = score_of(task, kept, affordable)
            if set(kept.ids()) - without_largest:  # it may have cost several others their place
                others = choose(task, kept, config, note, frozenset(without_largest))
                others = score_of(task, kept, _affordable(task, kept, others, deadline))
                chosen = max(chosen, others, key=lambda one: one.score)
            note("shipped without some of the ensemble's members: no time left")
        exports = export_seconds(task, _bytes(kept, chosen.weights))
        if config.compact:
            small, n_folds = small_near(chosen, kept, refused, config.compress.max_loss)
            small_seconds = export_seconds(task, bytes_of_folds(kept, small, n_folds))
            exports += max(small_seconds, SMALL_SECONDS)
            if refit is None or refit.id != small:
                refit = last_fit(task, kept, small, deadline - small_seconds, note)
        try:
            members = members_of(task, kept, chosen.weights)
            until = compress_until(deadline, exports)
            shipped = [ship_members(task, members, folder / "model", "ensemble", compression, until)]
            for text in shipped[0].remarks:
                note(text)
            break
        except DamagedError as error:
            note(str(error))
            kept.drop(error.trial)
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
            one = members_of(task, kept, {small: 1.0}, n_folds)
            shipped.append(_ship_compact(task, one, kept, shipped[0], compression, until, refit))
        except (DamagedError, ExportError) as error:
            note(f"no compact model: {error}")
    return chosen, shipped


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
            model = ship_members(task, members, folder / "model", "ensemble", compression, until, said, kept.goals)
            return replace(score_of(task, kept, weights), n_folds=n_folds), [model]
        except LimitError as error:
            note(f"not shipped, beyond a limit: {of}: {error}")
            if (excess := kept.goals.excess(error.values)) < nearest[0]:
                nearest = excess, within.nothing_fits(kept.goals, error.values, of)
                values = error.values
        except (DamagedError, ExportError) as error:
            note(f"not shipped: {of}: {error}")
    raise LimitError(nearest[1], values)


def _ship_compact(
    task: Task,
    one: list[Member],
    kept: KeptTrials,
    model: Shipped,
    compression: Compression,
    until: float,
    refit: Refit | None,
) -> Shipped:
    folder = model.path.with_name("compact")
    # A single fold's rows are few: what the trial said about all folds says more, and compares.
    unseen = kept.predictions(one[0].candidate_id)
    compact = ship_members(task, one, folder, "compact", compression, until, unseen, refit=refit)
    if compact.n_bytes >= model.n_bytes:
        shutil.rmtree(folder)
        raise ExportError("none is smaller than the model itself")
    return compact


def ship_members(
    task: Task,
    members: list[Member],
    folder: Path,
    kind: str,
    compression: Compression,
    deadline: float = math.inf,
    unseen: np.ndarray | None = None,
    goals: Goals | None = None,
    refit: Refit | None = None,
) -> Shipped:
    """Compress ``members`` until ``deadline``, write them to ``folder`` and verify what was written.

    ``unseen``: (n, width), what their candidate said before compression, where that is about more rows than the ones
    they can be asked about here. ``refit``: of the one member's candidate; the model it ends with is shipped in the
    place of the member's. What does not export faithfully, by that or by compression, is left out. Raises
    ``ExportError`` as ``package.export`` does, which holds it to the limits of ``goals``.
    """
    before = validation_score(task, members) if unseen is None else mean_score(task, unseen)
    small, change = compression.apply(members, deadline)
    compressed = any(m.compression for m in small)
    scores = Scores(before + change, uncompressed=before) if compressed else Scores(before)
    if refit is not None and (whole := refit.model()) is not None:
        try:
            last = [compression.repeated(small[0], whole, task.data.take(refit.rows))]
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
