"""What population-based training changes of a strong trial's parameters."""

import numpy as np

from automl.schedulers.pbt import explore
from automl.space import Choice, Defaults, Float, Int, Space, draw, validate

SPACE: Space = {
    "optimizer": Choice({"sgd": {"rate": Float(1e-4, 0.1, log=True), "momentum": Float(0, 1)}, "adam": {}}),
    "width": Int(8, 64),
}


def test_only_the_numbers_that_match_move_a_little_or_are_drawn_anew() -> None:
    parent = draw(SPACE, Defaults())
    rng = np.random.default_rng(0)
    steps = [explore(SPACE, parent, rng, ("optimizer*",), 0.0) for _ in range(50)]
    anew = [explore(SPACE, parent, rng, ("optimizer*",), 1.0) for _ in range(50)]
    for child in steps + anew:
        assert validate(SPACE, child) == child
        assert {path for path in parent if child[path] != parent[path]} == {
            "optimizer.sgd.rate",
            "optimizer.sgd.momentum",
        }

    def spread(children: list[dict]) -> float:
        return float(np.std([np.log(child["optimizer.sgd.rate"]) for child in children]))

    assert spread(steps) < 0.5 * spread(anew)
