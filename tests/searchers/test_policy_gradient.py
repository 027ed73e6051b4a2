"""A learned distribution: what is better becomes more likely, and nothing dies out."""

import numpy as np
import pytest

from automl.searchers import policy_gradient
from automl.space import Choice, Float, Params, Space, validate
from automl.types import Candidate, Trial
from tests.trials import trial

SPACE: Space = {
    "family": Choice(
        {"net": {"kind": Choice({"deep": {"width": Float(0, 1)}, "flat": {}})}, "other": {"x": Float(0, 1)}}
    )
}


def worth(params: Params) -> float:
    """Best is a deep net of a small width."""
    if params["family"] == "other":
        return 0.0
    return 2 - params["family.net.kind.deep.width"] if params["family.net.kind"] == "deep" else 0.5


def learned(n: int, seed: int = 0) -> policy_gradient.PolicyGradient:
    searcher = policy_gradient.make(SPACE, seed)
    for number in range(n):
        params = searcher.ask(number)
        assert validate(SPACE, params) == params
        searcher.tell(trial(Candidate(str(number), params), worth(params)))
    return searcher


def test_what_is_better_becomes_more_likely() -> None:
    searcher = learned(150)
    drawn = [worth(searcher.ask(number)) for number in range(1000, 1100)]
    at_first = [worth(learned(0).ask(number)) for number in range(1000, 1100)]
    assert np.mean(drawn) > np.mean(at_first) + 0.4


def test_probabilities_are_some_and_none_dies_out() -> None:
    searcher = learned(300)
    family = SPACE["family"]
    assert isinstance(family, Choice)
    found = searcher.probabilities("family", family)
    assert found.sum() == pytest.approx(1)
    assert found[0] > 0.8
    assert found.min() >= 0.1 / 2


def test_scores_count_by_their_ranks_alone() -> None:
    plain, scaled = policy_gradient.make(SPACE), policy_gradient.make(SPACE)
    for number in range(20):
        params = plain.ask(number)
        assert scaled.ask(number) == params
        plain.tell(trial(Candidate(str(number), params), worth(params)))
        scaled.tell(trial(Candidate(str(number), params), 1e6 * worth(params) - 3e9))


def test_what_failed_or_lies_outside_teaches_nothing() -> None:
    searcher = policy_gradient.make(SPACE)
    searcher.tell(Trial(Candidate("0", {"family": "gone"}), "failed"))
    searcher.tell(Trial(Candidate("1", {"family": "other", "family.other.x": 0.5}), "failed"))
    assert searcher.ask(2) == policy_gradient.make(SPACE).ask(2)
