"""Quasi-random search: Sobol or Halton points cover the numbers more evenly than random ones."""

from automl.errors import unknown_name
from automl.space import Space
from automl.types import Searcher

SEQUENCES = ("sobol", "halton")


def make(space: Space, seed: int = 0, *, sequence: str = "sobol") -> Searcher:
    """Return Optuna's QMC sampler, one sequence per family. sequence: "sobol" or "halton" (scrambled).

    Choices are drawn at random: low-discrepancy sequences are for numbers.
    """
    if sequence not in SEQUENCES:
        raise unknown_name("sequence of quasi_random", sequence, SEQUENCES)
    from optuna.samplers import QMCSampler

    from automl.searchers._families import PerFamily
    from automl.searchers._optuna import OptunaSearcher

    def one(part: Space, part_seed: int) -> Searcher:
        return OptunaSearcher(
            part,
            lambda: QMCSampler(qmc_type=sequence, scramble=True, seed=part_seed, warn_asynchronous_seeding=False),
        )

    return PerFamily(space, seed, one, explore=float("inf"))
