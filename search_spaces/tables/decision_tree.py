"""One decision tree (Breiman et al., 1984): a model that can be read."""

from functools import partial
from typing import TYPE_CHECKING, Any

from automl.option import TARGETS, Family
from automl.search_spaces.tables.blocks import CRITERION, TREE_FEATURES, criterion_for_classes
from automl.space import Float, Int, Params, Space
from automl.task import Problem

if TYPE_CHECKING:
    from automl.training.forest import Forest

SPACE: Space = {
    "max_depth": Int(2, 20, default=8),
    "min_samples_leaf": Int(1, 100, log=True, default=10),
    "max_leaf_nodes": Int(4, 512, log=True, default=128),
    # Cost-complexity pruning.
    "ccp_alpha": Float(1e-6, 0.03, log=True, default=1e-5),
    "criterion": CRITERION,
}


def build(params: Params, problem: Problem) -> "Forest":
    """Return an unfitted tree; missing numbers are sent to the better side of each split."""
    from automl.training.forest import Forest

    return Forest(partial(_tree, params, problem.seed), 1, problem)


def _tree(params: Params, seed: int, regression: bool) -> Any:
    # A forest of one tree, without what makes a forest random, is the tree.
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    return (RandomForestRegressor if regression else RandomForestClassifier)(
        criterion="squared_error" if regression else params["criterion"],
        bootstrap=False,
        max_features=None,
        max_depth=params["max_depth"],
        min_samples_leaf=params["min_samples_leaf"],
        max_leaf_nodes=params["max_leaf_nodes"],
        ccp_alpha=params["ccp_alpha"],
        random_state=seed,
    )


OPTION = Family(space=SPACE, build=build, steps=TREE_FEATURES, targets=TARGETS, order=70, adapt=criterion_for_classes)
