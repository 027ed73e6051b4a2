"""What is predicted: classes or values."""

from dataclasses import dataclass
from typing import Literal

TargetKind = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True)
class Target:
    """The target of a problem. ``n_classes`` is 0 for regression."""

    kind: TargetKind
    n_classes: int = 0

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.kind != "regression"

    @property
    def width(self) -> int:
        """The width of a prediction: the number of classes, or 1."""
        return self.n_classes or 1
