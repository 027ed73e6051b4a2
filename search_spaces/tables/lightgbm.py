"""Gradient boosted trees of LightGBM (Ke et al., 2017): leaf-wise growth on binned features."""

import re
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from automl.export.trees import TreeEnsemble, floor32
from automl.option import TARGETS, Family
from automl.search_spaces.tables.blocks import BOOSTED_FEATURES, OBJECTIVE, Boosted, adapt_boosted
from automl.space import Choice, Constant, Float, Int, Params, Space
from automl.task import Batch, Problem

SPACE: Space = {
    "objective": OBJECTIVE,
    "learning_rate": Float(0.01, 0.3, log=True, default=0.05),
    "max_rounds": Constant(4000),
    "num_leaves": Int(4, 255, log=True, default=31),
    "min_data_in_leaf": Int(2, 200, log=True, default=20),
    "feature_fraction": Float(0.3, 1.0, default=0.7),
    "bagging_fraction": Float(0.5, 1.0, default=0.9),
    "lambda_l1": Float(1e-6, 10.0, log=True, default=1e-6),
    "lambda_l2": Float(1e-6, 100.0, log=True, default=1e-3),
    "max_bin": Choice([63, 127, 255, 511], default=255),
    "extra_trees": Choice([False, True]),
}

_OBJECTIVES = {"log_loss": "binary", "l2": "regression", "l1": "regression_l1", "huber": "huber", "poisson": "poisson"}
_OBJECTIVES["quantiles"] = "quantile"
_METRICS = {"log_loss": "binary_logloss", "auc": "auc", "l2": "l2", "l1": "l1", "poisson": "poisson"}
_METRICS["quantiles"] = "quantile"
_COPIED: tuple[str, ...] = ("learning_rate", "num_leaves", "min_data_in_leaf", "feature_fraction", "bagging_fraction")
_COPIED += ("lambda_l1", "lambda_l2", "max_bin", "extra_trees")


def build(params: Params, problem: Problem) -> "LightGBM":
    """Return an unfitted model."""
    return LightGBM(params, problem)


