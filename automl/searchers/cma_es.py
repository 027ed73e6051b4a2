"""CMA-ES (Hansen, 2016, arXiv:1604.00772), one evolution strategy per family."""

from typing import Annotated

from automl.options import Range
from automl.space import Space
from automl.types import Searcher


def make(
    space: Space,
    seed: int = 0,
    *,
    startup_trials: Annotated[int, Range(1)] = 3,
    explore: Annotated[float, Range(0)] = 0.5,
) -> Searcher:
    """Return Optuna's CMA-ES over the numbers of each family; choices are drawn at random.

    startup_trials: how many of each family are random at first. explore: how much families tried less are
    preferred (see ``PerFamily``).
    """
    from optuna.samplers import CmaEsSampler

    from automl.searchers._families import PerFamily
    from automl.searchers._optuna import OptunaSearcher

    def one(part: Space, part_seed: int) -> Searcher:
        return OptunaSearcher(part, lambda: CmaEsSampler(n_startup_trials=startup_trials, seed=part_seed))

    return PerFamily(space, seed, one, explore)
