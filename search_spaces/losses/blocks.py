"""What the losses share."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def log_probability(scores: "Tensor", y: "Tensor") -> "Tensor":
    """Return the log probability (b,) of the true classes (b,) under the scores (b, k)."""
    return scores.log_softmax(1).gather(1, y[:, None])[:, 0]