class LightGBM(Boosted):
    """``fitted`` is a list of ``lightgbm.Booster``: one, or one for each quantile, which grow side by side."""

    def _start(self, train: Batch, valid: Batch) -> Callable[[int], list[float]]:
        import lightgbm

        settings = self._settings()
        data = lightgbm.Dataset(train.x.numeric, train.y, weight=train.weights, params=settings)
        # A data set without settings of its own would turn all cores back on.
        held_out = data.create_valid(valid.x.numeric, valid.y, weight=valid.weights, params=settings)
        each: list[dict[str, Any]] = [{"alpha": quantile} for quantile in self.target.quantiles] or [{}]
        boosters = [lightgbm.Booster(settings | own, data).add_valid(held_out, "valid") for own in each]
        self.fitted = boosters

        def loss_of(booster: lightgbm.Booster) -> float:
            loss, greater_is_better = booster.eval_valid()[0][2:4]
            return -loss if greater_is_better else loss

        def advance(n_rounds: int) -> list[float]:
            losses: list[float] = []
            for _ in range(n_rounds):
                done = [booster.update() for booster in boosters]
                if all(done):
                    break
                losses.append(float(np.mean([loss_of(booster) for booster in boosters])))
            return losses

        return advance

    def _settings(self) -> dict[str, Any]:
        multiclass = self.head.is_classification and self.head.n_raw > 1
        objective = "multiclass" if multiclass else _OBJECTIVES[self.objective]
        return {name: self.params[name] for name in _COPIED} | {
            "objective": objective,
            "num_class": self.head.n_raw if multiclass else 1,
            "metric": "multi_logloss" if multiclass else _METRICS[self.stopping],
            "bagging_freq": 1,
            "num_threads": self.threads,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def _raw(self, x: np.ndarray) -> np.ndarray:
        how = {"raw_score": True, "num_iteration": self.n_trees, "num_threads": self.threads}
        return np.column_stack([booster.predict(x, **how) for booster in self.fitted])

    def _trees(self) -> TreeEnsemble:
        n_scores, texts = self.head.n_raw, self._texts()
        if len(texts) == 1:
            return parse(texts[0], n_scores).trimmed(self.n_trees * n_scores)
        # One that could grow no further has fewer trees.
        alone = [(k, parse(text, 1)) for k, text in enumerate(texts)]
        return TreeEnsemble.join(
            [trees.trimmed(min(self.n_trees, trees.n_trees)).as_target(k, n_scores) for k, trees in alone]
        )

    def _texts(self) -> list[str]:
        """Return LightGBM's text of at least the first ``n_trees`` rounds of each booster."""
        # Writing it takes longer than all else; a model that came from its text has it.
        return [getattr(b, "text", "") or b.model_to_string(num_iteration=self.n_trees) for b in self.fitted]

    def _pack(self) -> list[bytes]:
        return [zlib.compress(text.encode(), level=1) for text in self._texts()]

    def _unpack(self, packed: list[bytes]) -> Any:
        return [_opened(zlib.decompress(one).decode()) for one in packed]


def _opened(text: str) -> Any:
    import lightgbm

    booster: Any = lightgbm.Booster(model_str=text)
    booster.text = text
    return booster


def parse(text: str, n_targets: int) -> TreeEnsemble:
    """Return the trees in LightGBM's text format of a model with numeric features.

    Tree t of the text belongs to target t % ``n_targets``. LightGBM numbers the splits of a tree
    0, 1, ... and writes a leaf i as the child -1 - i; here the leaves follow the splits.
    """
    n_leaves = _numbers(text, "num_leaves", np.int32)
    n_nodes = 2 * n_leaves - 1
    starts = np.concatenate([[0], np.cumsum(n_nodes)]).astype(np.int32)
    tree = np.repeat(np.arange(len(n_leaves)), n_leaves - 1)
    first_leaf = starts[:-1] + n_leaves - 1
    split = _positions(starts[:-1], n_leaves - 1)
    leaf = _positions(first_leaf, n_leaves)
    threshold, kind = _numbers(text, "threshold", np.float64), _numbers(text, "decision_type", np.int32)
    # Without missing values in training (type 0), LightGBM takes a missing one for zero.
    missing_left = np.where(kind >> 2 & 3, kind & 2 > 0, threshold >= 0)

    def spread(values: np.ndarray, at: np.ndarray, empty: float, dtype: Any) -> np.ndarray:
        array = np.full(starts[-1], empty, dtype)
        array[at] = values
        return array

    def children(key: str) -> np.ndarray:
        child = _numbers(text, key, np.int32)
        return spread(np.where(child < 0, first_leaf[tree] - 1 - child, starts[tree] + child), split, -1, np.int32)

    return TreeEnsemble(
        starts=starts,
        feature=spread(_numbers(text, "split_feature", np.int32), split, 0, np.int32),
        threshold=spread(_exact(threshold), split, 0, np.float32),
        left=children("left_child"),
        right=children("right_child"),
        missing_left=spread(missing_left, split, False, bool),
        value_node=leaf.astype(np.int32),
        value_target=np.repeat(np.arange(len(n_leaves)) % n_targets, n_leaves).astype(np.int32),
        value=_numbers(text, "leaf_value", np.float64).astype(np.float32),
        base=np.zeros(n_targets),
    )


def _exact(threshold: np.ndarray) -> np.ndarray:
    """Return float32 thresholds; LightGBM reads an x with |x| <= 1e-35 as zero."""
    zero = np.float32(1e-35)
    around = np.where(threshold < 0, np.nextafter(-zero, np.float32(-1)), zero)
    return np.where(np.abs(threshold) <= zero, around, floor32(threshold))


def _numbers(text: str, key: str, dtype: Any) -> np.ndarray:
    """Return the numbers after ``key=`` of all trees in a row."""
    lines = re.findall(rf"\n{key}=(.+)", text)
    return np.fromstring(" ".join(lines), dtype, sep=" ")


def _positions(first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return first[0], first[0] + 1, ... (count[0] numbers), first[1], ..."""
    before = np.concatenate([[0], np.cumsum(count)[:-1]])
    return np.repeat(first - before, count) + np.arange(count.sum())


OPTION = Family(
    space=SPACE,
    build=build,
    steps=BOOSTED_FEATURES,
    targets=TARGETS,
    order=10,
    requires=("lightgbm",),
    adapt=adapt_boosted,
)
