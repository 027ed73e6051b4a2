"""What families for tables share: feature steps; boosting (early stopping, becoming a model); forests."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from automl import clock
from automl.errors import NotApplicable
from automl.export.trees import TreeEnsemble
from automl.space import OFF, Choice, Float, Int, Params, Space, begin_at, configure_choice
from automl.target import Head
from automl.task import Batch, Problem, Rows, present
from automl.training.chunks import next_chunk

if TYPE_CHECKING:
    from automl.export.graph import Graph
    from automl.training.forest import Forest

# What families of weighted sums and of distances take: numbers only, none missing, in columns of like widths,
# or the widest would decide. Which columns to keep is searched for them; trees choose by themselves.
NUMERIC_FEATURES = {
    "dates": {},
    "text": {},
    "impute": {"method": {"none": "off"}},
    "encode": {"method": {"native": "off"}},
    "scale": {},
    "select": {},
    "reduce": {},
}
# What networks take: categories as they are, which they embed, and numbers without gaps.
NETWORK_FEATURES = {
    "dates": {},
    "text": {},
    "impute": {"method": {"none": "off"}},
    "encode": {"method": {"default": "native"}},
    "scale": {"method": {"default": "quantile"}},
}
# What trees take: NaN is native to them. Boosted ones make good use of a level's mean target beside its number.
TREE_FEATURES = {"dates": {}, "text": {}, "encode": {"method": {"default": "ordinal", "native": "off"}}}
_MEAN_AND_NUMBER = {"default": "target", "target": {"codes": {"default": True}}, "native": "off"}
BOOSTED_FEATURES = {"dates": {}, "text": {}, "arithmetic": {}, "encode": {"method": _MEAN_AND_NUMBER}}
# What the trees of a regression minimise; "auto" is l1 where the metric is an absolute error, else l2.
OBJECTIVE = Choice(["auto", "l2", "l1", "huber", "poisson"])

_ABSOLUTE = ("mae", "median_absolute_error", "mape")
_RANKING = ("roc_auc", "average_precision")
_RANKED_ROWS = 1000  # with fewer, ranks are too coarse to stop by


def adapt_boosted(space: Space, problem: Problem) -> Space | None:
    """Return ``space`` with what fits: for classes and quantiles no objective, for a target below 0 no poisson.

    None where nothing is left.

    With more than two classes a level's number alone is tried first: a mean would be a column per class.
    """
    fitted = dict(space)
    objective, encode = fitted.get("objective"), fitted.get("encode")
    method = encode["method"] if isinstance(encode, Mapping) else None
    many = problem.target.n_classes > 2
    if many and isinstance(method, Choice) and method.start == "target" and "ordinal" in method:
        fitted["encode"] = {"method": configure_choice(method, {"default": "ordinal"}, "encode.method")}
    if problem.target.kind != "regression":
        fitted.pop("objective", None)
    elif problem.summaries.target_range[0] < 0 and isinstance(objective, Choice) and "poisson" in objective:
        if len(objective.options) == 1:
            return None
        fitted["objective"] = configure_choice(objective, {"poisson": OFF}, "objective")
    return fitted


class Boosted:
    """A model that adds trees round by round until its validation loss no longer falls.

    A family says how its library grows (``_start``), predicts (``_raw``), is written down
    (``_trees``), and is packed small for pickling (``_pack``, ``_unpack``). ``n_trees`` counts
    rounds up to the best one; a multiclass round has one tree per class, or one for all.
    """

    def __init__(self, params: Params, problem: Problem) -> None:
        self.params = params
        self.seed, self.threads, self.target = problem.seed, problem.threads, problem.target
        absolute = problem.metric.name in _ABSOLUTE
        if self.target.is_classification:
            self.objective = "log_loss"
            self.stopping = "auc" if self.target.n_classes == 2 and problem.metric.name in _RANKING else "log_loss"
        elif self.target.quantiles:
            self.objective = self.stopping = "quantiles"
        else:
            usual, objective = "l1" if absolute else "l2", params["objective"]
            self.objective = usual if objective == "auto" else objective
            self.stopping = "poisson" if objective == "poisson" else usual
        self.n_trees = 0
        self.rounds: int | None = None  # where no validation rows say when to stop
        self.fitted: Any = None
        self.head: Head
        self.constant: TreeEnsemble | None = None

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Boost with early stopping; yields about every half second.

        Raises ``NotApplicable`` for a poisson target below 0.
        """
        poisson = self.objective == "poisson"
        if poisson and train.y.min() < 0:
            raise NotApplicable(f"The objective 'poisson' needs a target of 0 or more; got {train.y.min():g}.")
        self.head = self.target.head(train.y, train.weights, "logs" if poisson else "odds")
        if self.rounds != 0 and len(np.unique(train.y)) > 1 and _varies(present(train.x.numeric)):
            seen, held_out = self.encoded(train), self.encoded(valid)
            held_out = held_out if len(held_out) else seen
            if self.stopping == "auc" and (len(held_out) < _RANKED_ROWS or len(np.unique(held_out.y)) == 1):
                self.stopping = "log_loss"
            yield from self._boost(self._start(seen, held_out))
        if not self.n_trees:
            self.constant = TreeEnsemble.constant(self.head.average)
        yield 1.0

    def refit(self, data: Batch, like: Sequence["Boosted"], growth: float) -> Iterator[float]:
        """Boost for as many rounds as ``like`` did on average, times ``growth``: more rows bear more rounds."""
        self.rounds = round(growth * float(np.mean([model.n_trees for model in like])))
        yield from self.fit(data, data.take(slice(0, 1)))

    def encoded(self, batch: Batch) -> Batch:
        """Return the rows with the target that a library sees; rows of a class it cannot know are left out."""
        known = self.head.knows(batch.y)
        batch = batch if known.all() else batch.take(known)
        return replace(batch, y=self.head.encode(batch.y))

    def _boost(self, advance: Callable[[int], list[float]]) -> Iterator[float]:
        rate, most = self.params["learning_rate"], self.params["max_rounds"]
        patience = 10 + int(2 / rate)
        losses: list[float] = []
        chunk = 1
        while len(losses) < (last := self.rounds or min(most, self.n_trees + patience)):
            started, asked = clock.stopwatch(), min(chunk, last - len(losses))
            losses += (new := advance(asked))
            self.n_trees = len(losses) if self.rounds else int(np.argmin(losses)) + 1 if losses else 0
            if len(new) < asked:
                return
            seconds_per_round = (clock.stopwatch() - started) / asked
            chunk = next_chunk(chunk, seconds_per_round)
            # How many rounds it will be is not known: half of the way is put at 10 / rate.
            yield min(0.99, 1 - 0.5 ** (len(losses) * rate / 10))

    def predict(self, x: Rows) -> np.ndarray:
        """Return (n, width) probabilities or values."""
        numeric = present(x.numeric)
        raw = self._raw(numeric) if self.constant is None else self.constant.predict(numeric)
        # Libraries give a single output of a row as (n,).
        return self.head.predict(np.asarray(raw, np.float64).reshape(len(x), self.head.n_raw))

    def ensemble(self) -> TreeEnsemble:
        """Return the trees as arrays that give the raw outputs."""
        return self.constant or self._trees()

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        """Add the trees to ``graph``; return the output, (n, width)."""
        return self.head.emit(graph, self.ensemble().emit(graph, inputs["numeric"]))

    def trimmed(self, n_trees: int) -> "Boosted":
        """Return a model of the first ``n_trees`` rounds; it shares the fitted trees until it is pickled."""
        smaller = object.__new__(type(self))  # copy.copy would pack it
        smaller.__dict__ |= self.__dict__ | {"n_trees": n_trees}
        return smaller

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"fitted": None if self.fitted is None else self._pack()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self.fitted = None if self.fitted is None else self._unpack(self.fitted)

    def _start(self, train: Batch, valid: Batch) -> Callable[[int], list[float]]:
        """Return ``advance(n)``: add n rounds to ``self.fitted`` and return their validation losses.

        Fewer losses than asked for mean that no further tree could be grown.
        """
        raise NotImplementedError

    def _raw(self, x: np.ndarray) -> np.ndarray:
        """Return the raw outputs of (n, p) rows after ``n_trees`` rounds: (n,) or (n, r)."""
        raise NotImplementedError

    def _trees(self) -> TreeEnsemble:
        """Return the first ``n_trees`` rounds as arrays that give the raw outputs."""
        raise NotImplementedError

    def _pack(self) -> Any:
        """Return the first ``n_trees`` rounds in the library's own compact form."""
        raise NotImplementedError

    def _unpack(self, packed: Any) -> Any:
        """Return what ``_pack`` packed."""
        raise NotImplementedError


