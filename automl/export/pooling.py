"""How the fold models of one candidate answer together.

Values are averaged. Of probabilities the average of logarithms is taken, which is one of the two usual ways to pool
opinions (Genest and Zidek 1986): their plain mean is less certain than each of the models is, while out-of-fold
predictions, by which candidates are weighed and thresholds are found, are those of single models.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import softmax

from automl.export.front import average
from automl.export.graph import Graph
from automl.target import Target

# Added to every probability: a model that is certain of what is wrong must not outvote all others.
DOUBT = 1e-6


def pooled(target: Target, predictions: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Return the answer, (n, width) float64, of models with these predictions, (n, width) each, and weights."""
    share = np.asarray(weights, np.float64) / np.sum(weights)
    if len(predictions) == 1 or not target.is_classification:
        return np.tensordot(share, np.asarray(predictions, np.float64), 1)
    return softmax(np.tensordot(share, np.log(np.asarray(predictions, np.float64) + DOUBT), 1), axis=1)


def of_tensors(target: Target, predictions: Sequence[Any]) -> Any:
    """Return what ``pooled`` does with models of equal weights, of tensors."""
    if len(predictions) == 1 or not target.is_classification:
        return sum(predictions) / len(predictions)
    return (sum((p.double() + DOUBT).log() for p in predictions) / len(predictions)).softmax(dim=1).float()


def emit(target: Target, graph: Graph, outputs: Mapping[str, float]) -> str:
    """Add what ``pooled`` does to ``graph``, for the tensors of the models' predictions and their weights."""
    total = sum(outputs.values())
    shares = {tensor: weight / total for tensor, weight in outputs.items()}
    if len(outputs) == 1 or not target.is_classification:
        return average(graph, shares)
    doubt = graph.exact(DOUBT)
    logs = {graph.op("Log", graph.op("Add", graph.cast(t, np.float64), doubt)): share for t, share in shares.items()}
    return graph.op("Softmax", average(graph, logs), axis=-1)
