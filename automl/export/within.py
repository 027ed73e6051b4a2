"""What to ship within hard limits: first what should fit, by what the trials have measured of one model each."""

from collections.abc import Callable, Iterator, Mapping

from automl.goals import Goals
from automl.kept import KeptTrials

# So many of the best single candidates are tried; then so many of those that are beyond the limits by least.
SINGLES, BEYOND = 8, 3
# Compression may bring a graph to this share of its bytes.
COMPRESSED = 0.35

Plan = tuple[Mapping[str, float], int | None]


def plans(
    kept: KeptTrials, ensemble: Mapping[str, float], score: Callable[[Mapping[str, float]], float], compresses: bool
) -> Iterator[Plan]:
    """Yield what to try, the best score first: weights by candidate, and how many fold models of each (None: all).

    ``ensemble``: the weights of candidates that are each within the limits, or none; members go, each time the one
    without which ``score`` (of weights) is best, until the rest should fit. Beside it stand single candidates, with as
    many of their fold models as should fit, also such as should fit once they are compressed; at last those that came
    nearest.
    """
    goals = kept.goals
    found: list[tuple[float, Plan]] = []
    weights = dict(ensemble)
    while weights and goals.excess(_expected(kept, weights)) > 1:
        fewer = [_without(weights, id) for id in weights if len(weights) > 1]
        weights = max(fewer, key=score, default={})
    if weights:
        found.append((score(weights), (weights, None)))
    excess = {id: goals.excess(_compressed(kept.trial(id).values, compresses)) for id in kept.ids()}
    probable = [id for id in excess if excess[id] <= 1 and set(goals.limits) <= kept.trial(id).values.keys()]
    for id in sorted(probable, key=lambda id: -_score(kept, id))[:SINGLES]:
        n_folds = len(kept.trial(id).folds)
        fitting = min(n_folds, max(1, int(1 / (goals.excess(kept.trial(id).values) or 1.0))))
        found += [(_score(kept, id), ({id: 1.0}, None if n == n_folds else n)) for n in dict.fromkeys((fitting, 1))]
    ordered = [plan for _, plan in sorted(found, key=lambda pair: -pair[0])]
    nearest = sorted((id for id in excess if id not in probable), key=excess.__getitem__)[:BEYOND]
    seen = set()
    for some, n in [*ordered, *(({id: 1.0}, 1) for id in nearest)]:
        if (key := (frozenset(some), n)) not in seen:
            seen.add(key)
            yield some, n


def allowed(kept: KeptTrials) -> list[str]:
    """Return the kept trials of which one model is within all limits."""
    return [id for id in kept.ids() if kept.goals.allow(kept.trial(id))]


def nothing_fits(goals: Goals, values: Mapping[str, float], of: str) -> str:
    """Say that nothing could be shipped, and what came nearest."""
    return (
        f"Nothing that was found is within the limits. What came nearest, {of}: {goals.describe(values)}. Raise the "
        "limits, or give the search more time."
    )


def _without(weights: Mapping[str, float], id: str) -> dict[str, float]:
    rest = sum(weight for other, weight in weights.items() if other != id)
    return {other: weight / rest for other, weight in weights.items() if other != id}


def _score(kept: KeptTrials, id: str) -> float:
    return kept.trial(id).score or 0.0


def _compressed(values: Mapping[str, float], compresses: bool) -> dict[str, float]:
    """Return what the values of a trial may be when it is compressed."""
    return {name: value * (COMPRESSED if compresses and name == "bytes" else 1.0) for name, value in values.items()}


def _expected(kept: KeptTrials, weights: Mapping[str, float]) -> dict[str, float]:
    """Return the sums over all fold models of the candidates."""
    trials = [kept.trial(id) for id in weights]
    return {
        name: sum(len(trial.folds) * trial.values.get(name, float("inf")) for trial in trials)
        for name in kept.goals.limits
    }
