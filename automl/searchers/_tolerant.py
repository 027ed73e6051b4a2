"""A searcher that fails proposes no more: candidates are drawn at random from then on, and what has ended is kept."""

import logging

from automl.errors import AutoMLError, with_type
from automl.searchers.random import RandomSearch
from automl.space import Params, Space
from automl.types import Searcher, Trial

log = logging.getLogger(__name__)


class TolerantSearcher:
    """Asks and tells ``searcher``, until one of the two raises anything but an ``AutoMLError``."""

    def __init__(self, searcher: Searcher, space: Space, seed: int) -> None:
        self.searcher, self.space, self.seed = searcher, space, seed

    def ask(self, number: int) -> Params | None:
        """Return what the searcher proposes, or random parameters."""
        try:
            return self.searcher.ask(number)
        except AutoMLError:
            raise
        except Exception as error:
            self._give_up(error)
            return self.searcher.ask(number)

    def tell(self, trial: Trial) -> None:
        """Let the searcher learn."""
        try:
            self.searcher.tell(trial)
        except AutoMLError:
            raise
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        log.warning("The searcher is lost (%s): candidates are drawn at random from now on.", with_type(error))
        self.searcher = RandomSearch(self.space, self.seed)
