"""Last fits, of candidates whose models need no validation rows: on all rows, as long as their fold models' fits.

A fold model has not seen the rows of its validation part. One that has seen them too, with nothing left to stop by, is
about as good as all fold models together (AutoGluon's ``refit_full``: Erickson et al., 2020, arXiv:2003.06505), and
together with them better than either: it knows more rows, they are several.
Its score stays that of the fold models, on rows that they had not seen.
"""

import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from automl.assemble import build
from automl.clock import AT_LEAST
from automl.errors import with_type
from automl.export.member import Member
from automl.kept import KeptTrials
from automl.machine import n_cores
from automl.space import Params
from automl.task import Task
from automl.training.pipeline import Pipeline
from automl.types import Trial

# Fewer rows more than a fold model has seen are not worth a fit.
LEAST_GROWTH = 1.02
# What the model that was fitted on all rows has of its candidate's weight beside all fold models: so much for each time
# that its rows are more than theirs (of eight folds .43, of five .75), and no more than is known to be good. On
# seven tables of 13,000 to 76,000 rows and five folds, an ensemble of trees and networks loses .3 % less with it in the
# median, 2.6 % less at best and never more; with nothing but such models .3 and 3.1 %, but a candidate alone up to 14 %
# more. On eight tables of 500 to 8,400 rows and eight folds, as much in the median, 3.8 % less at best and .7 % more at
# worst (1 - AUC, or the loss), with nothing but such models 7.9 and 2: where rows are few, it takes several models.
SHARE_OF_GROWTH, MOST_SHARE = 3.0, 0.75


@dataclass(frozen=True)
class Unfitted:
    """A candidate to fit on all rows. ``models``: loads its fold models, of ``folds``; ``seconds``: a fold's fit."""

    id: str
    params: Params
    folds: Sequence[int]
    models: Callable[[], Sequence[Pipeline]]
    seconds: float

    def growth(self, task: Task) -> float:
        """Return how many times the rows of its fold models there are to learn from."""
        return len(task.training_rows) * len(self.folds) / sum(len(task.splits[fold][0]) for fold in self.folds)

    def seconds_on_all(self, task: Task) -> float:
        """Return about how long its last fit takes."""
        return self.seconds * self.growth(task)


@dataclass(frozen=True)
class Refitted:
    """A model that was fitted on all rows. ``growth``: how many times as many as its fold models."""

    model: Pipeline
    growth: float

    @property
    def share(self) -> float:
        """What it has of its candidate's weight beside these."""
        return min(MOST_SHARE, SHARE_OF_GROWTH * (self.growth - 1))


def unfitted(task: Task, kept: KeptTrials, ids: Collection[str]) -> list[Unfitted]:
    """Return the kept trials among ``ids`` that can be fitted on more rows than a fold has, in their order."""
    found = [_unfitted(kept, kept.trial(id)) for id in ids]
    return [one for one in found if one.growth(task) >= LEAST_GROWTH and kept.refits(one.id)]


def _unfitted(kept: KeptTrials, trial: Trial) -> Unfitted:
    id, folds = trial.candidate.id, [ref.fold for ref in trial.folds]

    def models() -> list[Pipeline]:
        return [kept.model(id, fold) for fold in folds]

    return Unfitted(id, trial.candidate.params, folds, models, trial.seconds / len(folds))


def of_members(members: Sequence[Member], params: Params) -> Unfitted:
    """Return the candidate whose fold models, all in memory, are ``members``; ``params``: what it was built from."""
    first = members[0]
    folds = [member.fold for member in members if member.fold is not None]
    return Unfitted(first.candidate_id, params, folds, lambda: [member.model for member in members], first.seconds)


def seconds_for(task: Task, candidates: Sequence[Unfitted]) -> float:
    """Return about how long the last fits of candidates take on all cores together."""
    each = [one.seconds_on_all(task) for one in candidates]
    return max(max(each), sum(each) / n_cores()) if each else 0.0


def affordable(task: Task, candidates: Sequence[Unfitted], seconds: float) -> list[Unfitted]:
    """Return those of the candidates that are fitted in ``seconds``, the first ones first."""
    chosen: list[Unfitted] = []
    for one in candidates:
        if seconds_for(task, [*chosen, one]) <= seconds:
            chosen.append(one)
    return chosen


class Refits:
    """Candidates, each fitted on all rows that any fold is trained on, in threads of this process.

    ``at_once``: how many of them, in their order; default: one on each core. Each has one core: the threads of
    LightGBM, begun from a thread of Python, wait for each other (two take twice as long as one). They are given up at
    ``until`` (``time.time()``); what would take longer is not begun.
    """

    def __init__(
        self,
        task: Task,
        candidates: Sequence[Unfitted],
        until: float,
        note: Callable[[str], None],
        at_once: int | None = None,
    ) -> None:
        n_threads = min(at_once or n_cores(), len(candidates))
        self.task = task.on_threads(1)
        self.until, self.note = until, note
        self.failed: set[str] = set()
        self._models: dict[str, Refitted] = {}
        self._waiting: queue.SimpleQueue[Unfitted] = queue.SimpleQueue()
        for one in candidates:
            self._waiting.put(one)
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(n_threads)]
        for thread in self._threads:
            thread.start()

    def models(self) -> dict[str, Refitted]:
        """Wait for the models; return those that there are, by candidate.

        A candidate has none where its family fits none without validation rows, or the time did not do.
        """
        for thread in self._threads:
            thread.join(min(max(0.0, self.until - time.time()), threading.TIMEOUT_MAX))
        return dict(self._models)

    def _run(self) -> None:
        while True:
            try:
                one = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._fit(one)
            except Exception as error:  # the fold models are there
                self.failed.add(one.id)
                self.note(f"trial {one.id} could not be fitted on all rows: {with_type(error)}")

    def _fit(self, one: Unfitted) -> None:
        if time.time() + AT_LEAST * one.seconds_on_all(self.task) >= self.until:
            return
        model = build(one.params, self.task.problem)
        growth = one.growth(self.task)
        for _ in model.refit(self.task.training_data, one.models(), growth):
            if time.time() >= self.until:
                return
        self._models[one.id] = Refitted(model, growth)


def joined(members: Sequence[Member], fitted: Mapping[str, Refitted], instead: bool = False) -> list[Member]:
    """Return ``members`` with the models of their candidates that were fitted on all rows.

    Each has its ``share`` of its candidate's weight; all of it where it is there ``instead`` of the fold models. As no
    row is unseen by it, it says nothing about rows, and it stands as compressed as the first fold model is.
    """
    found = []
    for id in dict.fromkeys(m.candidate_id for m in members):
        own = [m for m in members if m.candidate_id == id]
        if id not in fitted:
            found += own
            continue
        share = 1.0 if instead else fitted[id].share
        found += [replace(m, weight=m.weight * (1 - share)) for m in own if share < 1]
        weight, nothing = share * sum(m.weight for m in own), own[0].prediction[:0]
        whole = replace(own[0], model=fitted[id].model, fold=None, weight=weight, index=own[0].index[:0])
        found.append(replace(whole, prediction=nothing))
    return found
