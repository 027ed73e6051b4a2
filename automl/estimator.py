"""The scikit-learn face: ``AutoML(seconds=600).fit(X, y)``."""

import os
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import r2_score
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from automl import files, metrics, run_folder, space_file
from automl.assemble import SpaceConfig, build
from automl.clock import UNHURRIED_SECONDS
from automl.data import from_arrays, rows
from automl.data.source import named_columns, to_array
from automl.data.target import class_codes
from automl.decision import labels
from automl.errors import ConfigError, DataError, unknown_name
from automl.explain.face import Explained
from automl.explain.mixed import Subject
from automl.explain.task_rows import out_of_fold
from automl.export.compress import Compression
from automl.export.config import CompressConfig, ShipConfig
from automl.export.member import Member, members_of, normalised, predict, to_onnx, validation_prediction
from automl.export.refit import Refits, Refitted, joined, of_members, unfitted
from automl.export.remarks import remarks
from automl.export.ship import ship_members
from automl.export.shipped import Shipped
from automl.figures.network import Diagram
from automl.formulas import MeanPinball
from automl.goals import SCORE, Goals, limits_of
from automl.leaderboard import report
from automl.leaderboard.plots import Plots, summary
from automl.leaderboard.store import Store
from automl.metrics import Metric
from automl.options import flag, named, number
from automl.progress import Progress
from automl.runtime.arrays import as_array
from automl.runtime.printable import printable
from automl.search import Search, SearchResult
from automl.search_config import SearchConfig, make_runner
from automl.training.torch_model import TorchModel

_PARAMETER_TYPES: tuple[tuple[tuple[str, ...], tuple[type, ...], str], ...] = (
    (("runner", "searcher", "scheduler"), (str, Mapping), "a name, or a mapping with a name and options"),
    (("space",), (Mapping, str, os.PathLike, type(None)), "a mapping, the path of a file that holds one, or None"),
    (("roles", "plugins", "limits"), (Mapping, type(None)), "a mapping, or None"),
    (("goals",), (list, tuple), "a list of names"),
    (("run_dir",), (str, os.PathLike, type(None)), "a path, or None"),
)


def _may_classify(estimator: "AutoML") -> bool:
    return estimator._estimator_type() != "regressor"


