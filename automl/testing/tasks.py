"""Small tasks that can be learned, of every kind of data."""

from functools import cache
from typing import Any

import numpy as np

from automl.data import from_arrays
from automl.task import Task

QUANTILES = (0.1, 0.5, 0.9)
_WORDS = {0: "cheap free winner prize", 1: "meeting tomorrow lunch office", 2: "river mountain forest walk"}


@cache
def make_task(kind: str, target: str, n: int = 120) -> Task:
    """Return a learnable task with ``n`` rows; tables have missing values, categories and dates."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=n)
    codes = np.digitize(signal, [0.0] if target == "binary" else [-0.6, 0.6])
    numbers = target in ("regression", "quantiles")
    y = 3 * signal + 10 if numbers else np.array(["no", "yes", "maybe"])[codes]
    x = {"table": _table, "image": _images, "sequence": _sequences, "text": _texts}[kind](rng, signal, codes)
    what: dict[str, Any] = {"quantiles": QUANTILES} if target == "quantiles" else {"target_kind": target}
    return from_arrays(x, y, kind=kind, **what, folds=2, seed=0)


def _table(rng: np.random.Generator, signal: np.ndarray, codes: np.ndarray) -> Any:
    import pandas as pd

    n = len(signal)
    number = signal + rng.normal(scale=0.3, size=n)
    number[rng.random(n) < 0.1] = np.nan
    colour = np.array(["red", "green", "blue"], object)[codes]
    colour[rng.random(n) < 0.1] = None
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    return pd.DataFrame(
        {
            "number": number,
            "noise": rng.normal(size=n) * 1000,
            "count": rng.integers(0, 50, n),
            "colour": colour,
            "flag": rng.random(n) > 0.5,
            "day": days.strftime("%Y-%m-%d"),
        }
    )


def _images(rng: np.random.Generator, signal: np.ndarray, codes: np.ndarray) -> np.ndarray:
    images = rng.integers(0, 60, (len(signal), 10, 10, 3)).astype(np.uint8)
    for i, strength in enumerate(signal):
        images[i, :, : 5 + int(2 * np.clip(strength, -2, 2))] += 120
    return images


def _sequences(rng: np.random.Generator, signal: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return (signal[:, None, None] + rng.normal(scale=0.5, size=(len(signal), 12, 3))).astype(np.float32)


def _texts(rng: np.random.Generator, signal: np.ndarray, codes: np.ndarray) -> Any:
    import pandas as pd

    common = ["the", "and", "of", "with", "some", "other", "words", "here", "there", "where"]
    texts = [" ".join([*rng.choice(common, 6), *rng.choice(_WORDS[int(c)].split(), 3)]) for c in codes]
    return pd.DataFrame({"message": texts})
