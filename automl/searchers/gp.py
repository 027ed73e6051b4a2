"""Bayesian optimisation with a Gaussian process over the whole conditional tree (see ``_surrogate.py``)."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from automl.errors import SpaceError
from automl.goals import is_scored
from automl.options import Range
from automl.searchers._surrogate import Code, Encoding, Surrogate
from automl.space import Ask, Cross, Mutate, Params, Random, Replay, Space
from automl.types import Trial

Key = tuple[tuple[str, object], ...]

N_PARENTS, N_MUTATIONS, N_CROSSES, N_RANDOM, N_KEPT, DRAWS = 10, 60, 20, 20, 100, 100
# Steps of a mutation as a share of the range: from wide ones to narrow ones.
WIDEST, NARROWEST = 0.3, 0.01
# The noise of a stopped trial's score is this many times that of a finished one's.
STOPPED_NOISE = 4.0
# Fitting steps that each told trial is worth, and at most this many at a time.
STEPS_PER_TRIAL, MOST_STEPS = 2, 20
# More trials than these are not modelled: half are the best, half the newest.
MOST_TRIALS = 300


def make(space: Space, seed: int = 0, *, startup_trials: Annotated[int, Range(2)] = 10) -> "GaussianProcess":
    """Return a Gaussian process over all of ``space``. startup_trials: how many are drawn at random at first."""
    return GaussianProcess(space, seed, startup_trials)


@dataclass(frozen=True)
class _Told:
    """A trial that has ended. ``worth``: what it is ranked by (has it a score, the score, has it finished)."""

    params: Params
    code: Code
    worth: tuple[bool, float, bool]


class GaussianProcess:
    """Proposes what is expected to improve most on the best (Jones et al., 1998), among what lies near the ten best.

    The candidates are mutations and crossings of these, and random draws. Scores count by their ranks, as quantiles of
    a normal distribution, so that outliers and scales do not matter. A stopped trial is worth less than one that
    finished with the same score, and its score is noisier; a failed one is worth less than all that have a score.
    """

    def __init__(self, space: Space, seed: int, startup_trials: int) -> None:
        self.space, self.seed, self.startup_trials = space, seed, startup_trials
        self._encoding, self._surrogate = Encoding(), Surrogate()
        self._told: dict[Key, _Told] = {}
        self._open: dict[str, tuple[Key, Code]] = {}
        self._pool: dict[Key, tuple[Params, Code]] = {}
        self._steps_due = 0

    def ask(self, number: int) -> Params:
        """Return the most promising candidate that is neither known nor under way."""
        rng = np.random.default_rng([self.seed, number])
        told = self._modelled()
        if len(told) >= self.startup_trials:
            self._renew_pool(told, rng)
        params, code = self._best(told) if self._pool else self._random(rng)
        self._open[str(number)] = _key(params), code
        return params

    def tell(self, trial: Trial) -> None:
        """Learn from an ended trial; what lies outside the space teaches nothing."""
        self._open.pop(trial.candidate.id, None)
        try:
            params, code = self._encoding.draw(self.space, Replay(trial.candidate.params))
        except SpaceError:
            return
        worth = _worth(trial)
        known = self._told.pop(_key(params), None)
        # A failure does not undo a score: it may only say that this was proposed before.
        self._told[_key(params)] = known if known and known.worth[0] and not worth[0] else _Told(params, code, worth)
        self._steps_due = min(self._steps_due + STEPS_PER_TRIAL, MOST_STEPS)

    def _modelled(self) -> list[_Told]:
        """Return the trials to learn from, the best first."""
        told = list(self._told.values())
        best = sorted(told, key=lambda t: t.worth, reverse=True)
        if len(told) <= MOST_TRIALS:
            return best
        newest = {id(t) for t in told[-MOST_TRIALS // 2 :]}
        return best[: MOST_TRIALS // 2] + [t for t in best[MOST_TRIALS // 2 :] if id(t) in newest]

    def _renew_pool(self, told: Sequence[_Told], rng: np.random.Generator) -> None:
        """Add new candidates, near the best trials and anywhere, to those that were promising before."""
        for ask in _asks(told[:N_PARENTS], rng):
            params, code = self._encoding.draw(self.space, ask)
            self._pool[_key(params)] = params, code
        taken = self._taken()
        self._pool = {key: drawn for key, drawn in self._pool.items() if key not in taken}

    def _best(self, told: Sequence[_Told]) -> tuple[Params, Code]:
        """Return the candidate of greatest expected improvement; keep the next best for later."""
        pool = list(self._pool.items())
        scores = normal_scores([t.worth for t in told])
        open_ = [code for _, code in self._open.values()]
        x = self._encoding.matrix([*(t.code for t in told), *open_, *(code for _, (_, code) in pool)])
        noisy = np.array([1.0 if t.worth[2] else STOPPED_NOISE for t in told] + [1.0] * len(open_))
        n, m = len(told), len(noisy)
        self._surrogate.fit(x[:n], scores, self._encoding.owners, noisy[:n], self._steps_due)
        self._steps_due = 0
        means, deviations, best = self._surrogate.predict(x[:m], scores, noisy, x[m:])
        promise = log_improvement((means - best) / deviations) + np.log(deviations)
        ranked = [pool[i] for i in np.argsort(-promise, kind="stable")[:N_KEPT]]
        self._pool = dict(ranked)
        return ranked[0][1]

    def _taken(self) -> set[Key]:
        """Return what is known or under way."""
        return self._told.keys() | {key for key, _ in self._open.values()}

    def _random(self, rng: np.random.Generator) -> tuple[Params, Code]:
        """Return a random candidate, a new one if there seems to be one."""
        taken = self._taken()
        for _ in range(DRAWS):
            params, code = self._encoding.draw(self.space, Random(rng))
            if _key(params) not in taken:
                break
        return params, code


def _asks(parents: Sequence[_Told], rng: np.random.Generator) -> Iterator[Ask]:
    """Yield what answers for each member of a pool: mutations and crossings of ``parents``, and chance."""
    for i in range(N_MUTATIONS):
        parent = parents[i % len(parents)].params
        scale = WIDEST * (NARROWEST / WIDEST) ** rng.random()
        yield Mutate(parent, rng, _some_paths(parent, rng), scale=scale)
    for _ in range(N_CROSSES):
        first, second = rng.integers(len(parents), size=2)
        yield Cross(parents[first].params, parents[second].params, rng)
    for _ in range(N_RANDOM):
        yield Random(rng)


def _some_paths(params: Params, rng: np.random.Generator) -> set[str]:
    """Return one path or, each time with a quarter of the chance, one more."""
    paths = list(params)
    return {paths[i] for i in rng.integers(len(paths), size=rng.geometric(0.75))} if paths else set()


def _worth(trial: Trial) -> tuple[bool, float, bool]:
    return (True, trial.score or 0.0, trial.status == "finished") if is_scored(trial) else (False, 0.0, True)


def normal_scores(worths: Sequence[tuple[bool, float, bool]]) -> np.ndarray:
    """Return the normal quantile of each rank, (n,); equals share the middle of their ranks."""
    from scipy.special import ndtri

    ordered = sorted(worths)
    middles = [(bisect_left(ordered, w) + bisect_right(ordered, w)) / 2 for w in worths]
    return ndtri(np.array(middles) / len(worths))


def log_improvement(gain: np.ndarray) -> np.ndarray:
    """Return the logarithm of the expected improvement of normal variables with mean ``gain`` and deviation 1.

    It has a slope also where the improvement itself is too small to be told from 0 (Ament et al., 2023,
    arXiv:2310.20708).
    """
    from scipy.special import erfcx, ndtr

    above, below = np.maximum(gain, 0), np.minimum(gain, 0)
    log_of_sum = np.log(above * ndtr(above) + np.exp(-(above**2) / 2) / math.sqrt(2 * math.pi))
    # Below 0 the density is taken out; what is left is 1 + gain * cdf(gain) / density(gain).
    left = 1 + below * math.sqrt(math.pi / 2) * erfcx(-below / math.sqrt(2))
    log_of_product = -(below**2) / 2 - math.log(2 * math.pi) / 2 + np.log(np.maximum(left, 1e-15))
    return np.where(gain > 0, log_of_sum, log_of_product)


def _key(params: Params) -> Key:
    """Return what tells apart candidates that ``draw`` has made: it gives equals in the same order."""
    return tuple(params.items())
