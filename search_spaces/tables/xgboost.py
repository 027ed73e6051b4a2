"""Gradient boosted trees of XGBoost (Chen & Guestrin, 2016). The library is an extra."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from automl.export.trees import TreeEnsemble, below32
from automl.option import Family
from automl.search_spaces.tables.blocks import BOOSTED_FEATURES, OBJECTIVE, Boosted, adapt_boosted
from automl.space import Choice, Constant, Float, Int, Params, Space
from automl.task import Batch, Problem

SPACE: Space = {
    "objective": OBJECTIVE,
    "learning_rate": Float(0.01, 0.3, log=True, default=0.05),
    "max_rounds": Constant(3000),
    "max_depth": Int(2, 10, default=6),
    "min_child_weight": Float(0.1, 100.0, log=True, default=1.0),
    "subsample": Float(0.5, 1.0, default=0.9),
    "colsample_bytree": Float(0.3, 1.0, default=0.9),
    "reg_alpha": Float(1e-6, 10.0, log=True, default=1e-6),
    "reg_lambda": Float(1e-3, 100.0, log=True, default=1.0),
    "max_bin": Choice([64, 128, 256], default=256),
}

_OBJECTIVES = {
    "log_loss": "binary:logistic",
    "l2": "reg:squarederror",
    "l1": "reg:absoluteerror",
    "huber": "reg:pseudohubererror",
    "poisson": "count:poisson",
}
_METRICS = {"log_loss": "logloss", "auc": "auc", "l2": "rmse", "l1": "mae", "poisson": "poisson-nloglik"}
_COPIED: tuple[str, ...] = ("learning_rate", "max_depth", "min_child_weight", "subsample", "colsample_bytree")
_COPIED += ("reg_alpha", "reg_lambda", "max_bin")


def build(params: Params, problem: Problem) -> "XGBoost":
    """Return an unfitted model."""
    return XGBoost(params, problem)


class XGBoost(Boosted):
    """``fitted`` is an ``xgboost.Booster``."""

    def _start(self, train: Batch, valid: Batch) -> Callable[[int], list[float]]:
        import xgboost

        settings = self._settings(train)
        data = xgboost.QuantileDMatrix(
            train.x.numeric, train.y, weight=train.weights, max_bin=settings["max_bin"], nthread=self.threads
        )
        held_out = xgboost.QuantileDMatrix(
            valid.x.numeric, valid.y, weight=valid.weights, ref=data, max_bin=settings["max_bin"], nthread=self.threads
        )
        self.fitted = booster = xgboost.Booster(settings, [data, held_out])
        sign = -1.0 if settings["eval_metric"] == "auc" else 1.0

        def advance(n_rounds: int) -> list[float]:
            losses = []
            for _ in range(n_rounds):
                booster.update(data, booster.num_boosted_rounds())
                losses.append(sign * float(booster.eval(held_out).rsplit(":", 1)[1]))
            return losses

        return advance

    def _settings(self, train: Batch) -> dict[str, Any]:
        multiclass = self.head.n_raw > 1
        return (
            {name: self.params[name] for name in _COPIED}
            | {
                "objective": "multi:softprob" if multiclass else _OBJECTIVES[self.objective],
                "eval_metric": "mlogloss" if multiclass else _METRICS[self.stopping],
                # Boosting starts from the average.
                "base_score": 0.5 if multiclass else float(np.average(train.y, weights=train.weights)),
                "tree_method": "hist",
                "nthread": self.threads,
                "seed": self.seed,
                "verbosity": 0,
            }
            | ({"num_class": self.head.n_raw} if multiclass else {})
        )

    def _raw(self, x: np.ndarray) -> np.ndarray:
        return self.fitted.inplace_predict(x, iteration_range=(0, self.n_trees), predict_type="margin")

    def _trees(self) -> TreeEnsemble:
        model = json.loads(self.fitted[: self.n_trees].save_raw("json"))
        return parse(model["learner"], self.head.n_raw)

    def _pack(self) -> bytes:
        return bytes(self.fitted[: self.n_trees].save_raw("ubj"))

    def _unpack(self, packed: bytes) -> Any:
        import xgboost

        booster = xgboost.Booster({"nthread": self.threads})
        booster.load_model(bytearray(packed))
        return booster


def parse(learner: dict[str, Any], n_targets: int) -> TreeEnsemble:
    """Return the trees in XGBoost's JSON format of a model with numeric features.

    A row goes left where ``x < split condition``; a leaf keeps its value in the place of a condition.
    """
    base = np.atleast_1d(json.loads(learner["learner_model_param"]["base_score"])).astype(np.float64)
    objective = learner["objective"]["name"]
    if objective == "binary:logistic":
        base = np.log(base / (1 - base))
    elif objective == "count:poisson":
        base = np.log(base)
    model = learner["gradient_booster"]["model"]
    trees = [_tree(tree, target, n_targets) for tree, target in zip(model["trees"], model["tree_info"], strict=True)]
    return TreeEnsemble(**{**vars(TreeEnsemble.join(trees)), "base": np.broadcast_to(base, n_targets).copy()})


def _tree(tree: dict[str, Any], target: int, n_targets: int) -> TreeEnsemble:
    left, right = (np.array(tree[key], np.int32) for key in ("left_children", "right_children"))
    condition = np.array(tree["split_conditions"], np.float32)
    leaf = left < 0
    nodes = np.flatnonzero(leaf).astype(np.int32)
    return TreeEnsemble(
        starts=np.array([0, len(left)], np.int32),
        feature=np.where(leaf, 0, np.array(tree["split_indices"])).astype(np.int32),
        threshold=np.where(leaf, np.float32(0), below32(condition)),
        left=left,
        right=right,
        missing_left=np.array(tree["default_left"], bool) & ~leaf,
        value_node=nodes,
        value_target=np.full(len(nodes), target, np.int32),
        value=condition[leaf],
        base=np.zeros(n_targets),
    )


OPTION = Family(space=SPACE, build=build, steps=BOOSTED_FEATURES, order=50, requires=("xgboost",), adapt=adapt_boosted)
