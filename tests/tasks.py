"""Small tasks of every kind of data, as ``automl.testing`` publishes them, and candidates for them."""

from collections.abc import Callable
from pathlib import Path

from automl.assemble import task_space
from automl.kept import KeptTrials
from automl.model_store import ModelStore
from automl.portfolio import first_candidates
from automl.space import Params
from automl.task import Task
from automl.testing import TARGETS
from automl.testing import make_task as make
from automl.training.objective import FitFolds
from automl.training.pipeline import Pipeline
from automl.types import Candidate, Values

Measured = Callable[[Task, Pipeline], Values]

__all__ = ["TARGETS", "defaults", "kept_trials", "make"]


def defaults(task: Task, family: str) -> Params | None:
    """Return a family's default parameters, with four epochs for a network; None where it is not for the task."""
    params = next((p for p in first_candidates(task_space(task)) if p["family"] == family), None)
    epochs = f"family.{family}.epochs"
    return params | {epochs: 4} if params and epochs in params else params


def kept_trials(task: Task, folder: Path, *families: str, measured: Measured | None = None) -> KeptTrials:
    """Trials of families' defaults, fitted to each fold; what they leave is below ``folder``.

    ``measured``: what else is measured of each (``FitFolds``).
    """
    store = ModelStore(str(folder / "trials"))
    store.create()
    kept = KeptTrials(store, task.valid_rows, task.n_rows)
    for id, family in enumerate(families):
        params = defaults(task, family)
        assert params is not None
        kept.offer(list(FitFolds(task, store, measured)(Candidate(str(id), params), 1, None))[-1])
    return kept
