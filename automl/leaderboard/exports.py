"""A run for others' tools: files that TensorBoard shows, and runs of MLflow."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from automl import epochs
from automl.errors import ConfigError, in_one_line
from automl.leaderboard.records import Board
from automl.types import Trial

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def to_tensorboard(board: Board, folder: Path) -> None:
    """Write the run's trials into ``folder`` as event files, one subfolder each, which TensorBoard shows as runs.

    Scalars over the progress of the fit in percent: the score in the metric's usual sign, and what else was reported;
    over the epochs of each fold of a network its score and loss; parameters and what the trial came to as
    hyperparameters.
    """
    from tensorboardX import SummaryWriter
    from tensorboardX.summary import hparams

    metric = board.run.metric
    for trial in board.trials:
        with SummaryWriter(str(folder / f"{trial.candidate.id}_{_plain_name(trial.candidate.family)}")) as writer:
            began = trial.started_at or board.run.started_at
            for report in trial.reports:
                values = {metric.name: metric.shown(report.score), **epochs.without(report.extra)}
                for name, value in values.items():
                    writer.add_scalar(name, value, round(100 * report.progress), walltime=began + report.seconds)
            for fold, judged in epochs.by_fold(trial.reports).items():
                for one in judged:
                    for name, value in ((metric.name, metric.shown(one.score)), ("loss", one.loss)):
                        writer.add_scalar(f"fold_{fold + 1}/{name}", value, round(one.epochs), walltime=began)
            params = {path: _scalar(value) for path, value in trial.candidate.params.items()}
            measured = _measured(board, trial)
            for summary in hparams(params, measured):  # ``add_hparams`` would open the file a second time
                writer.file_writer.add_summary(summary)
            for name, value in measured.items():
                writer.add_scalar(name, value, 100, walltime=began + trial.seconds)


def to_mlflow(board: Board, uri: str, experiment: str) -> None:
    """Add the run to the MLflow server or store at ``uri``: a run of ``experiment``, with a nested one for each trial.

    Parameters, scores, curves and failures are the trials'; a model folder that was shipped is an artifact. Raises
    ``ConfigError`` where MLflow is not installed, and where the URI is none or cannot be reached.
    """
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise ConfigError(f"This takes MLflow ({error}): pip install 'automl[mlflow]' brings it.") from None
    try:
        _add_to_mlflow(board, MlflowClient(uri), experiment)
    except (MlflowException, SQLAlchemyError, ImportError, OSError) as error:  # of it, of its stores, of its artifacts
        raise ConfigError(
            f"MLflow cannot use the URI '{uri}': {in_one_line(error).rstrip('.')}. Give the --uri of a server that is "
            "running, like http://HOST:5000, or of a store, like sqlite:///mlflow.db."
        ) from None


def _add_to_mlflow(board: Board, client: "MlflowClient", experiment: str) -> None:
    from mlflow.entities import Metric, Param, RunTag

    run = board.run
    found = client.get_experiment_by_name(experiment)
    place = found.experiment_id if found else client.create_experiment(experiment)
    parent = client.create_run(place, start_time=_ms(run.started_at), run_name=run.name)
    info = {"seed": run.seed, "metric": run.metric.name, **{k: v for k, v in run.task.items() if k != "notes"}}
    client.log_batch(parent.info.run_id, params=[Param(name, _short(value)) for name, value in info.items()])
    if board.ensemble is not None:
        client.log_metric(parent.info.run_id, run.metric.name, run.metric.shown(board.ensemble.score))
    for artifact in board.artifacts:
        if Path(artifact.path).is_dir():
            client.log_artifacts(parent.info.run_id, artifact.path, artifact.kind)
    for trial in board.trials:
        began = trial.started_at or run.started_at
        tags = {"mlflow.parentRunId": parent.info.run_id, "family": trial.candidate.family, "worker": trial.worker}
        name = f"{trial.candidate.family} #{trial.candidate.id}"
        child = client.create_run(place, start_time=_ms(began), tags=tags, run_name=name)
        steps = [
            Metric(run.metric.name, run.metric.shown(r.score), _ms(began + r.seconds), round(100 * r.progress))
            for r in trial.reports
            if math.isfinite(r.score)
        ]
        ended = _ms(began + trial.seconds)
        steps += [Metric(name, value, ended, 100) for name, value in _measured(board, trial).items()]
        params = [Param(_plain_name(path), _short(value)) for path, value in trial.candidate.params.items()]
        failure = [RunTag("failure", trial.failure)] if trial.failure else []
        client.log_batch(child.info.run_id, metrics=steps, params=params, tags=failure)
        client.set_terminated(child.info.run_id, _STATUS[trial.status], ended)
    client.set_terminated(parent.info.run_id, "FINISHED", _ms(run.ended_at or run.started_at))


_STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


def _measured(board: Board, trial: Trial) -> dict[str, float]:
    """Return what a trial came to: its score in the metric's usual sign, its seconds, and what else was measured."""
    metric = board.run.metric
    values: Mapping[str, Any] = {"seconds": trial.seconds, **trial.values}
    named = {metric.name if k == "score" else k: metric.shown(v) if k == "score" else v for k, v in values.items()}
    return {name: float(value) for name, value in named.items() if math.isfinite(value)}


def _plain_name(name: str) -> str:
    """Return a name with what files and stores refuse in names as "_"."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)


def _scalar(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(value)


def _short(value: Any) -> str:
    return str(value)[:500]


def _ms(seconds: float) -> int:
    return round(1000 * seconds)
