"""One-shot architecture search, then any other strategy (see ``training/one_shot.py``).

One trial is a search of its own: networks share weights around the best one so far, and what is best by these is
proposed next. A trial that fails, or a space without networks, leaves the other strategy.
"""

from collections import deque
from collections.abc import Mapping
from typing import Annotated, Any

from automl import options
from automl.errors import ConfigError
from automl.goals import Goals, is_scored
from automl.space import Choice, Defaults, Params, Space, draw
from automl.training import network
from automl.types import ONE_SHOT, ONE_SHOT_FOUND, ONE_SHOT_JOINT, ONE_SHOT_SHARE, Searcher, Trial


def make(
    space: Space,
    seed: int = 0,
    *,
    by: str = "evolution",
    joint: bool = False,
    share: Annotated[float, options.Range(0.01, 0.5)] = 0.2,
    found: Annotated[int, options.Range(1)] = 6,
    then: str = "tpe",
) -> "Supernet":
    """Return a one-shot search by weights that networks share, and the strategy ``then`` for all else.

    by: the strategy that searches by what shared weights are worth: a name of another searcher. joint: whether it
    also chooses what is trained, and learns from each visit, as a learned distribution should (by=policy_gradient);
    else what is trained is drawn at random. share: of the time that is left when it begins; without a deadline it
    takes the steps of one training. found: how many candidates it proposes.
    """
    if "supernet" in (by, then):
        raise ConfigError(f"The strategies of supernet are names of other searchers; got by={by}, then={then}.")
    options.check("searchers", {"name": by})
    asked = {ONE_SHOT: by, ONE_SHOT_SHARE: share, ONE_SHOT_JOINT: options.flag("joint of supernet", joint)}
    other = options.make("searchers", {"name": then}, space, seed)
    return Supernet(space, {**asked, ONE_SHOT_FOUND: found}, other)


class Supernet:
    """Asks for one search by shared weights, around the best network so far; proposes what it found."""

    def __init__(self, space: Space, asked: Mapping[str, Any], other: Searcher) -> None:
        self.asked, self.other = asked, other
        self._networks = _networks(space)
        self._told: list[Trial] = []
        self._found: deque[Params] = deque()
        self._searched = not self._networks

    def ask(self, number: int) -> Params | None:
        """Return the search itself once, then what it found, else what the other strategy proposes."""
        if not self._searched:
            self._searched = True
            return {**self._best(), **self.asked}
        return self._found.popleft() if self._found else self.other.ask(number)

    def tell(self, trial: Trial) -> None:
        """Teach the other strategy; of the search, learn what it found."""
        if ONE_SHOT in trial.candidate.params:
            self._searched = True
            self._found.extend(trial.found)
            return
        if is_scored(trial) and trial.candidate.params.get("family") in self._networks:
            self._told.append(trial)
        self.other.tell(trial)

    def _best(self) -> Params:
        """Return the parameters of the best network so far, else the defaults of the first family of networks."""
        best = Goals().best(self._told)
        return dict(best.candidate.params) if best else next(iter(self._networks.values()))


def _networks(space: Space) -> dict[str, Params]:
    """Return the families that are trained by the loop of networks, with their defaults."""
    family = space.get("family")
    families = family.options if isinstance(family, Choice) else {}
    return {
        str(name): draw({"family": Choice({name: own})}, Defaults())
        for name, own in families.items()
        if network.PARTS.keys() <= own.keys()
    }
