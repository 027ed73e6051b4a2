"""Gradient boosted symmetric trees of CatBoost (Prokhorenkova et al., 2018), on numbers."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from automl.export.trees import TreeEnsemble
from automl.option import TARGETS, Family
from automl.search_spaces.tables.blocks import BOOSTED_FEATURES, OBJECTIVE, Boosted, adapt_boosted
from automl.space import Choice, Constant, Float, Int, Params, Space, begin_at, scope
from automl.task import Batch, Problem

# To begin with, and for three classes or more.
_RATE, _RATE_OF_MANY = 0.06, 0.1
SPACE: Space = {
    "objective": OBJECTIVE,
    "learning_rate": Float(0.01, 0.3, log=True, default=_RATE),
    "max_rounds": Constant(3000),
    "depth": Int(2, 9, default=6),
    "l2_leaf_reg": Float(0.1, 50.0, log=True, default=3.0),
    "random_strength": Float(1e-3, 10.0, log=True, default=1.0),
    "bootstrap": Choice(
        {"mvs": {"share": Float(0.4, 1.0, default=0.8)}, "bayesian": {"temperature": Float(0.0, 3.0, default=1.0)}}
    ),
    "border_count": Choice([32, 64, 128, 254], default=128),
}

_OBJECTIVES = {"log_loss": "Logloss", "l2": "RMSE", "l1": "MAE", "huber": "Huber:delta=1.0", "poisson": "Poisson"}
_METRICS = {"log_loss": "Logloss", "auc": "AUC", "l2": "RMSE", "l1": "MAE", "poisson": "Poisson"}
_BOOTSTRAP = {"mvs": ("MVS", "subsample", "share"), "bayesian": ("Bayesian", "bagging_temperature", "temperature")}
_SAMPLED_ROWS = 20
_COPIED = ("learning_rate", "depth", "l2_leaf_reg", "random_strength", "border_count")


def build(params: Params, problem: Problem) -> "CatBoost":
    """Return an unfitted model."""
    return CatBoost(params, problem)


class CatBoost(Boosted):
    """``fitted`` is a ``catboost.CatBoost``."""

    def _start(self, train: Batch, valid: Batch) -> Callable[[int], list[float]]:
        import catboost

        settings = self._settings(len(train))
        name = settings["eval_metric"]
        data, held_out = (catboost.Pool(b.x.numeric, b.y, weight=b.weights) for b in (train, valid))

        def advance(n_rounds: int) -> list[float]:
            # In one process and on one pool, CatBoost goes on as if it had never stopped: the trees are
            # the very ones of a single long fit.
            longer = catboost.CatBoost({**settings, "iterations": n_rounds})
            longer.fit(data, eval_set=held_out, use_best_model=False, init_model=self.fitted)
            self.fitted = longer
            losses = longer.evals_result_["validation"][name]
            return [-loss for loss in losses] if name == "AUC" else losses

        return advance

    def _settings(self, n_rows: int) -> dict[str, Any]:
        objective, stopping = self._losses()
        kind, option, name = _BOOTSTRAP[self.params["bootstrap"]]
        sampling = {"bootstrap_type": kind, option: scope(self.params, f"bootstrap.{self.params['bootstrap']}")[name]}
        return {name: self.params[name] for name in _COPIED} | {
            "loss_function": objective,
            "eval_metric": stopping,
            # CatBoost refuses to sample from a handful of rows.
            **(sampling if n_rows >= _SAMPLED_ROWS else {"bootstrap_type": "No"}),
            "thread_count": self.threads,
            "random_seed": self.seed,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }

    def _losses(self) -> tuple[str, str]:
        """Return CatBoost's names of what is minimised and of what it is stopped by."""
        if quantiles := self.target.quantiles:
            of = "MultiQuantile" if len(quantiles) > 1 else "Quantile"
            return (f"{of}:alpha={','.join(map(str, quantiles))}",) * 2
        if self.head.n_raw > 1:
            return "MultiClass", "MultiClass"
        return _OBJECTIVES[self.objective], _METRICS[self.stopping]

    def _raw(self, x: np.ndarray) -> np.ndarray:
        return self.fitted.predict(x, "RawFormulaVal", ntree_end=self.n_trees, thread_count=self.threads)

    def _trees(self) -> TreeEnsemble:
        return parse(json.loads(self._written("json")), self.head.n_raw)

    def _pack(self) -> bytes:
        return self._written("cbm")

    def _unpack(self, packed: bytes) -> Any:
        import catboost

        return catboost.CatBoost().load_model(blob=packed)

    def _written(self, form: str) -> bytes:
        """Return the first ``n_trees`` rounds in one of CatBoost's own formats."""
        smaller = self.fitted.copy()
        if smaller.tree_count_ > self.n_trees:
            smaller.shrink(self.n_trees)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            smaller.save_model(str(path), format=form)
            return path.read_bytes()


