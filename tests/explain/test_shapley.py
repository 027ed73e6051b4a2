"""Shapley values of games against their definition, an average over every order of the players."""

from itertools import permutations

import numpy as np
import pytest

from automl.explain import shapley

P, B, WIDTH = 5, 3, 2


def a_game(seed: int = 0) -> tuple[shapley.Game, np.ndarray]:
    """A game of random values, and the mean value of each coalition by its number."""
    table = np.random.default_rng(seed).normal(size=(2**P, B, WIDTH))
    table[-1] = table[-1, :1]  # with all players, the background does not matter

    def value(masks: np.ndarray, against: np.ndarray) -> np.ndarray:
        return table[masks @ 2 ** np.arange(P), against]

    return value, table


def by_definition(means: np.ndarray) -> np.ndarray:
    values = np.zeros((P, WIDTH))
    orders = list(permutations(range(P)))
    for order in orders:
        coalition = 0
        for player in order:
            values[player] += means[coalition + 2**player] - means[coalition]
            coalition += 2**player
    return values / len(orders)


def test_all_coalitions_give_the_definition() -> None:
    value, table = a_game()
    found = shapley.by_all_coalitions(value, P, B)
    np.testing.assert_allclose(found, by_definition(table.mean(axis=1)), atol=1e-12)


def test_random_orders_add_up_and_come_near_with_the_error_they_say() -> None:
    value, table = a_game(1)
    exact = by_definition(table.mean(axis=1))
    apart = []
    for seed in range(40):
        found, errors = shapley.by_permutations(value, P, B, table[-1, 0], table[0], pairs=30, seed=seed)
        np.testing.assert_allclose(found.sum(axis=0), table[-1, 0] - table[0].mean(axis=0), atol=1e-9)
        apart.append((found - exact) / errors)
    # Of errors in their own standard units, the mean is about 0 and most are within 2.
    assert abs(np.mean(apart)) < 0.15
    assert 0.9 < np.mean(np.abs(apart) < 2) <= 1


@pytest.mark.parametrize("n_players", [1, 2])
def test_few_players(n_players: int) -> None:
    def value(masks: np.ndarray, against: np.ndarray) -> np.ndarray:
        return masks.sum(axis=1, keepdims=True) * 2.0 + against[:, None]

    whole, empty = np.array([2.0 * n_players]), np.array([[0.0], [0.0]])
    found, _ = shapley.by_permutations(lambda m, a: value(m, a * 0), n_players, 2, whole, empty, pairs=4, seed=0)
    np.testing.assert_allclose(found, 2.0)
    np.testing.assert_allclose(shapley.by_all_coalitions(value, n_players, 2), 2.0)
