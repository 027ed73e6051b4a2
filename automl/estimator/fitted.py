"""What a search leaves an estimator: the models that answer together, and what has to be known of them."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.metrics import r2_score

from automl.assemble import build
from automl.data import rows
from automl.data.classes import class_codes
from automl.decision import labels
from automl.errors import ConfigError, DataError, unknown_name
from automl.explain.mixed import Subject
from automl.export.member import Member, members_of, predict, to_onnx, validation_prediction
from automl.export.refit import Refits, Refitted, Unfitted, joined, unfitted
from automl.export.remarks import remarks
from automl.figures.network import Diagram
from automl.formulas import MeanPinball
from automl.leaderboard.records import Board
from automl.leaderboard.store import Store
from automl.runtime.arrays import as_array
from automl.runtime.printable import printable
from automl.search import SearchResult
from automl.search_config import SearchConfig
from automl.task import Task
from automl.training.torch_model import TorchModel


@dataclass(frozen=True)
class Fitted:
    """The models of an estimator, their task, and how the search for them went.

    ``classes``: (n_classes,) labels in the type of ``y``, None for values. ``weights``: candidate id -> its weight.
    ``members``: the fold models of these; ``refitted``: candidate id -> its model that was fitted on all rows, which
    answers beside them. ``score``: of validation, in the metric's usual sign. ``decision``: (n_classes,) weights of the
    classes that labels are decided by, None where the metric asks for none. ``notes``: what has to be known, in words.
    """

    task: Task
    classes: np.ndarray | None
    weights: Mapping[str, float]
    members: Sequence[Member]
    refitted: Mapping[str, Refitted]
    score: float
    decision: np.ndarray | None
    notes: tuple[str, ...]
    board: Board

    @classmethod
    def of(
        cls, task: Task, classes: np.ndarray | None, result: SearchResult, config: SearchConfig, leaderboard: str
    ) -> "Fitted":
        """Take what a search left out of its folder, which may be a temporary one, and fit on all rows what can be.

        ``leaderboard``: the URL of the run's database.
        """
        weights = dict(result.ensemble.weights)
        members = members_of(task, result.kept, weights, result.ensemble.n_folds)
        quick = result.interrupted or config.goals.limits
        candidates = [] if quick else unfitted(task, result.kept, weights)
        refitted = fit_on_all(task, candidates, config.plan.ship_until(result.interrupted))
        unseen = validation_prediction(task, members)
        with Store(leaderboard, read_only=True) as store:
            board = store.board(result.run_id)
        return cls(
            task=task,
            classes=classes,
            weights=weights,
            members=members,
            refitted=refitted,
            score=task.metric.shown(result.ensemble.score),
            decision=task.metric.decide(task.data.y, unseen, task.data.weights),
            notes=(*task.notes, *remarks(task, unseen)),
            board=board,
        )

    @property
    def together(self) -> list[Member]:
        """The models that answer: those of folds, and those that were fitted on all rows."""
        return joined(self.members, self.refitted)

    def answer(self, x: Any, lengths: Any = None) -> np.ndarray:
        """Return (n, width) probabilities, values or quantiles for rows that are named as in the task."""
        return predict(self.task, self.together, rows(self.task.schema, x, lengths))

    def decided(self, answer: np.ndarray) -> np.ndarray:
        """Return (n,) labels, (n,) values, or (n, n_quantiles), ascending in each row, for what ``answer`` returns."""
        if self.task.target.quantiles:
            return np.sort(answer, axis=1)  # averages of sorted rows are sorted but for their rounding
        return answer[:, 0] if self.classes is None else self.classes[labels(answer, self.decision)]

    def score_of(self, answer: np.ndarray, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of what ``answer`` returns, R² of values, or of quantiles what is saved of their loss."""
        if self.task.target.is_classification:
            # As in ``fit``, a class may be typed in several ways; and scikit-learn's accuracy takes no 0.5 and 1.5.
            expected = class_codes(self.task.schema.classes, as_array(np.ravel(y)))
            return float(np.average(labels(answer, self.decision) == expected, weights=sample_weight))
        if quantiles := self.task.target.quantiles:
            values = np.asarray(y, np.float64).ravel()
            of_constant = np.tile(self.task.target.constant(values, sample_weight), (len(values), 1))
            loss = MeanPinball(quantiles)
            return 1 - loss(values, answer, sample_weight) / loss(values, of_constant, sample_weight)
        return float(r2_score(y, answer[:, 0], sample_weight=sample_weight))

    @property
    def subject(self) -> Subject:
        """The model as what is explained."""
        return Subject(self.task.schema.to_dict(), self.answer, lambda: to_onnx(self.task, self.together))

    def network(self, trial: str | None) -> Diagram:
        """Return the diagram of a trial's network, or of the best one in the ensemble."""
        for member in sorted(self.members, key=lambda member: -member.weight):
            if trial in (None, member.candidate_id) and isinstance(member.model.model, TorchModel):
                return member.model.model.diagram()
        if trial is None:
            raise ConfigError("No model of the ensemble is a network; plot.network(TRIAL) shows that of a trial.")
        known = {one.candidate.id: one.candidate for one in self.board.trials}
        if trial not in known:
            raise unknown_name("trial", trial, known)
        made = build(known[trial].params, self.task.problem)
        if not isinstance(made.model, TorchModel) or made.steps:
            raise ConfigError(
                f"Trial {trial} ({known[trial].family}) is no network, or has steps before it that were not kept."
            )
        return made.model.diagram(self.task.data.x)

    def need_rows(self, what: str) -> None:
        """Raise ``DataError`` where the training rows are gone; ``what``: takes them, as the subject and the verb."""
        if not self.task.has_rows:
            raise DataError(
                f"A pickled estimator holds no training rows, and {what} them. Do it before it is pickled, or give "
                "rows where they are taken."
            )

    def without_rows(self) -> "Fitted":
        """Return the same with those training rows alone that an export is replayed on."""
        return replace(self, task=self.task.without_rows())


def fit_on_all(task: Task, candidates: Sequence[Unfitted], until: float) -> dict[str, Refitted]:
    """Fit candidates on all rows until then; return the models that there are, and warn of those that fail."""
    return Refits(task, candidates, until, lambda text: warnings.warn(printable(text), stacklevel=2)).models()
