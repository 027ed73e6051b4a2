"""Bayesian optimisation with a Gaussian process (Optuna's GPSampler), one process per family."""

from automl.options import number
from automl.space import Space
from automl.types import Searcher


def make(space: Space, seed: int = 0, *, startup_trials: int = 5, explore: float = 0.5) -> Searcher:
    """Return one Gaussian process per family, over the parameters that every trial of it has.

    Parameters below a choice within the family are drawn at random. startup_trials: how many of each family
    are random at first. explore: how much families tried less are preferred (see ``PerFamily``).
    """
    number("startup_trials of gp", startup_trials, 1, whole=True)
    number("explore of gp", explore, 0)
    from optuna.samplers import GPSampler

    from automl.searchers._families import PerFamily
    from automl.searchers._optuna import OptunaSearcher

    def one(part: Space, part_seed: int) -> Searcher:
        sampler = GPSampler(n_startup_trials=startup_trials, seed=part_seed)
        # Optuna climbs from ten points, for half a second and more; three bring nearly the same in a sixth of that.
        sampler._n_preliminary_samples, sampler._n_local_search, sampler._tol = 512, 3, 1e-3
        return OptunaSearcher(part, sampler)

    return PerFamily(space, seed, one, explore)
