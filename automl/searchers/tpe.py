"""Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), multivariate and by groups of parameters."""

from automl.options import number
from automl.space import Space
from automl.types import Searcher


def make(space: Space, seed: int = 0, *, startup_trials: int = 10, candidates: int = 24) -> Searcher:
    """Return Optuna's TPE.

    Parameters that occur together are modelled together, and each branch of a conditional space on its own
    (``multivariate``, ``group``). startup_trials: how many are random before the model is used;
    candidates: of how many draws the best is proposed. Trials in work count as bad ones, so that
    parallel candidates differ.
    """
    from automl.searchers._lazy_tpe import LazyTPESampler
    from automl.searchers._optuna import OptunaSearcher

    n_startup = number("startup_trials of tpe", startup_trials, 1, whole=True)
    n_candidates = number("candidates of tpe", candidates, 1, whole=True)

    def make_sampler() -> LazyTPESampler:
        return LazyTPESampler(
            n_startup_trials=n_startup,
            n_ei_candidates=n_candidates,
            multivariate=True,
            group=True,
            constant_liar=True,
            seed=seed,
        )

    return OptunaSearcher(space, make_sampler)
