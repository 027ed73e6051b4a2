"""Extremely randomised trees (Geurts et al., 2006): a forest whose splits are drawn, not optimised."""

from functools import partial
from typing import TYPE_CHECKING, Any

from automl.space import Choice, Float, Int, Params, Space
from automl.task import Task

if TYPE_CHECKING:
    from automl.training.forest import Forest

SPACE = {
    "n_estimators": Int(50, 500, log=True, default=200),
    # The columns a split chooses from.
    "max_features": Choice({"sqrt": {}, "share": {"value": Float(0.1, 1.0)}}),
    "rows": Choice({"all": {}, "bootstrap": {"share": Float(0.3, 1.0, default=1.0)}}),
    "min_samples_leaf": Int(1, 50, log=True, default=2),
    "max_leaf_nodes": Int(32, 2048, log=True, default=1024),
    # For classes only: a regression minimises the squared error.
    "criterion": Choice(["gini", "entropy"]),
}
FEATURES = {"dates": {}, "text": {}, "encode": {"method": {"default": "ordinal", "native": "off"}}}
ORDER = 40


def adapt(space: Space, task: Task) -> Space:
    """Leave out what the task has no use for."""
    return space if task.is_classification else {k: v for k, v in space.items() if k != "criterion"}


def build(params: Params, task: Task) -> "Forest":
    """Return an unfitted forest; missing numbers are sent to the better side of each split."""
    from automl.training.forest import Forest

    return Forest(partial(_forest, params, task.seed, task.threads), params["n_estimators"], task)


def _forest(params: Params, seed: int, threads: int, regression: bool) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    bootstrap, width = params["rows"] == "bootstrap", params["max_features"]
    return (ExtraTreesRegressor if regression else ExtraTreesClassifier)(
        criterion="squared_error" if regression else params["criterion"],
        max_features=params["max_features.share.value"] if width == "share" else width,
        bootstrap=bootstrap,
        max_samples=params["rows.bootstrap.share"] if bootstrap else None,
        min_samples_leaf=params["min_samples_leaf"],
        max_leaf_nodes=params["max_leaf_nodes"],
        random_state=seed,
        n_jobs=threads,
    )
