"""One search: wires task, space, searcher, runner, leaderboard and export, inside one wall clock."""

import importlib
import math
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from automl import clock, energy, options, portfolio
from automl.assemble import is_network, networks, task_space
from automl.errors import ConfigError, ExportError, TrialError
from automl.export import measure
from automl.export.choose import Ensemble, choose
from automl.export.pace import Pace
from automl.export.ship import choose_within, export_seconds, ship, shipping_seconds
from automl.export.shipped import Shipped
from automl.export.within import nothing_fits
from automl.goals import JOULES
from automl.interrupts import first_one_waits, none_is_lost
from automl.kept import KeptTrials
from automl.leaderboard.records import ArtifactRecord
from automl.leaderboard.store import Store
from automl.limits import KNOWN, KnownSizes
from automl.machine import slowness
from automl.model_store import ModelStore
from automl.proposals import InOrder, Listed, Proposals, Within
from automl.run_folder import RunFolder
from automl.rungs import Rungs
from automl.schedulers import pauses
from automl.search_config import Named, SearchConfig
from automl.searchers._scalarised import Scalarised
from automl.space import Params, Space
from automl.task import Task
from automl.training.objective import FitFolds
from automl.types import Budget, Runner, Searcher, Trial
from automl.validation import Validation

# Within limits, shipping is expected to take as long as the exports of so many of the best: the first may be beyond.
PLANS_TRIED = 2


class View(Protocol):
    """Who watches a search (``automl.progress.Progress``)."""

    def update(self, trial: Trial) -> None:
        """A trial started, reported or ended."""

    def seen(self, trials: list[Trial]) -> None:
        """These trials ended before this process began."""

    def note(self, text: str) -> None:
        """Something worth a line."""

    def phase(self, name: str) -> None:
        """What is being done now."""


@dataclass(frozen=True)
class SearchResult:
    """What a search leaves. ``interrupted``: whether Ctrl-C ended it early."""

    run_id: int
    trials: list[Trial]
    kept: KeptTrials
    ensemble: Ensemble
    shipped: list[Shipped]
    interrupted: bool


class Search:
    """One search, put together and not yet begun. ``runner``: from ``make_runner``; who made it closes it.

    ``only``: the candidates that are tried, in this order; None: those that the searcher proposes. Making one writes
    nothing, and raises ``ConfigError`` for what is wrong with ``config`` for ``task``.
    """

    def __init__(self, task: Task, config: SearchConfig, runner: Runner, only: Sequence[Params] | None = None) -> None:
        self.task, self.config, self.runner = task, config, runner
        space = task_space(task, config.space)
        starts = portfolio.starts(space, task.kind)
        if limits := config.goals.limits:
            self.task = task = replace(task, problem=replace(task.problem, limits=limits))
        known = config.goals.limited_to(KNOWN)
        compresses = bool(config.ship.compress.options)
        self.sizes = KnownSizes(task, known, config.plan.search_until, compresses) if known.limits else None
        if self.sizes is not None:  # to make a network smaller takes seconds at first: others are under way by then
            starts = sorted(starts, key=lambda start: is_network(start["family"], task))
        within = None if self.sizes is None else self.sizes.within
        self.searcher = make_searcher(space, starts, config, task, within) if only is None else Listed(only)

    def run(self, folder: RunFolder, view: View, recorded: Named | None = None) -> SearchResult:
        """Search, then ship the best into ``folder``; ``recorded`` is the configuration kept with the run.

        A folder that is bound to a run goes on with it: its finished trials are replayed into the
        searcher. Raises ``TrialError`` when there is nothing to ship, with the reasons.
        """
        with closing(Store(folder.leaderboard_url)) as store:
            return _Run(self, folder, view, store).to_the_end(recorded or {})


