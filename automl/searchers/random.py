"""Random search: every candidate is drawn anew (Bergstra and Bengio, JMLR 2012)."""

from automl.searchers._stream import Stream
from automl.space import Params, Random, Space, draw
from automl.types import Trial


def make(space: Space, seed: int = 0) -> "RandomSearch":
    """Return a searcher that draws from ``space``, uniformly or log-uniformly."""
    return RandomSearch(space, seed)


class RandomSearch:
    """Draws from a stream of its own for each number, so that a resumed run draws what it would have drawn."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self._stream = space, Stream(seed)

    def ask(self, number: int) -> Params:
        """Return random parameters; others when the same ``number`` is asked again."""
        return draw(self.space, Random(self._stream.of(number)))

    def tell(self, trial: Trial) -> None:
        """Learn nothing."""
