"""The time that a section of a report has."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """Called, it says whether there is some left. ``until``: ``time.time()``."""

    until: float

    def __call__(self) -> bool:
        return time.time() < self.until

    @property
    def left(self) -> float:
        """The seconds that are left, not less than 0."""
        return max(0.0, self.until - time.time())