class _Run:
    """A search under way: what became of its trials so far, where it is recorded, who watches."""

    def __init__(self, search: Search, folder: RunFolder, view: View, store: Store) -> None:
        self.task, self.config, self.runner, self.searcher = search.task, search.config, search.runner, search.searcher
        self.asked = search.config  # which a late start gives more time
        self.sizes, self.pace = search.sizes, Pace(search.task) if self.config.export else None
        self.folder, self.view, self.store = folder, view, store
        self.models = ModelStore(folder.models(self.config.store))
        self.kept = KeptTrials(self.models, self.task.valid_rows, self.task.n_rows, self.config.goals)
        self.trials: list[Trial] = []
        self.running: dict[str, Trial] = {}
        self.damaged: list[str] = []  # of what an earlier process left
        # Of how many folds, and how long last fits and exports take of what would be shipped.
        self.chosen: tuple[int, tuple[float, float]] | None = None
        self.warm: threading.Thread | None = None
        self.whole_until = 0.0  # after a late start, a first model may get through its folds until then
        self.interrupted_late = False  # while shipping, which went on

    def to_the_end(self, recorded: Named) -> SearchResult:
        """Try candidates, then ship the best of them."""
        self.models.create()
        run_id = self._open(recorded)
        status, interrupted = "failed", False
        try:
            interrupted = self._try_candidates(run_id)
            result = self._finish(run_id, interrupted)
            status = "interrupted" if interrupted else "finished"
            return result
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            self.store.finish_run(run_id, status)  # type: ignore[arg-type]

    def _open(self, recorded: Named) -> int:
        base = self.task.baseline
        if self.folder.run_id is None:
            run_id = self.store.start_run(
                name=self.folder.name,
                folder=self.folder.path,
                metric=self.task.metric,
                config=recorded,
                task={
                    "kind": self.task.kind,
                    "target": self.task.target.kind,
                    "rows": self.task.n_rows,
                    "folds": len(self.task.splits),
                    "goals": self.config.goals.objectives,
                    "limits": dict(self.config.goals.limits),
                    "baseline": base and base.score,
                    "baseline_folds": base.fold_scores if base else (),
                    "notes": self.task.notes,
                },
                fingerprint=self.task.fingerprint,
                seed=self.task.seed,
                started=self.config.started,
            )
            self.folder = self.folder.bind(run_id)
            Validation.of(self.task).write(self.folder.validation)
            return run_id
        earlier = self.store.run(self.folder.run_id)
        if (earlier.fingerprint, earlier.metric.name) != (self.task.fingerprint, self.task.metric.name):
            raise ConfigError(
                "A run goes on with the data, the folds, the seed and the metric it began with: its scores would not "
                "compare. One of them has changed since; change it back, or start a new run."
            )
        self.store.resume_run(earlier.id)
        self.trials = self.store.trials(earlier.id)
        self.kept.recall(self.trials)
        self.damaged = self.kept.drop_damaged(clock.CHECK_SECONDS)
        for trial in self.trials:
            self.searcher.tell(trial)
        self.view.seen(self.trials)
        self.view.note(f"resumed with {len(self.trials)} finished trials")
        for what in self.damaged:
            self.view.note(what)
        return earlier.id

    def _try_candidates(self, run_id: int) -> bool:
        """Run trials until the budget is spent; return whether Ctrl-C ended it."""
        config = self.config
        left = None if config.trials is None else max(0, config.trials - len(self.trials))
        if left == 0:
            return False
        if not self.trials:
            config = self._with_time_for_one()
        until = config.plan.search_until_from(time.time())
        if until is not None and until != self.asked.plan.search_until:  # after a late start
            self.searcher.extend(until)
        budget = Budget(until, left)
        wanted = tuple(dict.fromkeys(n for n in (*config.goals.measured, *config.measure) if n != JOULES))
        if JOULES in config.goals.objectives and energy.Meter().joules is None:
            self.view.note("the goal 'joules' is not known here: this machine does not say what energy it uses")
        measured = partial(measure.measured, names=wanted) if wanted else None
        objective = FitFolds(self.task, self.models, measured, config.deterministic, space=self.searcher.space)
        self.view.phase("searching")
        interrupted = False
        try:
            with closing(self.runner.run(objective, self.searcher, config.scheduler, budget)) as running:
                try:
                    with none_is_lost() as check:
                        self._follow(running, run_id, check)
                except KeyboardInterrupt:
                    interrupted = self._told()
        except KeyboardInterrupt:  # while the workers end
            if interrupted:
                raise
            interrupted = self._told()
        if interrupted:  # maybe between a trial's record and its place among the trials
            self.trials = self.store.trials(run_id)
        if not config.deterministic:  # else it runs again, to the same end, when the run goes on
            self._record_running(run_id)
        if interrupted:
            self.kept.recall(self.trials)
        return interrupted

    def _with_time_for_one(self) -> SearchConfig:
        """Return the configuration, which from now on has time for a first model, and say what that is beyond it."""
        plan = self.config.plan
        if plan.seconds is not None and plan.missing_from(time.time()):
            slow = slowness()
            beyond = plan.missing_from(time.time(), slow)
            self.config = replace(self.config, seconds=plan.seconds + beyond)
            self.whole_until = time.time() + clock.FIRST_FOLDS_SECONDS * slow
            self.view.note(f"little time is left: a first model may take {math.ceil(beyond)} s beyond the budget")
        return self.config

    def _record_running(self, run_id: int) -> None:
        """Record what was being tried as far as it got."""
        recorded = {t.candidate.id for t in self.trials}
        for id, trial in self.running.items():
            if id not in recorded and trial.folds:
                self._record(run_id, replace(trial, status="stopped") if trial.status == "running" else trial)

    def _follow(self, running: Iterator[Trial], run_id: int, check_interrupts: Callable[[], None]) -> None:
        """Keep what the trials leave, until they end or it is time to ship."""
        for trial in running:
            check_interrupts()
            self.store.check_lease(run_id)
            self.running[trial.candidate.id] = trial
            if trial.status != "running":
                self._record(run_id, trial)
                del self.running[trial.candidate.id]
            elif len(trial.folds) > 1 and self.config.export:  # it goes on: it may be shipped as far as it gets
                self._warm_up(trial)
            self.view.update(trial)
            if time.time() >= (max(self._ship_at(), self.whole_until) if self.kept.ids() else self._wait_until()):
                return

    def _record(self, run_id: int, trial: Trial) -> None:
        """Put an ended trial on the leaderboard; what it has left is in the store already."""
        self.store.add_trial(run_id, trial)
        self.trials.append(trial)
        if self.kept.offer(trial) and self.config.export:
            self._warm_up(trial)

    def _warm_up(self, trial: Trial) -> None:
        """Import what shipping a network takes while trials run: it would be two seconds of shipping's time."""
        if self.warm is None and is_network(trial.candidate.family, self.task):
            self.warm = threading.Thread(target=importlib.import_module, args=("automl.training.torch_onnx",))
            self.warm.start()

    def _told(self) -> bool:
        self.view.note("interrupted: shipping the best so far (Ctrl-C again to leave without)")
        return True

    def _ship_at(self) -> float:
        """Return when shipping has to begin. What would be shipped is only chosen when it matters."""
        plan = self.config.plan
        most = plan.most_refitting if self.config.ship.refit else 0.0
        if time.time() < (earliest := plan.ship_at(math.inf, math.inf)):
            return earliest
        if self.config.goals.limits:
            tried = self.kept.ids()[:PLANS_TRIED]
            return plan.ship_at(export_seconds(self.task, sum(map(self.kept.n_bytes, tried))))
        running = list(self.running.values())
        n_folds = sum(len(trial.folds) for trial in (*self.trials, *running))
        known = self.chosen
        if not known or (known[0] != n_folds and time.time() > plan.ship_at(*known[1]) - clock.CHOOSING_SECONDS):
            would_be = self.kept.beside(running)
            try:
                weights = choose(self.task, would_be, self.config.ship, lambda text: None).weights
            except ExportError:  # nothing is there yet
                return plan.ship_at(clock.LEAST_EXPORT_SECONDS)
            self.chosen = known = n_folds, shipping_seconds(self.task, would_be, weights, self.pace, most)
        return plan.ship_at(*known[1])

    def _wait_until(self) -> float:
        """Return until when a first model is waited for: as long as it could still be exported."""
        last = self.config.plan.export_until
        return math.inf if last is None else last - clock.EXPORT_SECONDS

    def _finish(self, run_id: int, interrupted: bool) -> SearchResult:
        self.store.check_lease(run_id)
        if not self.kept.ids():
            if interrupted:
                raise KeyboardInterrupt("interrupted before any model was ready")
            reasons = no_model_reasons(self.trials, self.asked, self.sizes)
            raise TrialError(" ".join([*self.damaged, reasons]))
        if self.config.export:
            ensemble, shipped = self._ship(interrupted)
        else:
            chosen = choose_within if self.config.goals.limits else choose
            ensemble, shipped = chosen(self.task, self.kept, self.config.ship, self.view.note), []
        self.store.save_ensemble(run_id, list(ensemble.weights.items()), ensemble.score)
        if self.config.export:
            self.store.save_artifacts(run_id, [_artifact(one) for one in shipped])
            if not any(one.kind == "compact" for one in shipped):  # what lies there was shipped earlier
                shutil.rmtree(self.folder.path / "compact", ignore_errors=True)
        return SearchResult(run_id, self.trials, self.kept, ensemble, shipped, interrupted or self.interrupted_late)

    def _ship(self, interrupted: bool) -> tuple[Ensemble, list[Shipped]]:
        self.view.phase("ensembling, compressing and exporting")
        deadline = self.config.plan.ship_until(interrupted)
        config = replace(self.config.ship, refit=False) if interrupted else self.config.ship
        shipping = partial(
            ship, self.task, self.kept, self.folder.path, config, deadline, self.view.note, pace=self.pace
        )
        if interrupted:  # and told that a second time leaves without
            return shipping()
        with first_one_waits(self._told_late):
            return shipping()

    def _told_late(self) -> None:
        self.interrupted_late = True
        self.view.note("interrupted: the best is being shipped (again to leave without)")


