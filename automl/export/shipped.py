"""What was shipped: one folder and what was measured on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.export.replay import BATCH
from automl.metrics import Metric


@dataclass(frozen=True)
class Scores:
    """What a shipped model scores; greater is better.

    ``validation``: on rows that its members never saw, as it is shipped. ``uncompressed``: there too, before it was
    compressed, if it was. ``test``: on the locked rows, if there are any.
    """

    validation: float
    uncompressed: float | None = None
    test: float | None = None

    def shown(self, metric: Metric) -> dict[str, float]:
        """Return them in the metric's usual sign, by the names that they have in a manifest."""
        named = {
            f"validation {metric.name}": self.validation,
            f"validation {metric.name} before compression": self.uncompressed,
            f"test {metric.name}": self.test,
        }
        return {name: metric.shown(score) for name, score in named.items() if score is not None}


@dataclass(frozen=True)
class Latency:
    """From a raw row to the answer in milliseconds: medians and 95th percentiles, of one row and of ``BATCH``."""

    row_p50: float
    row_p95: float
    batch_p50: float
    batch_p95: float

    @classmethod
    def measured(cls, ms: Mapping[str, float]) -> "Latency":
        """Return what stands under ``latency_ms`` in a manifest."""
        batch = f"batch_{BATCH}"
        return cls(ms["one_row_p50"], ms["one_row_p95"], ms[f"{batch}_p50"], ms[f"{batch}_p95"])


@dataclass(frozen=True)
class Shipped:
    """One exported folder. ``n_bytes``: of all its files. ``parity``: how it differs from its members, at most.

    ``remarks``: what has to be known before the model is used. ``seconds``: how long writing and verifying it took.
    """

    path: Path
    kind: str
    n_bytes: int
    latency: Latency
    parity: Mapping[str, Any]
    scores: Scores
    members: Sequence[Mapping[str, Any]] = ()
    remarks: Sequence[str] = ()
    seconds: float = 0.0
