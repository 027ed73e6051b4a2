"""What is shipped, before it is a file: fitted models, their weights, and the rows they never saw."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from automl import ensemble, pooling
from automl.export.front import declare_inputs
from automl.export.graph import Graph
from automl.kept import KeptTrials
from automl.metrics import mean
from automl.task import Rows, Task
from automl.training.pipeline import Pipeline


@dataclass(frozen=True)
class Member:
    """One fitted model: its share of the answer, and the rows of its own validation part.

    ``index``: rows of ``task.data`` that this model was not trained on; ``prediction``: what it says
    about them. ``fold``: None where ``model`` was fitted on all rows in the end; then there are none of these.
    ``seconds``: how long the fit took. ``compression``: what was done to it, in words, in order.
    """

    candidate_id: str
    family: str
    fold: int | None
    weight: float
    model: Pipeline
    index: np.ndarray
    prediction: np.ndarray
    seconds: float = 0.0
    compression: tuple[str, ...] = ()


def members_of(task: Task, kept: KeptTrials, weights: Mapping[str, float], n_folds: int | None = None) -> list[Member]:
    """Load the (first ``n_folds``) fitted fold models of candidates; each has an equal part of the weight."""
    members = []
    for id, weight in weights.items():
        trial, predictions = kept.trial(id), kept.predictions(id)
        # How long a whole fit takes is not known of one that was stopped.
        seconds = trial.seconds / len(trial.folds) if trial.status == "finished" else math.inf
        folds = [ref.fold for ref in trial.folds][:n_folds]
        for fold in folds:
            index = task.splits[fold][1]
            model = kept.model(id, fold)
            share = weight / len(folds)
            members.append(Member(id, trial.candidate.family, fold, share, model, index, predictions[index], seconds))
    return members


def validation_prediction(task: Task, members: Sequence[Member]) -> np.ndarray:
    """Return what the members say about rows that none of those asked had seen, (n, width).

    Every candidate has the weight of all its models; a row is answered by those whose validation part
    it is in. It is NaN unless every candidate has one.
    """
    answers, weights = [], []
    for id in dict.fromkeys(m.candidate_id for m in members):
        own = [m for m in members if m.candidate_id == id]
        answer, answered = np.zeros((task.n_rows, task.target.width)), np.zeros((task.n_rows, 1))
        for m in own:
            answer[m.index] += m.weight * m.prediction
            answered[m.index] += m.weight
        answered[answered == 0] = np.nan
        answers.append(answer / answered)
        weights.append(sum(m.weight for m in own))
    return pooling.pooled(task.target, answers, weights)


def fold_scores(task: Task, prediction: np.ndarray) -> list[float]:
    """Return the scores of the folds of a prediction for all rows, NaN where there is none; greater is better."""
    return ensemble.fold_scores(task.metric, task.data.y, prediction, task.data.weights, task.valid_rows)


def mean_score(task: Task, prediction: np.ndarray) -> float:
    """Return the mean of ``fold_scores``, as trials are scored."""
    return mean(fold_scores(task, prediction))


def validation_score(task: Task, members: Sequence[Member]) -> float:
    """Return the members' common score on validation rows."""
    return mean_score(task, validation_prediction(task, members))


def predict(task: Task, members: Sequence[Member], x: Rows) -> np.ndarray:
    """Return the members' common answer for ``x``, (n, width)."""
    return pooling.pooled(task.target, [m.model.predict(x) for m in members], [m.weight for m in members])


def normalised(members: Sequence[Member]) -> list[Member]:
    """Return the members with weights that sum to 1."""
    total = sum(m.weight for m in members)
    return [replace(m, weight=m.weight / total) for m in members]


def to_onnx(task: Task, members: Sequence[Member]) -> bytes:
    """Return one ONNX model: raw inputs in, what ``predict`` returns out as ``prediction``.

    Probabilities are float32, values float64.
    """
    graph = Graph()
    tensors = declare_inputs(graph, task.schema, task.data.x)
    models = {m.model.to_onnx(graph, tensors): m.weight for m in members}
    return graph.model({"prediction": pooling.emit(task.target, graph, models)}, task.target.dtype).SerializeToString()
