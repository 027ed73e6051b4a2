"""What a column says about the target beside all others: by how much a few boosted trees gain by splitting on it."""

import numpy as np

from automl.search_spaces.features.blocks import sample_rows
from automl.task import Problem

# Looked at are so many rows, fewer where there are many columns; by so many trees, each class having its own.
_NUMBERS, _FEWEST_ROWS, _MOST_ROWS, _TREES, _FEWEST_ROUNDS = 1_000_000, 500, 5_000, 40, 4


class Gain:
    """Scores columns by the gain of LightGBM's trees: small, few, and on a sample of the rows, always the same one."""

    def __init__(self, problem: Problem) -> None:
        self.classification, self.seed, self.threads = problem.target.is_classification, problem.seed, problem.threads

    def sample(self, n_rows: int, n_columns: int) -> np.ndarray | slice:
        """Return the index of the rows to look at."""
        n_wanted = int(np.clip(_NUMBERS // max(n_columns, 1), _FEWEST_ROWS, _MOST_ROWS))
        return sample_rows(n_rows, n_wanted, self.seed)

    def of(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return (p,) float64, 0 for a column that no tree splits on. x: (n, p), with gaps; y: (n,)."""
        import lightgbm

        labels = np.unique(y, return_inverse=True)[1] if self.classification else y
        n_classes = int(labels.max()) + 1 if self.classification else 1
        many = n_classes > 2
        settings = {
            "objective": "multiclass" if many else "binary" if self.classification else "regression",
            "num_class": n_classes if many else 1,
            "num_leaves": 15,
            "max_bin": 63,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": self.threads,
            "verbosity": -1,
        }
        rounds = max(_FEWEST_ROUNDS, _TREES // n_classes)
        trees = lightgbm.train(settings, lightgbm.Dataset(x, labels, params=settings), rounds)
        return trees.feature_importance("gain")
