"""Small tasks of every kind of data, as ``automl.testing`` publishes them, and candidates for them."""

from automl.assemble import task_space
from automl.portfolio import first_candidates
from automl.space import Params
from automl.task import Task
from automl.testing import TARGETS
from automl.testing import make_task as make

__all__ = ["TARGETS", "defaults", "make"]


def defaults(task: Task, family: str) -> Params | None:
    """Return a family's default parameters, with four epochs for a network; None where it is not for the task."""
    params = next((p for p in first_candidates(task_space(task)) if p["family"] == family), None)
    epochs = f"family.{family}.epochs"
    return params | {epochs: 4} if params and epochs in params else params
