"""Who leads: in one contest, and in several rounds together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from automl.contest.book import Contest, Entry

# A first place has so many points; those of other places fall by this power, as in Kaggle's ranking of users.
FIRST, POWER = 100.0, 0.75


@dataclass(frozen=True)
class Place:
    """A team in one contest. ``score``: the one it is ranked by. ``public``: the one it was told.

    ``time``: when the submission that counts was handed in. ``n``: how many of its submissions were scored.
    """

    rank: int
    team: str
    score: float
    public: float
    time: str
    n: int
    points: float


@dataclass(frozen=True)
class Total:
    """A team over several rounds: the sum of its points, and its rank in each round, None where it was not there."""

    rank: int
    team: str
    points: float
    places: tuple[int | None, ...]


def of(contest: Contest) -> list[Place]:
    """Return the teams of a contest, best first.

    A team's submission with the best public score counts; once the contest is closed, by its private score. Of equal
    scores the earlier one is better.
    """
    sign = 1 if contest.metric.greater_is_better else -1
    by_team: dict[str, list[Entry]] = {}
    for entry in contest.entries():
        if entry.public is not None:
            by_team.setdefault(entry.team, []).append(entry)

    def worth(score: float) -> float:
        return -math.inf if math.isnan(score) else sign * score

    def counted(entry: Entry) -> float:
        return _value(entry.private if contest.is_closed else entry.public)

    # ``max`` leaves the earlier of equals.
    best = [max(entries, key=lambda entry: worth(_value(entry.public))) for entries in by_team.values()]
    best.sort(key=lambda entry: (-worth(counted(entry)), entry.time))
    return [
        Place(rank, one.team, counted(one), _value(one.public), one.time, len(by_team[one.team]), points_of(rank))
        for rank, one in enumerate(best, 1)
    ]


def _value(score: float | None) -> float:
    return math.nan if score is None else score


def points_of(rank: int) -> float:
    """Return the points of a place, from 1: ``FIRST`` for the first, less and less for the next ones."""
    return FIRST * rank**-POWER


def together(rounds: Sequence[Sequence[Place]]) -> list[Total]:
    """Return the teams over all rounds, most points first; of equal ones, whose best place is better, then whose
    submissions were earlier.
    """
    teams = dict.fromkeys(standing.team for one in rounds for standing in one)
    found = []
    for team in teams:
        own = [next((standing for standing in one if standing.team == team), None) for one in rounds]
        there = [standing for standing in own if standing]
        order = (-sum(s.points for s in there), min(s.rank for s in there), max(s.time for s in there))
        found.append((order, team, tuple(standing.rank if standing else None for standing in own)))
    found.sort()
    return [Total(rank, team, -order[0], places) for rank, (order, team, places) in enumerate(found, 1)]
