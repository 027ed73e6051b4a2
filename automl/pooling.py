"""How several models answer together: the fold models of a candidate, and the candidates of an ensemble.

Values are averaged. Of probabilities the average of logarithms is taken, which is one of the two usual ways to pool
opinions (Genest and Zidek 1986): their plain mean is less certain than each of the models is, while out-of-fold
predictions, by which candidates are weighed and thresholds are found, are those of single models.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from automl.target import Target

if TYPE_CHECKING:
    from automl.export.graph import Graph

# Added to every probability: a model that is certain of what is wrong must not outvote all others.
DOUBT = 1e-6


def opinion(target: Target, prediction: np.ndarray) -> np.ndarray:
    """Return what is averaged of a model's predictions (..., width), float64: logarithms, or the values."""
    doubles = np.asarray(prediction, np.float64)
    return np.log(doubles + DOUBT) if target.is_classification else doubles


def answer(target: Target, average: np.ndarray) -> np.ndarray:
    """Return the predictions (..., width) that an average of opinions stands for."""
    return softmax(average, axis=-1) if target.is_classification else average


def pooled(target: Target, predictions: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Return the answer, (n, width) float64, of models with these predictions, (n, width) each, and weights."""
    share = np.asarray(weights, np.float64) / np.sum(weights)
    if len(predictions) == 1:
        return np.asarray(predictions[0], np.float64)
    return answer(target, np.tensordot(share, opinion(target, np.asarray(predictions)), 1))


def of_tensors(target: Target, predictions: Sequence[Any]) -> Any:
    """Return what ``pooled`` does with models of equal weights, of tensors."""
    if len(predictions) == 1 or not target.is_classification:
        return sum(predictions) / len(predictions)
    return (sum((p.double() + DOUBT).log() for p in predictions) / len(predictions)).softmax(dim=1).float()


def emit(target: Target, graph: "Graph", outputs: Mapping[str, float]) -> str:
    """Add what ``pooled`` does to ``graph``, for the tensors of the models' predictions and their weights."""
    total = sum(outputs.values())
    shares = {tensor: weight / total for tensor, weight in outputs.items()}
    if len(outputs) == 1 or not target.is_classification:
        return _average(graph, shares)
    doubt = graph.exact(DOUBT)
    logs = {graph.op("Log", graph.op("Add", graph.cast(t, np.float64), doubt)): share for t, share in shares.items()}
    return graph.op("Softmax", _average(graph, logs), axis=-1)


def _average(graph: "Graph", outputs: Mapping[str, float]) -> str:
    """Return the weighted sum of some (n, k) tensors in float64."""
    doubles = {graph.cast(tensor, np.float64): weight for tensor, weight in outputs.items()}
    scaled = [graph.op("Mul", tensor, graph.exact(weight)) for tensor, weight in doubles.items()]
    return scaled[0] if len(scaled) == 1 else graph.op("Sum", *scaled)
