"""A run as a study of Optuna's: for its importances, its dashboard, and whatever else reads one."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy.exc import SQLAlchemyError

from automl.errors import ConfigError
from automl.figures.parameters import FEWEST, ParameterImportance
from automl.goals import SCORE, is_scored
from automl.leaderboard.records import Run, RunSummary
from automl.leaderboard.words import reason
from automl.quiet import quiet, quiet_optuna
from automl.task import FAMILY_FOLDER
from automl.types import Trial

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

# Without a recorded range, positive numbers over more than these times their least are taken as logarithmic.
_LOG = 100


def importances(run: Run, trials: Sequence[Trial], most: int = 20) -> list[ParameterImportance]:
    """Return what decided the scores of finished trials of one family, the most important parameters first.

    By PED-ANOVA (Watanabe, Bansal and Hutter, IJCAI 2023), as Optuna has it for conditional spaces. Empty for fewer
    than ten trials, and where no parameter differs.
    """
    import optuna

    whole = [trial for trial in trials if trial.status == "finished" and is_scored(trial)]
    differing = {path: n for path, n in _counts(whole).items() if n >= FEWEST}
    if len(whole) < FEWEST or not differing:
        return []
    ranges = distributions(run, whole)
    with quiet_optuna(), quiet():  # of parameters that all good trials have alike
        study = optuna.create_study(direction="maximize")
        study.add_trials([_frozen(trial, [trial.score or 0.0], ranges, differing) for trial in whole])
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator, params=list(differing))
    found = [
        ParameterImportance(path, share, differing[path]) for path, share in shares.items() if math.isfinite(share)
    ]
    return sorted(found, key=lambda one: -one.share)[:most]


def write(run: Run, trials: Sequence[Trial], url: str, name: str) -> "optuna.Study":
    """Add a run as the study ``name`` to Optuna's storage at ``url``, and return it.

    Scores are in the metric's usual sign; with several goals it is a study of several objectives. What Optuna has no
    place for is in the trials' user attributes. Raises ``ConfigError`` for a name that is taken, and no storage.
    """
    with quiet_optuna():
        return _written(run, trials, url, name)


def _written(run: Run, trials: Sequence[Trial], url: str, name: str) -> "optuna.Study":
    import optuna

    objectives = run.goals.objectives
    directions = [_direction(run, objective) for objective in objectives]
    try:
        study = optuna.create_study(storage=url, study_name=name, directions=directions)
    except optuna.exceptions.DuplicatedStudyError:
        raise ConfigError(
            f"A study is written once; '{url}' has one called '{name}'. Give another --name or --storage."
        ) from None
    except (ImportError, ValueError, optuna.exceptions.StorageInternalError, SQLAlchemyError) as error:
        raise ConfigError(f"Optuna cannot use the storage '{url}': {error}. Give a URL like sqlite:///FILE.") from None
    study.set_metric_names([run.metric.name if objective == SCORE else objective for objective in objectives])
    for key, value in (("run", run.id), ("folder", run.folder), ("seed", run.seed), ("task", _plain(run.task))):
        study.set_user_attr(key, value)
    ranges = distributions(run, trials)
    study.add_trials([_exported(run, trial, ranges) for trial in trials])
    return study


def distributions(run: Run, trials: Iterable[Trial]) -> "dict[str, BaseDistribution]":
    """Return the range of each parameter: as the run's configuration has it, at least as wide as its values."""
    values: dict[str, dict[Any, None]] = {}
    for trial in trials:
        for path, value in trial.candidate.params.items():
            values.setdefault(path, {})[value] = None
    return {path: _distribution(list(seen), _described(run, path)) for path, seen in values.items()}


def defaults(run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the default of each parameter of a trial, where the run's configuration has one."""
    described = {path: _described(run, path) for path in params}
    return {path: found["default"] for path, found in described.items() if "default" in found and path != "family"}


def _described(run: Run, path: str) -> Mapping[str, Any]:
    """Return what a run's configuration says of a parameter; nothing where it says nothing."""
    folders: Mapping[Any, str] = FAMILY_FOLDER
    space = run.config.get("space", {}).get(folders.get(run.task.get("kind")), {})
    for name in path.split(".")[1:]:
        if isinstance(space, Mapping) and name in space:
            space = space[name]
        elif not name.isdecimal():  # one of several repetitions is described once
            return {}
    return space if isinstance(space, Mapping) else {"default": space}


def _distribution(values: Sequence[Any], described: Mapping[str, Any]) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        options = described.get("options", ())
        return CategoricalDistribution(tuple(dict.fromkeys([*options, *sorted(values, key=str)])))
    low = min([described.get("low", values[0]), *values])
    high = max([described.get("high", values[0]), *values])
    log = low > 0 and (bool(described.get("log")) if "low" in described else high / low > _LOG)
    if all(isinstance(value, int) for value in values):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _counts(trials: Sequence[Trial]) -> dict[str, int]:
    """Return how many trials have each parameter, of those that differ."""
    values: dict[str, list[Any]] = {}
    for trial in trials:
        for path, value in trial.candidate.params.items():
            values.setdefault(path, []).append(value)
    return {path: len(seen) for path, seen in values.items() if len(set(seen)) > 1}


def _frozen(
    trial: Trial,
    values: list[float] | None,
    ranges: "Mapping[str, BaseDistribution]",
    only: Iterable[str] | None = None,
) -> "optuna.trial.FrozenTrial":
    import optuna

    states = {"finished": "COMPLETE", "stopped": "PRUNED", "failed": "FAIL"}
    params = trial.candidate.params
    kept = [path for path in (params if only is None else only) if path in params]
    return optuna.trial.create_trial(
        state=optuna.trial.TrialState[states[trial.status] if values or trial.status != "finished" else "FAIL"],
        values=values,
        params={path: params[path] for path in kept},
        distributions={path: ranges[path] for path in kept},
    )


def _exported(run: Run, trial: Trial, ranges: "Mapping[str, BaseDistribution]") -> "optuna.trial.FrozenTrial":
    found = [_value(run, trial, objective) for objective in run.goals.objectives]
    known = trial.status == "finished" and all(value is not None and math.isfinite(value) for value in found)
    frozen = _frozen(trial, [value or 0.0 for value in found] if known else None, ranges)
    if trial.started_at is not None:
        frozen.datetime_start = datetime.fromtimestamp(trial.started_at)
        frozen.datetime_complete = datetime.fromtimestamp(trial.started_at + trial.seconds)
    if len(run.goals.objectives) == 1:
        reports = {round(100 * r.progress): run.metric.shown(r.score) for r in trial.reports if math.isfinite(r.score)}
        frozen.intermediate_values = reports
    attributes = {"id": trial.candidate.id, "seconds": trial.seconds, "worker": trial.worker}
    more = {"fold_scores": [run.metric.shown(score) for score in trial.fold_scores], "measured": dict(trial.values)}
    why = {"failure": reason(trial.failure)} if trial.failure else {}
    frozen.user_attrs = _plain({**attributes, **more, **why})
    return frozen


def _value(run: RunSummary, trial: Trial, objective: str) -> float | None:
    value = trial.values.get(objective)
    return run.metric.shown(value) if objective == SCORE and value is not None else value


def _direction(run: RunSummary, objective: str) -> Literal["minimize", "maximize"]:
    return "maximize" if objective == SCORE and run.metric.greater_is_better else "minimize"


def _plain(value: Any) -> Any:
    """Return ``value`` as what Optuna stores: JSON."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
