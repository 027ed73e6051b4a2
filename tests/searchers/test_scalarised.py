"""Several objectives for searchers that know one: the front is widened, whatever trials come."""

import math

import numpy as np
import pytest

from automl import options, registry
from automl.goals import SCORE, Goals
from automl.proposals import Proposals
from automl.searchers._scalarised import Scalarised
from automl.space import Choice, Float, Params, Space
from automl.types import Candidate, Searcher
from benchmarks.search.fronts import hypervolume
from tests.trials import trial

GOALS = Goals((SCORE, "bytes"))
# The score wants a wide model, its bytes a narrow one; two rates only cost.
SPACE: Space = {"width": Float(1, 1000, log=True), **{f"rate_{i}": Float(0, 1) for i in range(2)}}


def measured(params: Params) -> dict[str, float]:
    off = sum(abs(params[f"rate_{i}"] - 0.3) for i in range(2))
    width = params["width"]
    return {SCORE: 1 - width**-0.5 - 0.5 * off, "bytes": width * (1 + off)}


def searchers(name: str, goals: Goals | None, seed: int = 0) -> Searcher:
    def plain(i: int = 0) -> Searcher:
        return options.make("searchers", {"name": name}, SPACE, seed + 1000 * i)

    return plain() if goals is None else Scalarised(plain, goals)


def front(name: str, goals: Goals | None, seed: int, n: int = 50) -> float:
    """The hypervolume of ``n`` trials."""
    proposals, found = Proposals(lambda space, n: searchers(name, goals, seed), SPACE, seed=seed), []
    for _ in range(n):
        candidate = proposals.ask()
        assert candidate is not None
        values = measured(candidate.params)
        found.append([math.log(values["bytes"]), -values[SCORE]])
        proposals.tell(trial(candidate, values[SCORE], values=values))
    return hypervolume(np.array(found), (math.log(3000), 1.0))


@pytest.mark.parametrize("name", ["evolution", "gp"])
def test_a_searcher_widens_the_front(name: str) -> None:
    both, alone = ([front(name, goals, seed) for seed in range(3)] for goals in (GOALS, None))
    assert np.mean(both) > np.mean(alone)


@pytest.mark.parametrize("name", registry.names("searchers"))
def test_any_trials_may_be_told(name: str) -> None:
    """Failed ones, unmeasured ones, equal ones, and such as this searcher never proposed."""
    space: Space = {"family": Choice({"a": {"x": Float(0, 1)}, "b": {}})}
    made = Scalarised(lambda i: options.make("searchers", {"name": name}, space, i), GOALS)
    told = [
        *(({SCORE: 0.5, "bytes": 100.0}, "finished") for _ in range(9)),
        ({SCORE: 0.6}, "finished"),
        ({SCORE: math.nan, "bytes": 1.0}, "finished"),
        ({}, "failed"),
        ({SCORE: -1e300, "bytes": 0.0}, "stopped"),
        *(({SCORE: 0.5 + i / 100, "bytes": 100.0 + i}, "finished") for i in range(9)),
    ]
    for number, (values, status) in enumerate(told):
        params = made.ask(number) or {"family": "b"}
        assert params["family"] in ("a", "b")
        made.tell(trial(Candidate(str(number), params), values.get(SCORE), status, values=values))  # type: ignore[arg-type]


def test_more_objectives_have_more_directions() -> None:
    for n in (2, 3, 4):
        goals = Goals((SCORE, "bytes", "row_ms", "parameters")[:n])
        directions = Scalarised(lambda i: searchers("random", None), goals).directions
        assert directions.shape == (2 * n + 1, n)
        assert (directions > 0).all()
        np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