class AutoML(Explained, BaseEstimator):
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
    metric of labels asks for it, else None.
    """

    _target_kind = "auto"

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
        self._check_parameters()
        config = self._config(started)
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)  # nothing of an earlier fit may be left beside this one's
        with closing(make_runner(config)) as runner:
            runner.start()
            # A run that may be gone on with reads all: how much there is time for differs from one time to the next.
            until = None if self.warm_start or config.deterministic else config.plan.read_until()
            self._read(X, y, sample_weight, lengths, group=groups, order=order, validation=validation, until=until)
            ready = Search(self.task_, config, runner)
            with files.scratch(Path(tempfile.gettempdir()), "automl-") as scratch:
                folder = self._folder(scratch)
                with Progress(
                    seconds=self.seconds,
                    trials=self.trials,
                    metric=self.task_.metric,
                    quiet=not self.verbose,
                    started=started,
                    folds=len(self.task_.splits),
                    goals=config.goals,
                ) as view:
                    result = ready.run(folder, view)
                self._keep(result, folder, config.plan.ship_until(result.interrupted))
        return self

    def predict(self, X: Any, lengths: Any = None) -> np.ndarray:
        """Return (n,) labels, (n,) values, or (n, n_quantiles), ascending in each row.

        ``lengths``: (n,) steps of each sequence, default all.
        """
        prediction = self._predict(X, lengths)
        if self.task_.target.quantiles:
            return np.sort(prediction, axis=1)  # averages of sorted rows are sorted but for their rounding
        if not self.task_.target.is_classification:
            return prediction[:, 0]
        return self.classes_[labels(prediction, self.decision_)]

    @available_if(_may_classify)
    def predict_proba(self, X: Any, lengths: Any = None) -> np.ndarray:
        """Return (n, n_classes) probabilities in the order of ``classes_``; ``lengths`` as in ``predict``."""
        return self._predict(X, lengths)

    def score(self, X: Any, y: Any, sample_weight: Any = None, lengths: Any = None) -> float:
        """Return accuracy, or R² for a regression, as scikit-learn's estimators do; ``lengths`` as in ``predict``.

        Of quantiles, the share of the pinball loss of the quantiles of ``y`` itself that is saved, as R² is one of
        squared errors (D²: Koenker and Machado 1999).
        """
        prediction = self._predict(X, lengths)
        if self.task_.target.is_classification:
            # As in ``fit``, a class may be typed in several ways; and scikit-learn's accuracy takes no 0.5 and 1.5.
            expected = class_codes(self.task_.schema.classes, as_array(np.ravel(y)))
            return float(np.average(labels(prediction, self.decision_) == expected, weights=sample_weight))
        if quantiles := self.task_.target.quantiles:
            values = np.asarray(y, np.float64).ravel()
            of_constant = np.tile(self.task_.target.constant(values, sample_weight), (len(values), 1))
            loss = MeanPinball(quantiles)
            return 1 - loss(values, prediction, sample_weight) / loss(values, of_constant, sample_weight)
        return float(r2_score(y, prediction[:, 0], sample_weight=sample_weight))

    def leaderboard(self) -> pd.DataFrame:
        """Return the trials as a frame, best first."""
        check_is_fitted(self)
        return report.frame(self.board_)

    @property
    def plot(self) -> Plots:
        """Pictures of the search as Plotly figures: ``plot.leaderboard()``, ``.scores()``, ``.curves()``, ``.front()``,
        ``.importance()``, ``.parallel()``, ``.timeline()``; and ``.network()``, a diagram.
        """
        check_is_fitted(self)
        return Plots(self.board_, self._network)

    def _html_repr(self) -> str:
        """Return what notebooks show: the parameters, and once it is fitted what the search came to."""
        own = str(super()._html_repr())
        return own + summary(self.board_, self.weights_, self.score_) if self.__sklearn_is_fitted__() else own

    def export(self, path: str | Path, compact: bool = False, compress: bool = False) -> Shipped:
        """Write and verify a model folder at ``path`` that predicts what this estimator does; return what was measured.

        ``compress``: make it as small as ``max_loss`` allows; it then predicts a little differently.
        ``compact``: the first candidate alone instead of the ensemble, compressed; fitted on all rows where its family
        can be.
        Raises ``ConfigError`` when ``path`` exists, ``ExportError`` when nothing exports faithfully, ``DataError`` when
        an estimator that was pickled is to be made smaller.
        """
        check_is_fitted(self)
        if compress or compact:
            self._need_rows("making a model smaller takes")
        path = Path(path)
        run_folder.refuse_used("An export", path, "Choose another path.")
        of_one = _of_one(self.members_)
        fitted = self._alone(of_one) if compact else self.refitted_
        members = normalised(of_one[:1] if fitted else of_one) if compact else self.members_
        kind = "compact" if compact else "ensemble"
        config = CompressConfig(self.max_loss) if compact or compress else CompressConfig(options=())
        unseen = validation_prediction(self.task_, of_one if compact else self.members_)
        return ship_members(
            self.task_,
            members,
            path,
            kind,
            Compression(self.task_, config),
            fitted=fitted,
            unseen=unseen,
            goals=Goals(limits=limits_of(self.limits or {})),
        )

    def _alone(self, of_one: Sequence[Member]) -> Mapping[str, Refitted]:
        """Return the one candidate's model that was fitted on all rows, if it can be; ``of_one``: its fold models."""
        id = of_one[0].candidate_id
        if id in self.refitted_:
            return {id: self.refitted_[id]}
        if self.limits or not of_one[0].model.refits:
            return {}
        (params,) = (trial.candidate.params for trial in self.board_.trials if trial.candidate.id == id)
        one = of_members(of_one, params)
        return Refits(self.task_, [one], time.time() + UNHURRIED_SECONDS, _warned).models()

    def _folder(self, scratch: Path) -> run_folder.RunFolder:
        """Return the folder of the run: the one to go on with, or a new one."""
        if self.warm_start and self.run_dir is not None and Path(self.run_dir, "run.json").exists():
            return run_folder.find(self.run_dir, self.trust)
        return run_folder.create(self.run_dir or scratch / "run")

    def _read(self, X: Any, y: Any, sample_weight: Any, lengths: Any, validation: Any, **rows: Any) -> None:
        """Make the task of (X, y), and remember what prediction needs of them."""
        if y is None or isinstance(y, str):
            raise DataError(
                f"{type(self).__name__} requires y to be passed, but the target y is {y}. Give one value for each row, "
                "as in fit(frame.drop(columns='target'), frame['target'])."
            )
        if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected. Use y.ravel().",
                DataConversionWarning,
                stacklevel=3,
            )
        self.task_ = from_arrays(
            self._checked(X, reset=True),
            y,
            lengths=lengths,
            kind=self.kind,
            quantiles=self.quantiles,
            target_kind=self._target_kind,
            roles=self.roles,
            metric=self.metric,
            folds=self.folds,
            seed=self.seed,
            sample_weight=None if sample_weight is None else np.asarray(sample_weight),
            drop=self.drop,
            missing=self.missing,
            decimal=self.decimal,
            levels=self.levels,
            rows=self.rows,
            validation=validation and (self._checked(validation[0], reset=False), *validation[1:]),
            **rows,
        )
        self.notes_ = self.task_.notes
        if self.task_.target.is_classification:
            self.classes_ = _as_given(self.task_.schema.classes, np.asarray(y).dtype)

    def _keep(self, result: SearchResult, folder: run_folder.RunFolder, until: float) -> None:
        """Take what the search left out of its folder, which may be a temporary one; fit on all rows ``until`` then."""
        self.weights_ = dict(result.ensemble.weights)
        self.members_ = members_of(self.task_, result.kept, self.weights_, result.ensemble.n_folds)
        self.score_ = self.task_.metric.shown(result.ensemble.score)
        quick = result.interrupted or self.limits
        candidates = [] if quick else unfitted(self.task_, result.kept, self.weights_)
        self.refitted_ = Refits(self.task_, candidates, until, _warned).models()
        unseen = validation_prediction(self.task_, self.members_)
        self.decision_ = self.task_.metric.decide(self.task_.data.y, unseen, self.task_.data.weights)
        self.notes_ = (*self.task_.notes, *remarks(self.task_, unseen))
        with Store(folder.leaderboard_url, read_only=True) as store:
            self.board_ = store.board(result.run_id)

    def importance(
        self, X: Any = None, y: Any = None, *, lengths: Any = None, metric: Any = None, repeats: int = 5, seed: int = 0
    ) -> pd.DataFrame:
        """Return the permutation importance of each feature, greatest first (``Explained.importance``).

        Without ``X`` and ``y``: on up to 2,000 training rows, each answered by the models that had not seen it. Raises
        ``DataError`` for an estimator that was pickled, which has them no longer.
        """
        check_is_fitted(self)
        if X is not None:
            return super().importance(X, y, lengths=lengths, metric=metric, repeats=repeats, seed=seed)
        self._need_rows("importance without X goes by")
        task = self.task_
        if metric is not None:
            task = replace(task, problem=replace(task.problem, metric=self._metric(metric)))
        return out_of_fold(task, self.members_, repeats, seed).frame()

    def _subject(self) -> Subject:
        check_is_fitted(self)
        task, members = self.task_, self._together()

        def answer(x: Any, lengths: Any) -> np.ndarray:
            return predict(task, members, rows(task.schema, x, lengths))

        return Subject(task.schema.to_dict(), answer, lambda: to_onnx(task, members))

    def _need_rows(self, what: str) -> None:
        if not self.task_.has_rows:
            raise DataError(
                f"A pickled estimator holds no training rows, and {what} them. Do it before it is pickled, or give "
                "rows where they are taken."
            )

    def _kept_rows(self) -> tuple[Any, Any]:
        sample = self.task_.sample
        return (
            (sample, None) if "x" not in sample or self.task_.schema.columns else (sample["x"], sample.get("lengths"))
        )

    def _metric(self, name: Any) -> Metric:
        target = self.task_.target
        return self.task_.metric if name is None else metrics.get(name, target.kind, target.quantiles)

    def _predict(self, X: Any, lengths: Any) -> np.ndarray:
        check_is_fitted(self)
        return predict(self.task_, self._together(), rows(self.task_.schema, self._given(X), lengths))

    def _together(self) -> list[Member]:
        """Return the models that answer: those of folds, and those that were fitted on all rows."""
        return joined(self.members_, self.refitted_)

    def _given(self, X: Any) -> Any:
        """Return X as its task's schema knows it."""
        X = self._checked(X, reset=False)
        columns = self.task_.schema.columns
        if hasattr(X, "columns") and not hasattr(self, "feature_names_in_"):
            # Fitted on an array: the columns of a frame are taken in their order, as scikit-learn does.
            X = {column.name: X[name] for column, name in zip(columns, X.columns, strict=True)}
        return X

    def _check_parameters(self) -> None:
        """Raise ``ConfigError`` for a parameter of a wrong type; its value is checked where it is used."""
        for names, types, rule in _PARAMETER_TYPES:
            for name in names:
                if not isinstance(getattr(self, name), types):
                    raise ConfigError(f"The parameter {name} is {rule}; got {getattr(self, name)!r}.")
        flag("parameter warm_start", self.warm_start)
        flag("parameter trust", self.trust)
        if self.warm_start and self.run_dir is None:
            raise ConfigError("With warm_start=True a run is gone on with: say where it is kept, with run_dir.")
        if self.seed is not None:
            number("parameter seed", self.seed, 0, 2**32 - 1, whole=True)

    def _network(self, trial: str | None) -> Diagram:
        """Return the diagram of a trial's network, or of the best one in the ensemble."""
        for member in sorted(self.members_, key=lambda member: -member.weight):
            if trial in (None, member.candidate_id) and isinstance(member.model.model, TorchModel):
                return member.model.model.diagram()
        if trial is None:
            raise ConfigError("No model of the ensemble is a network; plot.network(TRIAL) shows that of a trial.")
        known = {one.candidate.id: one.candidate for one in self.board_.trials}
        if trial not in known:
            raise unknown_name("trial", trial, known)
        made = build(known[trial].params, self.task_.problem)
        if not isinstance(made.model, TorchModel) or made.steps:
            raise ConfigError(
                f"Trial {trial} ({known[trial].family}) is no network, or has steps before it that were not kept."
            )
        return made.model.diagram(self.task_.data.x)

    def _config(self, started: float) -> SearchConfig:
        return SearchConfig(
            seconds=self.seconds,
            trials=self.trials,
            searcher=named(self.searcher),
            scheduler=named(self.scheduler),
            runner=named(self.runner),
            space=SpaceConfig(self._space(), self.plugins or {}),
            ship=ShipConfig(max_members=self.max_members, compress=CompressConfig(self.max_loss)),
            started=started,
            export=False,
            deterministic=self.deterministic,
            goals=Goals(tuple(self.goals), limits_of(self.limits or {})),
        )

    def _space(self) -> Mapping[str, Any]:
        return self.space or {} if not isinstance(self.space, str | os.PathLike) else space_file.read(self.space)

    def _checked(self, X: Any, reset: bool) -> Any:
        """Return X as a frame, matrix or array; remember, or check, its columns as scikit-learn does."""
        if sparse.issparse(X):  # one of its formats is a mapping
            X = X.tocsr()
        elif isinstance(X, Mapping) or hasattr(X, "column_names"):
            X = _by_position(named_columns(X))
        elif hasattr(X, "columns"):
            X = _named_by_strings(X, named_columns(X))
        else:
            X = to_array(X)
            if X.ndim == 1:
                raise DataError(
                    f"Expected 2D array, got 1D array instead: shape {X.shape}. Reshape your data: "
                    "X.reshape(-1, 1) if it is one column, X.reshape(1, -1) if it is one row."
                )
        if getattr(X, "ndim", 2) == 2:
            validate_data(self, X, reset=reset, skip_check_array=True)
        return X

    def _estimator_type(self) -> str | None:
        """Return "classifier" or "regressor"; None until ``fit`` has inferred it."""
        task = getattr(self, "task_", None)
        kind = self._target_kind if task is None else task.target.kind
        return None if kind == "auto" else "regressor" if kind in ("regression", "quantiles") else "classifier"

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: all but the training rows, of which it keeps those that an export is replayed on."""
        state: dict[str, Any] = super().__getstate__()
        return {**state, "task_": self.task_.without_rows()} if "task_" in state else state

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "members_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = self._estimator_type()
        if tags.estimator_type == "classifier":
            tags.classifier_tags = ClassifierTags()
        elif tags.estimator_type == "regressor":
            tags.regressor_tags = RegressorTags()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        tags.target_tags.required = True
        return tags


def _warned(text: str) -> None:
    warnings.warn(printable(text), stacklevel=2)


def _of_one(members: Sequence[Member]) -> list[Member]:
    """Return the fold models of the first candidate alone."""
    return [member for member in members if member.candidate_id == members[0].candidate_id]


def _by_position(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return columns as a frame; the index of a Series says nothing about the others."""
    arrow = {name: as_array(values) for name, values in columns.items() if hasattr(values, "to_pylist")}
    try:
        return pd.DataFrame({name: getattr(values, "array", values) for name, values in {**columns, **arrow}.items()})
    except ValueError as error:
        raise DataError(f"Every column must hold one value for each row ({error}).") from None


def _named_by_strings(frame: Any, columns: Mapping[str, Any]) -> Any:
    """Return a frame whose names are strings, as they are in what is exported: 0 is called "0"."""
    is_named = all(isinstance(name, str) for name in frame.columns)
    return frame if is_named else frame.set_axis(list(columns), axis=1)


def _as_given(classes: Sequence[Any], dtype: np.dtype[Any]) -> np.ndarray:
    """Return the classes in the type of ``y``; whole numbers that gaps made floats stay whole."""
    found = np.array(classes, dtype=object if dtype.kind == "O" else None)
    numbers = {found.dtype.kind, dtype.kind} <= {"i", "u"}
    return found.astype(dtype) if numbers or found.dtype.kind == dtype.kind else found


class AutoMLClassifier(ClassifierMixin, AutoML):
    """``AutoML`` whose target is a class, whatever its type. Parameters as for ``AutoML``."""

    _target_kind = "classification"
    score = AutoML.score  # the mixin's comes first otherwise


class AutoMLRegressor(RegressorMixin, AutoML):
    """``AutoML`` whose target is a value. Parameters as for ``AutoML``."""

    _target_kind = "regression"
    score = AutoML.score
