"""Some of many rows: where more would tell little more."""

import numpy as np


def sampled(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return up to ``most`` of ``rows`` (n,), drawn without replacement, in their order."""
    return rows if len(rows) <= most else np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
