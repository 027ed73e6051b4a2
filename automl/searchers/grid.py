"""Grid search: every combination, branch by branch; numbers at evenly spaced points."""

from collections.abc import Iterator
from typing import Annotated, Any

from automl.options import Range
from automl.space import Choice, Defaults, Float, Int, Params, Scalar, Space, draw
from automl.types import Trial


def make(space: Space, seed: int = 0, *, points: Annotated[int, Range(1)] = 3) -> "GridSearch":
    """Return a searcher over the whole grid. points: how many values of each number are tried.

    The grid of a conditional space holds only the combinations that exist. ``seed`` is not used.
    """
    return GridSearch(space, points)


class GridSearch:
    """Proposes the grid in order, then None."""

    def __init__(self, space: Space, points: int) -> None:
        self.space, self.points = space, points
        self._grid = self._combinations()
        self._tried: list[Params] = []

    def ask(self, number: int) -> Params | None:
        """Return the next point of the grid that was not tried."""
        return next((params for params in self._grid if params not in self._tried), None)

    def tell(self, trial: Trial) -> None:
        """Remember what was tried: a resumed run does not begin again."""
        self._tried.append(trial.candidate.params)

    def _combinations(self) -> Iterator[Params]:
        """Walk the tree of answers depth first: the last question changes fastest."""
        fixed: Params | None = {}
        while fixed is not None:
            walk = _Walk(fixed, self.points)
            yield draw(self.space, walk)
            fixed = walk.next()


class _Walk(Defaults):
    """Answers as ``fixed`` says, else with the first value; remembers what else there was to say."""

    def __init__(self, fixed: Params, points: int) -> None:
        super().__init__(fixed)
        self.points = points
        self.asked: list[tuple[str, list[Any]]] = []

    def number(self, path: str, domain: Float | Int) -> float:
        return self._answer(path, grid_values(domain, self.points))

    def choice(self, path: str, domain: Choice) -> Scalar:
        return self._answer(path, list(domain.options))

    def _answer(self, path: str, values: list[Any]) -> Any:
        self.asked.append((path, values))
        return self.fixed.get(path, values[0])

    def next(self) -> Params | None:
        """Return the answers of the next combination: the last question that has a next value gets it."""
        given = {path: self.fixed.get(path, values[0]) for path, values in self.asked}
        for i in range(len(self.asked) - 1, -1, -1):
            path, values = self.asked[i]
            position = values.index(given[path])
            if position + 1 < len(values):
                return {p: given[p] for p, _ in self.asked[:i]} | {path: values[position + 1]}
        return None


def grid_values(domain: Float | Int, points: int) -> list[float]:
    """Return up to ``points`` values from low to high, evenly spaced (in the logarithm where it is log)."""
    units = [0.5] if points == 1 else [i / (points - 1) for i in range(points)]
    return list(dict.fromkeys(domain.from_unit(unit) for unit in units))
