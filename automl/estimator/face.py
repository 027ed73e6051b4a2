"""``AutoML``: its parameters, ``fit``, and what a fitted one is asked."""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from automl import files
from automl.estimator import exporting, given, parameters
from automl.estimator.explained import ExplainedEstimator
from automl.estimator.fitted import Fitted
from automl.estimator.sklearn_side import ScikitLearnSide
from automl.export.shipped import Shipped
from automl.goals import SCORE
from automl.leaderboard import report
from automl.leaderboard.plots import Plots
from automl.progress import Progress
from automl.search import Search
from automl.search_config import SearchConfig, make_runner
from automl.task import Task
from automl.types import Runner


def _may_classify(estimator: "AutoML") -> bool:
    return estimator._estimator_type() != "regressor"


class AutoML(ExplainedEstimator, ScikitLearnSide):
    """Searches family, architecture, loss, optimizer, features and hyperparameters for a table,
    images, sequences or text. The kind of target is inferred; ``AutoMLClassifier`` and
    ``AutoMLRegressor`` fix it.

    Parameters
    ----------
    seconds: wall clock of ``fit``; None for no limit (then ``trials`` is needed).
    trials: how many candidates are tried at most; None for no limit.
    metric: a name ("roc_auc", "log_loss", "rmse", ...), a scikit-learn scorer, or a function
        ``f(y, prediction)`` that is greater for the better. "auto": ROC AUC for two classes, log loss
        for more, RMSE for values.
    seed: of everything random.
    deterministic: whether the trials are the same with any number of workers; needs ``trials``.
    runner, searcher, scheduler: a name, or a mapping ``{"name": ..., **options}``.
    space: overrides in the form of ``automl space``, e.g. ``{"tables": {"svm": "off"}}``, or a YAML file of them.
    kind: of the data: "table", "image", "sequence", "text", or "auto".
    quantiles: of a target of numbers, those that are predicted in place of a value, as in [0.1, 0.5, 0.9]: ``predict``
        then returns a column for each, ascending, and the metric is the mean of their pinball losses.
    roles: column -> "numeric", "categorical", "boolean", "datetime", "text" or "dropped".
    folds: a number of folds, the share of one holdout, or "auto".
    max_members: how many different candidates the ensemble may have.
    max_loss: the relative loss of score that compression may cost, where ``export`` is asked to compress.
    drop, missing, decimal, levels, rows: columns not to use, words that are missing, the mark of numbers that can be
        read in two ways, "hashed" where the model must not hold the values of categories, and how many rows are used,
        chosen at random ("auto": as many as there is time for); as ``automl.data.options`` says.
    plugins: options of one's own by import path, e.g. ``{"losses": ["my_package.my_loss"]}``.
    goals: what orders the trials: ("score", "bytes", "row_ms") measures the others too.
    limits: the largest that the model may be, e.g. {"bytes": 200_000, "row_ms": 2, "parameters": 100_000}; what neither
        ``predict`` nor an export exceeds. Of "bytes" and "row_ms" that is checked when it is exported.
    run_dir: a new folder for the run, with its leaderboard beside it; default: a temporary one.
    warm_start: whether ``fit`` goes on with the run that is in ``run_dir``, on the same data: its trials count among
        ``trials``, and its seconds begin anew.
    trust: go on with it though it belongs to another user: what it names or has pickled is code.
    verbose: 0 is silent, 1 shows the live view.

    Attributes
    ----------
    classes_: (n_classes,) labels (classification). n_features_in_, feature_names_in_: as in
    scikit-learn. score_: the ensemble's validation score in the metric's usual sign.
    weights_: candidate id -> weight in the ensemble. refitted_: candidate id -> its model that was fitted on all rows
    in the end, where it has one; it answers beside its fold models. notes_: what was inferred from the data, and what
    has to be known of the model. decision_: (n_classes,) weights of the classes by which ``predict`` decides, where a
    metric of labels asks for it, else None. fitted_: all of it in one piece, with the models and the leaderboard.
    """

    def __init__(
        self,
        seconds: float | None = 600,
        trials: int | None = None,
        metric: Any = "auto",
        seed: int = 0,
        runner: str | Mapping[str, Any] = "auto",
        space: Mapping[str, Any] | str | os.PathLike[str] | None = None,
        searcher: str | Mapping[str, Any] = "tpe",
        scheduler: str | Mapping[str, Any] = "halving",
        *,
        deterministic: bool = False,
        kind: str = "auto",
        quantiles: Sequence[float] = (),
        roles: Mapping[str, str] | None = None,
        folds: int | float | str = "auto",
        max_members: int = 5,
        max_loss: float = 0.005,
        drop: Sequence[str] = (),
        missing: Any = "auto",
        decimal: str | Mapping[str, str] = "auto",
        levels: str = "plain",
        rows: int | str = "auto",
        plugins: Mapping[str, Sequence[str]] | None = None,
        goals: Sequence[str] = (SCORE,),
        limits: Mapping[str, float] | None = None,
        run_dir: str | None = None,
        warm_start: bool = False,
        trust: bool = False,
        verbose: int = 0,
    ) -> None:
        self.seconds = seconds
        self.trials = trials
        self.metric = metric
        self.seed = seed
        self.runner = runner
        self.space = space
        self.searcher = searcher
        self.scheduler = scheduler
        self.deterministic = deterministic
        self.kind = kind
        self.quantiles = quantiles
        self.roles = roles
        self.folds = folds
        self.max_members = max_members
        self.max_loss = max_loss
        self.drop = drop
        self.missing = missing
        self.decimal = decimal
        self.levels = levels
        self.rows = rows
        self.plugins = plugins
        self.goals = goals
        self.limits = limits
        self.run_dir = run_dir
        self.warm_start = warm_start
        self.trust = trust
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        lengths: Any = None,
        *,
        groups: Any = None,
        order: Any = None,
        validation: tuple[Any, ...] | None = None,
    ) -> "AutoML":
        """Search on (X, y). ``X``: a frame, (n, p) array or sparse matrix, (n,) texts, (n, h, w[, c])
        images or (n, steps, channels) sequences; ``y``: (n,); ``sample_weight``: (n,), rows of
        weight 0 are left out; ``lengths``: (n,) steps of each sequence, default all.

        ``groups``: (n,), or a column of X: rows of one group are never on both sides of a split. ``order``: likewise,
        to validate always on later rows. ``validation``: (X, y) or (X, y, lengths), the rows to validate on instead.
        Raises ``DataError``, ``ConfigError``, ``TrialError``.
        """
        started = time.time()
        parameters.check(self)
        config = parameters.search_config(self, started)
        self._forget()
        with closing(make_runner(config)) as runner:
            runner.start()
            # A run that may be gone on with reads all: how much there is time for differs from one time to the next.
            until = None if self.warm_start or config.deterministic else config.plan.read_until()
            beside = {"sample_weight": sample_weight, "lengths": lengths, "group": groups, "order": order}
            task = given.read_task(self, X, y, self._target_kind, validation, until=until, **beside)
            self._keep(self._search(task, given.classes_of(task, y), config, runner))
        return self

    def predict(self, X: Any, lengths: Any = None) -> np.ndarray:
        """Return (n,) labels, (n,) values, or (n, n_quantiles), ascending in each row.

        ``lengths``: (n,) steps of each sequence, default all.
        """
        answer = self._answer(X, lengths)
        return self.fitted_.decided(answer)

    @available_if(_may_classify)
    def predict_proba(self, X: Any, lengths: Any = None) -> np.ndarray:
        """Return (n, n_classes) probabilities in the order of ``classes_``; ``lengths`` as in ``predict``."""
        return self._answer(X, lengths)

    def score(self, X: Any, y: Any, sample_weight: Any = None, lengths: Any = None) -> float:
        """Return accuracy, or R² for a regression, as scikit-learn's estimators do; ``lengths`` as in ``predict``.

        Of quantiles, the share of the pinball loss of the quantiles of ``y`` itself that is saved, as R² is one of
        squared errors (D²: Koenker and Machado 1999).
        """
        answer = self._answer(X, lengths)
        return self.fitted_.score_of(answer, y, sample_weight)

    def leaderboard(self) -> pd.DataFrame:
        """Return the trials as a frame, best first."""
        check_is_fitted(self)
        return report.frame(self.fitted_.board)

    @property
    def plot(self) -> Plots:
        """Pictures of the search as Plotly figures: ``plot.leaderboard()``, ``.scores()``, ``.curves()``, ``.front()``,
        ``.importance()``, ``.parallel()``, ``.timeline()``; and ``.network()``, a diagram.
        """
        check_is_fitted(self)
        return Plots(self.fitted_.board, self.fitted_.network)

    def export(self, path: str | Path, compact: bool = False, compress: bool = False) -> Shipped:
        """Write and verify a model folder at ``path`` that predicts what this estimator does; return what was measured.

        ``compress``: make it as small as ``max_loss`` allows; it then predicts a little differently.
        ``compact``: the first candidate alone instead of the ensemble, compressed; fitted on all rows where its family
        can be.
        Raises ``ConfigError`` when ``path`` exists, ``ExportError`` when nothing exports faithfully, ``DataError`` when
        an estimator that was pickled is to be made smaller.
        """
        check_is_fitted(self)
        goals = parameters.goals(self)
        return exporting.export(self.fitted_, Path(path), goals, self.max_loss, compact=compact, compress=compress)

    def _search(self, task: Task, classes: np.ndarray | None, config: SearchConfig, runner: Runner) -> Fitted:
        """Search in the folder of a run; return what it leaves."""
        search = Search(task, config, runner)
        with files.scratch(Path(tempfile.gettempdir()), "automl-") as scratch:
            folder = parameters.folder_of_run(self, scratch)
            with Progress(
                seconds=self.seconds,
                trials=self.trials,
                metric=task.metric,
                quiet=not self.verbose,
                started=config.started,
                folds=len(task.splits),
                goals=config.goals,
            ) as view:
                result = search.run(folder, view)
            return Fitted.of(task, classes, result, config, folder.leaderboard_url)

    def _forget(self) -> None:
        """Remove what an earlier fit left: none of it may stand beside what this one leaves."""
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)

    def _keep(self, fitted: Fitted) -> None:
        """Show what was fitted as scikit-learn's estimators do."""
        self.fitted_, self.task_ = fitted, fitted.task
        self.members_, self.weights_, self.refitted_ = fitted.members, fitted.weights, fitted.refitted
        self.score_, self.decision_ = fitted.score, fitted.decision
        self.notes_, self.board_ = fitted.notes, fitted.board
        if fitted.classes is not None:
            self.classes_ = fitted.classes


class AutoMLClassifier(ClassifierMixin, AutoML):
    """``AutoML`` whose target is a class, whatever its type. Parameters as for ``AutoML``."""

    _target_kind = "classification"
    score = AutoML.score  # the mixin's comes first otherwise


class AutoMLRegressor(RegressorMixin, AutoML):
    """``AutoML`` whose target is a value. Parameters as for ``AutoML``."""

    _target_kind = "regression"
    score = AutoML.score
