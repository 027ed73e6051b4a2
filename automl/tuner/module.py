"""``search_function``: PyTorch modules of one's own, trained by our loop or by one's own."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl import files
from automl.assemble import training_for, training_space
from automl.errors import ConfigError, SpaceError
from automl.goals import Goals
from automl.space import Params, Space, configure
from automl.task import Task
from automl.training.objective import FitFolds
from automl.tuner.data import Given, Part, rows_of
from automl.tuner.function import Reports, maximize
from automl.tuner.run import Found, Named, Plan, best_of
from automl.types import Trial

if TYPE_CHECKING:
    from torch import nn

    from automl.training.pipeline import Pipeline
    from automl.tuner.network import Weights

# fit(module, params, (x, y) to train on, (x, y) to validate on)
FitModule = Callable[["nn.Module", Params, Part, Part], Reports]


@dataclass(frozen=True)
class FoundModule(Found):
    """The best module that our loop has trained; its raw scores, as predictions.

    ``classes``: (k,) labels in the order of the scores; None for values.
    """

    model: "Pipeline" = field(repr=False, kw_only=True)
    classes: np.ndarray | None = field(kw_only=True)

    def predict(self, x: Any) -> np.ndarray:
        """Return (n,) labels, or (n,) values on the target's own scale."""
        answers = self.model.predict(rows_of(x))
        return answers[:, 0] if self.classes is None else self.classes[answers.argmax(axis=1)]

    def predict_proba(self, x: Any) -> np.ndarray:
        """Return (n, k) probabilities of ``classes``."""
        if self.classes is None:
            raise AttributeError("Values have no probabilities: use predict.")
        return self.model.predict(rows_of(x))


def search_function(
    build_model: "Callable[[Params], nn.Module]",
    space: Space,
    x: Any,
    y: Any,
    *,
    fit: FitModule | None = None,
    training: Mapping[str, Any] | None = None,
    metric: Any = "auto",
    target: str = "auto",
    folds: int | float = 0.2,
    validation: tuple[Any, Any] | None = None,
    searcher: Named = "gp",
    scheduler: Named = "halving",
    runner: Named = "inline",
    trials: int | None = 50,
    seconds: float | None = None,
    seed: int = 0,
    deterministic: bool = False,
) -> Found:
    """Return the best of the modules that ``build_model`` builds over ``space``, with its weights.

    build_model: takes parameters as ``draw`` gives them and returns a ``torch.nn.Module``. Its ``forward`` takes a
        batch of ``x``, floats and uint8 as float32, other whole numbers as int64, and returns raw scores: (b, classes),
        or (b, 1) or (b,) for values, which are learnt on a scale of mean 0 and deviation 1.
    x: (n, ...) array or tensor. y: (n,) labels of any type, or values.
    fit: trains a module instead of our loop: ``fit(module, params, (x, y), (x_valid, y_valid))`` is a generator that
        yields ``(progress, score)``, as for ``maximize``; x and y are arrays of those given.
    training: of our loop, which also searches over loss, optimizer, schedule, epochs, ...: what is changed of that, in
        the form of ``automl space``: {"epochs": 20, "loss": "cross_entropy", "optimizer": {"options": ["adamw"]}}.
    metric: as for ``AutoML``; target: "binary", "multiclass", "classification", "regression", or "auto".
    folds: the share of one holdout, or a number of folds, whose mean score counts; the module is that of the first.
    validation: (x, y) to validate on instead.
    searcher, scheduler, runner, trials, seconds, seed, deterministic: as for ``maximize``.

    Raises ``ConfigError`` or ``DataError`` for what is wrong, ``TrialError`` where no trial has a score.
    """
    plan = Plan(searcher, scheduler, runner, trials, seconds, seed, deterministic)
    data = Given.of(x, y, validation)
    if fit is not None:
        if training or metric != "auto" or target != "auto" or not isinstance(folds, float):
            raise ConfigError(
                "A fit of one's own sees to training and score: leave out training, metric, target and folds."
            )
        return _by_own_fit(build_model, fit, space, data.holdout(folds, seed), plan)
    task = data.task(metric, target, folds, seed)
    return _by_our_loop(build_model, _with_training(space, training or {}, task), task, plan)


def _with_training(space: Space, training: Mapping[str, Any], task: Task) -> Space:
    """Return ``space`` and, below "training", what is searched over in the training."""
    from automl.tuner.network import TRAINING

    if TRAINING in space:
        raise SpaceError(f"The parameters of the training stand under '{TRAINING}': rename that of the space.")
    how = training_for(configure(training_space(), training, TRAINING), task.target.kind, TRAINING, own_module=True)
    if how is None:
        raise ConfigError(f"No loss that is left in {TRAINING} fits a {task.target.kind} target; leave more of them.")
    return {**space, TRAINING: how}


def _by_our_loop(build_model: "Callable[[Params], nn.Module]", space: Space, task: Task, plan: Plan) -> FoundModule:
    from automl.tuner import network

    proposals = plan.proposals(space)
    with files.scratch(Path(tempfile.gettempdir()), "automl-") as scratch:
        store = network.Weights(str(scratch))
        build = partial(network.pipeline, build_model)
        objective = FitFolds(task, store, deterministic=plan.deterministic, build=build)
        ended: list[Trial] = []
        leader: Trial | None = None
        for trial in plan.run(objective, proposals):
            ended.append(trial)
            leader = _better(store, leader, trial)
        best = best_of(ended)
        params, first = best.candidate.params, task.data.x.take(slice(0, 1))
        module, model = network.fitted(build_model, params, task.problem, first, store.model(best.folds[0]))
    shown = task.metric.shown
    return FoundModule(
        params,
        shown(best.score or 0.0),
        module,
        ended,
        shown,
        model=model,
        classes=np.array(task.schema.classes) if task.target.is_classification else None,
    )


def _better(store: "Weights", best: Trial | None, trial: Trial) -> Trial | None:
    """Return the better of two trials; what the other one has left is dropped."""
    rivals = [trial] if best is None else [best, trial]
    winner = Goals().best(rivals)
    for loser in rivals:
        if loser is not winner:
            store.drop(loser.candidate.id)
    return winner


def _by_own_fit(
    build_model: "Callable[[Params], nn.Module]", fit: FitModule, space: Space, parts: tuple[Part, Part], plan: Plan
) -> Found:
    from automl.tuner.network import built

    found = maximize(partial(_fitted, build_model, fit, parts), space, **vars(plan))
    weights = found.value
    return replace(found, value=None if weights is None else built(build_model, found.params, weights).eval())


def _fitted(
    build_model: "Callable[[Params], nn.Module]", fit: FitModule, parts: tuple[Part, Part], params: Params
) -> Reports:
    """Train a module by a fit of one's own; return its weights."""
    from automl.tuner.network import built

    module = built(build_model, params)
    yield from fit(module, params, *parts)
    return {name: tensor.detach().cpu() for name, tensor in module.state_dict().items()}