def make_searcher(
    space: Space, starts: Sequence[Params], config: SearchConfig, task: Task, within: Within | None = None
) -> Proposals:
    """Return the configured searcher's proposals, with ``starts`` in front of them, all of them ``within`` the limits.

    Networks climb rungs where the search has a deadline, but for tables, where folds tell candidates apart.
    """

    def make(part: Space, n: int) -> Searcher:
        def plain(i: int = 0) -> Searcher:
            return options.make("searchers", config.searcher, part, task.seed + n + 1000 * i)

        return plain() if len(config.goals.objectives) == 1 else Scalarised(plain, config.goals)

    common: dict[str, Any] = {"starts": starts, "seed": task.seed, "within": within, "goals": config.goals}
    until = config.plan.search_until
    if config.deterministic:
        return InOrder(make, space, **common)
    by_folds = task.kind == "table" or pauses(config.scheduler)
    climbing = [] if by_folds else networks(space, task)
    if until is not None and climbing:
        n_folds = len(task.splits)
        known = portfolio.named(space, task.kind)
        return Rungs(make, space, **common, known=known, deadline=until, climbing=climbing, n_folds=n_folds)
    return Proposals(make, space, **common, deadline=until)


def no_model_reasons(trials: list[Trial], config: SearchConfig, sizes: KnownSizes | None = None) -> str:
    """Say why a search has nothing to ship. ``sizes``: what kept candidates within limits."""
    beyond = [trial for trial in trials if config.goals.excess(trial.values) > 1]
    if beyond:
        nearest = min(beyond, key=lambda trial: config.goals.excess(trial.values))
        return nothing_fits(config.goals, nearest.values, f"trial {nearest.candidate.id}")
    if sizes is not None and sizes.nearest and not any(trial.folds for trial in trials):
        return nothing_fits(config.goals, sizes.nearest, "a network that was not trained")
    reasons = Counter(t.failure for t in trials if t.failure)
    if not reasons:
        return (
            f"No trial got far enough to give a model (budget.seconds={config.seconds}). Raise the budget, or turn "
            "slow families off (space.tables.<family>=off)."
        )
    told = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(10))
    return f"No model: all {len(trials)} trials ended without one. The reasons: {told}"


def _artifact(shipped: Shipped) -> ArtifactRecord:
    scores, latency = shipped.scores, shipped.latency
    return ArtifactRecord(
        path=str(shipped.path),
        kind=shipped.kind,  # type: ignore[arg-type]
        n_bytes=shipped.n_bytes,
        row_p50_ms=latency.row_p50,
        row_p95_ms=latency.row_p95,
        batch_p50_ms=latency.batch_p50,
        batch_p95_ms=latency.batch_p95,
        score=scores.validation if scores.uncompressed is None else scores.uncompressed,
        compressed_score=scores.validation,
        test_score=scores.test,
        verified=True,
        candidates=tuple(dict.fromkeys(m["trial"] for m in shipped.members)),
        details={"parity": shipped.parity, "members": shipped.members, "remarks": shipped.remarks},
    )
