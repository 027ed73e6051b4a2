"""Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), multivariate and by groups of parameters."""

from typing import Annotated

from automl.options import Range
from automl.space import Space
from automl.types import Searcher


def make(
    space: Space,
    seed: int = 0,
    *,
    startup_trials: Annotated[int, Range(1)] = 10,
    candidates: Annotated[int, Range(1)] = 24,
) -> Searcher:
    """Return Optuna's TPE.

    Parameters that occur together are modelled together, and each branch of a conditional space on its own
    (``multivariate``, ``group``). startup_trials: how many are random before the model is used;
    candidates: of how many draws the best is proposed. Trials in work count as bad ones, so that
    parallel candidates differ.
    """
    from automl.searchers._lazy_tpe import LazyTPESampler
    from automl.searchers._optuna import OptunaSearcher

    def make_sampler() -> LazyTPESampler:
        return LazyTPESampler(
            n_startup_trials=startup_trials,
            n_ei_candidates=candidates,
            multivariate=True,
            group=True,
            constant_liar=True,
            seed=seed,
        )

    return OptunaSearcher(space, make_sampler)
