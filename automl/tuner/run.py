"""What all searches of this folder are: proposals, a runner, and the best that it found."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl import options
from automl.errors import ConfigError, SpaceError, TrialError
from automl.goals import Goals
from automl.options import named, number
from automl.proposals import InOrder, Proposals
from automl.space import Defaults, Params, Space, draw, fault
from automl.types import Budget, Objective, Searcher, Trial

if TYPE_CHECKING:
    import pandas as pd

Named = str | Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """How a search goes. ``searcher``, ``scheduler``, ``runner``: a name, or ``{"name": ..., **options}``.

    ``trials``, ``seconds``: when it ends, whichever is first. ``deterministic``: the same trials with any number of
    workers; see ``InOrder``.
    """

    searcher: Named
    scheduler: Named
    runner: Named
    trials: int | None
    seconds: float | None
    seed: int
    deterministic: bool

    def __post_init__(self) -> None:
        if self.trials is None and self.seconds is None:
            raise ConfigError("A search needs an end: set trials, seconds or both.")
        if self.trials is not None:
            number("number of trials", self.trials, 1, whole=True)
        if self.seconds is not None:
            number("number of seconds", self.seconds, 0)
        if self.deterministic and self.seconds is not None:
            raise ConfigError("A deterministic search ends after a number of trials, since no clock is exact.")
        number("seed", self.seed, 0, 2**32 - 1, whole=True)

    def proposals(self, space: Space) -> Proposals:
        """Return what the searcher proposes, the defaults of ``space`` first. Raises ``SpaceError``."""
        if wrong := fault(space):
            raise SpaceError(f"A space is a mapping from names to domains; {wrong}.")
        if not space:
            raise SpaceError("The space needs at least one parameter; got none.")

        def make(part: Space, n: int) -> Searcher:
            made: Searcher = options.make("searchers", named(self.searcher), part, self.seed + n)
            return made

        kind = InOrder if self.deterministic else Proposals
        return kind(make, space, starts=[draw(space, Defaults())], seed=self.seed)

    def run(self, objective: Objective, proposals: Proposals) -> Iterator[Trial]:
        """Yield each trial when it has ended; Ctrl-C ends the search, and what there is by then stays."""
        options.check("schedulers", scheduler := named(self.scheduler))
        runner = options.make("runners", named(self.runner))
        budget = Budget(None if self.seconds is None else time.time() + self.seconds, self.trials)
        with closing(runner), closing(runner.run(objective, proposals, scheduler, budget)) as running:
            try:
                yield from (trial for trial in running if trial.status != "running")
            except KeyboardInterrupt:
                if not proposals.trials:
                    raise


@dataclass(frozen=True)
class Found:
    """The best of a search.

    ``params``: its parameters. ``score``: what it scored, in the sign that the metric or the function has. ``value``:
    the trained module, or what the function returned; None where that was nothing. ``ended``: all trials.
    """

    params: Params
    score: float
    value: Any
    ended: list[Trial] = field(repr=False)
    shown: Callable[[float], float] = field(repr=False, default=float)

    @property
    def module(self) -> Any:
        """The best ``torch.nn.Module``, in evaluation mode, on the CPU."""
        return self.value

    @property
    def trials(self) -> "pd.DataFrame":
        """All trials, best first: id, status, score, progress (0 to 1), seconds, failure, and each parameter."""
        import pandas as pd

        rows = [
            {
                "trial": int(trial.candidate.id),
                "status": trial.status,
                "score": None if trial.score is None else self.shown(trial.score),
                "progress": trial.reports[-1].progress if trial.reports else 0.0,
                "seconds": trial.seconds,
                "failure": trial.failure,
                **trial.candidate.params,
            }
            for trial in Goals().rank(self.ended)
        ]
        return pd.DataFrame(rows)


def best_of(ended: list[Trial]) -> Trial:
    """Return the best trial. Raises ``TrialError`` where none has a score, with the reasons."""
    best = Goals().best(ended)
    if best is None:
        reasons = dict.fromkeys(trial.failure for trial in ended if trial.failure)
        told = "; ".join(map(str, list(reasons)[:5])) or "none of them got as far as a first score in the time given"
        raise TrialError(f"None of {len(ended)} trials has a score: {told}.")
    return best
