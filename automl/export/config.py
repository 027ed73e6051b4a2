"""What a person decides about shipping, checked when it is made; it loads nothing that exports."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from automl.options import flag, number
from automl.registry import available, load


@dataclass(frozen=True)
class CompressConfig:
    """``max_loss``: the relative loss of score the whole may suffer (0.005 = 0.5 %).

    ``options``: which compressors are tried, in this order (default: all there are, in theirs); none turns compression
    off.
    """

    max_loss: float = 0.005
    options: Sequence[str] = field(default_factory=lambda: tuple(available("compressors")))

    def __post_init__(self) -> None:
        number("max_loss of compression", self.max_loss, 0)
        for name in self.options:
            load("compressors", str(name))


@dataclass(frozen=True)
class ShipConfig:
    """How the best become what is shipped.

    ``max_members``: how many different candidates the ensemble may have (1 ships the best alone).
    ``candidates``: from how many of the best it is chosen. ``refit``: fit those once more on all rows in the end whose
    families need no validation rows for it; these models answer beside the fold models. ``compact``: also ship one
    small model.
    """

    max_members: int = 5
    rounds: int = 25
    candidates: int = 20
    refit: bool = True
    compact: bool = True
    compress: CompressConfig = field(default_factory=CompressConfig)

    def __post_init__(self) -> None:
        for name in ("max_members", "rounds", "candidates"):
            number(f"{name} of the ensemble", getattr(self, name), 1, whole=True)
        for name in ("refit", "compact"):
            flag(f"{name} of the ensemble", getattr(self, name))
