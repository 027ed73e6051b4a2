"""Random forests (Breiman, 2001): the mean of deep trees grown on resampled rows and random columns."""

from automl.option import TARGETS, Family
from automl.search_spaces.tables.blocks import TREE_FEATURES, adapt_forest, build_forest, forest_space
from automl.space import Params
from automl.task import Problem
from automl.types import Model

SPACE = forest_space(rows="bootstrap")


def build(params: Params, problem: Problem) -> Model:
    """Return an unfitted forest; missing numbers are sent to the better side of each split."""
    return build_forest(params, problem, "RandomForestClassifier", "RandomForestRegressor")


OPTION = Family(space=SPACE, build=build, steps=TREE_FEATURES, targets=TARGETS, order=40, adapt=adapt_forest)
