"""What has to be known of a model before it is used, in words."""

import numpy as np

from automl.data import echoes, identity
from automl.export.member import fold_scores
from automl.metrics import mean
from automl.task import Task

# From this share of the way between a constant and the truth on, a score asks for an explanation.
_STRONG = 0.9


def remarks(task: Task, unseen: np.ndarray) -> list[str]:
    """Return what there is to say. ``unseen``: (n, width), a model's answers to rows that it has not seen."""
    if task.baseline is None:
        return []
    scores = fold_scores(task, unseen)
    score = mean(scores)
    if verdict := task.baseline.verdict(score, scores, task.metric):
        return [verdict]
    if task.baseline.skill(score) < _STRONG:
        return []
    return [*map(echoes.remark, task.echoes), *map(identity.remark, task.suspects)]