def _varies(x: np.ndarray) -> bool:
    """Whether any column has two different values, a missing one counted."""
    same = (x == x[:1]) | (np.isnan(x) & np.isnan(x[:1]))
    return not same.all()


# For classes only: a regression minimises the squared error.
CRITERION = Choice(["gini", "entropy"])
_SAMPLED_ROWS = {"share": Float(0.3, 1.0, default=1.0)}
_LEAF, _LEAF_OF_QUANTILES = 2, 20


def criterion_for_classes(space: Space, problem: Problem) -> Space:
    """Leave out the criterion where there are no classes."""
    return space if problem.target.is_classification else {k: v for k, v in space.items() if k != "criterion"}


def adapt_forest(space: Space, problem: Problem) -> Space:
    """Return what fits the target; the splits of values choose from most columns to begin with.

    A leaf has quantiles of its own where it has some rows.
    """
    space = criterion_for_classes(space, problem)
    if problem.target.quantiles:
        space = begin_at(space, "min_samples_leaf", _LEAF, _LEAF_OF_QUANTILES)
    return space if problem.target.is_classification else begin_at(space, "max_features", "sqrt", "share")


def forest_space(rows: str) -> Space:
    """Return the space of a forest; ``rows``: what its trees grow on by default, "all" or "bootstrap"."""
    return {
        "n_estimators": Int(50, 500, log=True, default=200),
        # The columns a split chooses from.
        "max_features": Choice({"sqrt": {}, "log2": {}, "share": {"value": Float(0.1, 1.0, default=0.6)}}),
        "rows": Choice({"all": {}, "bootstrap": _SAMPLED_ROWS}, default=rows),
        "min_samples_leaf": Int(1, 50, log=True, default=_LEAF),
        "max_leaf_nodes": Int(32, 2048, log=True, default=1024),
        "criterion": CRITERION,
    }


def build_forest(params: Params, problem: Problem, classifier: str, regressor: str) -> "Forest":
    """Return an unfitted forest of scikit-learn's classes by these names."""
    from automl.training.forest import Forest

    name = classifier if problem.target.is_classification else regressor
    return Forest(partial(_forest, name, params, problem.seed, problem.threads), params["n_estimators"], problem)


def _forest(name: str, params: Params, seed: int, threads: int, regression: bool) -> Any:
    from sklearn import ensemble

    bootstrap, width = params["rows"] == "bootstrap", params["max_features"]
    return getattr(ensemble, name)(
        criterion="squared_error" if regression else params["criterion"],
        max_features=params["max_features.share.value"] if width == "share" else width,
        bootstrap=bootstrap,
        max_samples=params["rows.bootstrap.share"] if bootstrap else None,
        min_samples_leaf=params["min_samples_leaf"],
        max_leaf_nodes=params["max_leaf_nodes"],
        random_state=seed,
        n_jobs=threads,
    )
