"""Keeps the first trees of an ensemble: boosting learns the most early, a forest's trees are alike."""

from typing import Any

from automl.option import Compressor
from automl.space import Choice, Params
from automl.task import Batch, Problem
from automl.types import Model

SPACE = {"share": Choice([0.4, 0.7])}


def build(params: Params, problem: Problem) -> "TrimTrees":
    """Return the compressor; ``share`` is the share of the trees that stay."""
    return TrimTrees(params["share"])


class TrimTrees:
    """Acts on models that have ``n_trees`` and ``trimmed(n_trees)``; at least one tree stays."""

    def __init__(self, share: float) -> None:
        self.share = share

    def compress(self, model: Any, train: Batch) -> Model | None:
        """Return a light copy with fewer trees; None for other models and for one tree. ``train`` is not used."""
        n_trees = getattr(model, "n_trees", 0)
        kept = max(1, round(self.share * n_trees))
        return model.trimmed(kept) if kept < n_trees else None


# Trees cost few bytes to keep, so that they are held to a stricter bound.
OPTION = Compressor(space=SPACE, build=build, order=30, loses=0.02)
