"""The portfolio: who proposes what pays gets the trials, and all learn from all."""

from collections import Counter

import pytest

from automl import options
from automl.errors import AutoMLError, ConfigError
from automl.proposals import Proposals
from automl.searchers.adaptive import Adaptive
from automl.space import Choice, Params, Space
from automl.types import Trial
from tests.trials import trial

SPACE: Space = {"kind": Choice(["a", "b"])}


class Says:
    """Proposes always the same kind, ``n`` times."""

    def __init__(self, kind: str, n: int = 10_000) -> None:
        self.kind, self.n = kind, n
        self.told: list[Trial] = []

    def ask(self, number: int) -> Params | None:
        self.n -= 1
        return {"kind": self.kind, "n": number} if self.n >= 0 else None

    def tell(self, trial: Trial) -> None:
        self.told.append(trial)


def run(searcher: Adaptive, n: int, score: dict[str, float], start: int = 0) -> Counter[str]:
    """Try ``n`` candidates; each kind has a score, which rises with each trial of it."""
    kinds: Counter[str] = Counter()
    for number in range(start, start + n):
        params = searcher.ask(number)
        assert params is not None
        kinds[params["kind"]] += 1
        of = trial(score=score[params["kind"]] + 1e-3 * number)
        searcher.tell(Trial(type(of.candidate)(str(number), params), of.status, of.values, of.folds, of.reports))
    return kinds


def test_the_trials_go_to_who_earns_most_and_back_when_that_changes() -> None:
    a, b = Says("a"), Says("b")
    searcher = Adaptive({"a": a, "b": b}, 0, memory=20)
    first = run(searcher, 100, {"a": 0.0, "b": 1.0})
    assert first["b"] > 70
    assert len(a.told) == len(b.told) == 100
    then = run(searcher, 200, {"a": 5.0, "b": 1.0}, start=100)
    assert then["a"] > 120


def test_who_is_exhausted_or_fails_is_passed_over() -> None:
    searcher = Adaptive({"a": Says("a", 3), "b": Says("b")}, 0, memory=20)
    assert run(searcher, 300, {"a": 9.0, "b": 1.0}) == {"a": 3, "b": 297}
    alone = Adaptive({"a": Says("a", 1)}, 0, memory=20)
    assert alone.ask(0) is not None
    assert alone.ask(1) is None


@pytest.mark.parametrize("strategies", [[], ["gp", "adaptive"]])
def test_a_portfolio_is_of_others(strategies: list[str]) -> None:
    with pytest.raises(ConfigError, match="strategies of adaptive"):
        options.make("searchers", {"name": "adaptive", "strategies": strategies}, SPACE)


def test_an_unknown_strategy_is_named() -> None:
    with pytest.raises(AutoMLError, match="Did you mean 'evolution'"):
        options.make("searchers", {"name": "adaptive", "strategies": ["evolutoin"]}, SPACE)


def test_duplicates_are_refused_and_a_finite_space_comes_to_its_end() -> None:
    proposals = Proposals(lambda space, n: options.make("searchers", {"name": "adaptive"}, space, n), SPACE)
    found = []
    while (candidate := proposals.ask()) is not None:
        found.append(candidate.params["kind"])
        proposals.tell(trial(candidate, 0.5))
    assert sorted(found) == ["a", "b"]
