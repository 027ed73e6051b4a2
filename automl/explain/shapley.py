"""Shapley values of any game: by all coalitions where they are few, else by permutations, with the error that has.

A game has p players; ``value(masks, against)`` answers coalitions: ``masks``, (m, p) bool, says who takes part,
``against``, (m,), which of the b background rows stands in for those who do not. The value of a coalition is
the mean over them.
"""

from collections.abc import Callable
from math import factorial

import numpy as np

Game = Callable[[np.ndarray, np.ndarray], np.ndarray]
# About so many truth values of coalitions are asked about at a time: with many players there are many, and long ones.
AT_ONCE = 4_000_000


def by_all_coalitions(value: Game, n_players: int, n_background: int) -> np.ndarray:
    """Return the exact Shapley values, (p, width), of 2**p coalitions (Shapley, 1953)."""
    masks = (np.arange(2**n_players)[:, None] >> np.arange(n_players) & 1).astype(bool)
    every = np.repeat(masks, n_background, axis=0), np.tile(np.arange(n_background), len(masks))
    means = value(*every).reshape(len(masks), n_background, -1).mean(axis=1)
    size = masks.sum(axis=1)
    shares = np.array([factorial(s) * factorial(n_players - s - 1) for s in range(n_players)]) / factorial(n_players)
    values = np.zeros((n_players, means.shape[1]))
    for player in range(n_players):
        without = np.flatnonzero(~masks[:, player])
        gain = means[without + 2**player] - means[without]
        values[player] = shares[size[without]] @ gain
    return values


def by_permutations(
    value: Game, n_players: int, n_background: int, whole: np.ndarray, empty: np.ndarray, pairs: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return unbiased estimates of the Shapley values and their standard errors, (p, width) each.

    Players join in ``pairs`` random orders and in the reverse of each (Mitchell et al., "Sampling Permutations for
    Shapley Value Estimation", JMLR 2022); the background rows take turns, so that with a multiple of their number the
    values add up exactly. ``whole``: (width,) the value of all players; ``empty``: (b, width) of none.
    """
    rng = np.random.default_rng(seed)
    orders = np.argsort(rng.random((pairs, n_players)), axis=1)
    places = np.argsort(orders, axis=1)  # when each player joins
    against = np.arange(pairs) % n_background
    inner = np.arange(1, n_players)
    width = whole.shape[0]
    between = np.zeros((2, pairs, len(inner), width))
    step = max(1, AT_ONCE // max(1, 2 * len(inner) * n_players))
    for some in (slice(i, i + step) for i in range(0, pairs if len(inner) else 0, step)):
        forward = places[some, None, :] < inner[None, :, None]  # (some, p - 1, p)
        both = np.concatenate([forward, ~forward[:, ::-1]])
        asked = both.reshape(-1, n_players), np.repeat(np.tile(against[some], 2), len(inner))
        between[:, some] = value(*asked).reshape(2, -1, len(inner), width)
    start = np.broadcast_to(empty[against][None, :, None], (2, pairs, 1, width))
    end = np.broadcast_to(whole, (2, pairs, 1, width))
    gains = np.diff(np.concatenate([start, between, end], axis=2), axis=2)  # by place
    row = np.arange(pairs)[:, None]
    each = (gains[0][row, places] + gains[1][row, n_players - 1 - places]) / 2  # (pairs, p, width), by player
    errors = each.std(axis=0, ddof=1) / np.sqrt(pairs) if pairs > 1 else np.full(each.shape[1:], np.nan)
    return each.mean(axis=0), errors
