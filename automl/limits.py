"""Limits on what is known of a candidate before it is trained: what is beyond them is made smaller, or left out."""

import numpy as np

from automl.assemble import build
from automl.errors import NotApplicable
from automl.goals import Goals
from automl.space import Params, Space, mutate
from automl.task import Task
from automl.training.torch_model import TorchModel
from automl.types import Values

# So many changes are tried to bring a candidate within the limits, each time the smaller one going on.
CHANGES = 150
EXAMPLES = 4


class KnownSizes:
    """Brings candidates within limits on what a network has before it is trained (``goals.COUNTED``).

    ``nearest``: what came nearest to the limits of all that could not be brought within them.
    """

    def __init__(self, task: Task, goals: Goals) -> None:
        self.goals = goals
        self.problem = task.problem
        self.x = task.data.x.take(slice(0, EXAMPLES))
        self.nearest: Values = {}

    def within(self, space: Space, params: Params, rng: np.random.Generator) -> Params | None:
        """Return ``params`` where they are within the limits, else what small changes make of them, or None.

        Each change is one typed mutation, kept where it brings the candidate nearer.
        """
        values = self._of(params)
        for _ in range(CHANGES):
            if self.goals.excess(values) <= 1:
                return params
            changed = mutate(space, params, rng)
            if self.goals.excess(smaller := self._of(changed)) < self.goals.excess(values):
                params, values = changed, smaller
        if not self.nearest or self.goals.excess(values) < self.goals.excess(self.nearest):
            self.nearest = values
        return None

    def _of(self, params: Params) -> Values:
        """Return what is known of a candidate: nothing where it is no network, or has steps before it that learn."""
        try:
            model = build(params, self.problem)
            return model.model.sizes(self.x) if isinstance(model.model, TorchModel) and not model.steps else {}
        except (NotApplicable, RuntimeError, ValueError):  # what cannot be built says so as a trial
            return {}