def parse(model: dict[str, Any], n_targets: int) -> TreeEnsemble:
    """Return the trees in CatBoost's JSON format of a model with numeric features.

    A symmetric tree asks one question per level, ``x > border``; the answers, first question first,
    are the bits of the leaf's number from the lowest up. Here the last question is the root.
    """
    columns = model["features_info"]["float_features"]
    flat = np.array([c["flat_feature_index"] for c in columns], np.int32)
    # A missing value counts as smaller than all others, unless training saw it put on top.
    left_if_missing = np.array([c["nan_value_treatment"] != "AsTrue" for c in columns])
    scale, bias = model["scale_and_bias"]
    trees = [_tree(tree, flat, left_if_missing, n_targets, scale) for tree in model["oblivious_trees"]]
    joined = TreeEnsemble.join(trees)
    base = np.broadcast_to(np.asarray(bias, np.float64), n_targets)
    return TreeEnsemble(**{**vars(joined), "base": base.copy()})


def _tree(
    tree: dict[str, Any], flat: np.ndarray, left_if_missing: np.ndarray, n_targets: int, scale: float
) -> TreeEnsemble:
    splits = (tree["splits"] or [])[::-1]
    depth = len(splits)
    n_splits, n_nodes = 2**depth - 1, 2 ** (depth + 1) - 1
    level = np.repeat(np.arange(depth), 2 ** np.arange(depth))
    column = np.array([s["float_feature_index"] for s in splits], np.int32)[level]
    border = np.array([s["border"] for s in splits], np.float32)[level]
    leaves = np.zeros(n_nodes - n_splits)
    child = 2 * np.arange(n_splits, dtype=np.int32) + 1
    value = np.array(tree["leaf_values"]) * scale
    return TreeEnsemble(
        starts=np.array([0, n_nodes], np.int32),
        feature=np.concatenate([flat[column], leaves]).astype(np.int32),
        threshold=np.concatenate([border, leaves]).astype(np.float32),
        left=np.concatenate([child, leaves - 1]).astype(np.int32),
        right=np.concatenate([child + 1, leaves - 1]).astype(np.int32),
        missing_left=np.concatenate([left_if_missing[column], leaves]).astype(bool),
        value_node=np.repeat(np.arange(n_splits, n_nodes), n_targets).astype(np.int32),
        value_target=np.tile(np.arange(n_targets), len(leaves)).astype(np.int32),
        value=value.astype(np.float32),
        base=np.zeros(n_targets),
    )


def adapt(space: Space, problem: Problem) -> Space | None:
    """Return what fits the target; rounds for several classes are slow: fewer and quicker ones are tried first."""
    fitted = adapt_boosted(space, problem)
    if fitted is None or problem.target.n_classes <= 2:
        return fitted
    return begin_at(begin_at(fitted, "learning_rate", _RATE, _RATE_OF_MANY), "border_count", 128, 64)


OPTION = Family(
    space=SPACE,
    build=build,
    steps=BOOSTED_FEATURES,
    targets=TARGETS,
    order=30,
    requires=("catboost",),
    adapt=adapt,
)
