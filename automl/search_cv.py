"""``SearchCV``: any scikit-learn estimator searched over a conditional space, used as ``GridSearchCV`` is."""

import time
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from automl import options
from automl.errors import ConfigError, SpaceError, nearest
from automl.proposals import Proposals
from automl.space import Choice, Defaults, Params, Repeat, Space, draw, fault
from automl.types import Candidate, FoldRef, Report, Trial

Evaluate = Callable[[list[dict[str, Any]]], Mapping[str, Any]]


class SearchCV(BaseSearchCV):
    """Searches the parameters of ``estimator`` by cross-validation, with any of our searchers.

    All but the parameters below is as in ``sklearn.model_selection.GridSearchCV``: what may be given as ``scoring``,
    ``refit``, ``cv``, ``n_jobs``, ``error_score``, ``return_train_score``, and what is there after ``fit``
    (``best_estimator_``, ``best_params_``, ``best_score_``, ``best_index_``, ``cv_results_``, ``n_splits_``, ...). With
    several metrics, ``refit`` names the one that is searched for. A batch of candidates of which not one fit succeeds
    is passed over, after the first, and is not in ``cv_results_``.

    Parameters
    ----------
    estimator: any scikit-learn estimator, a pipeline too.
    space: name of a parameter -> ``Float``, ``Int``, ``Choice``, ``Constant``, or a list of options::

            {"C": Float(1e-3, 1e3, log=True), "kernel": Choice({"linear": {}, "rbf": {"gamma": Float(1e-4, 1)}})}

        What stands below an option is searched only where that is chosen, and is a parameter beside it; below an
        option that is an estimator, it is one of that estimator's own. A mapping is a part's own space
        (``{"svc": {"C": ...}}`` is ``svc__C``), a ``Repeat`` of one domain is a tuple (``hidden_layer_sizes``). Options
        may be any objects. The defaults of the domains are tried first.
    searcher: a name ("gp", "tpe", "evolution", "grid", ...), or ``{"name": ..., **options}``.
    trials: how many candidates are tried at most; None for no limit (then ``seconds`` is needed).
    seconds: after so long no further candidate is begun; the fits under way and the last one, on all rows, come on top.
    batch: how many candidates are evaluated before the searcher learns of them. Raise it where ``n_jobs`` are more than
        there are folds; what is tried depends on it, but not on ``n_jobs``.
    random_state: of the searcher; the same one proposes the same candidates.
    """

    _required_parameters: ClassVar[list[str]] = ["estimator", "space"]
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseSearchCV._parameter_constraints,
        "space": [Mapping],
        "searcher": [str, Mapping],
        "trials": [Interval(Integral, 1, None, closed="left"), None],
        "seconds": [Interval(Real, 0, None, closed="neither"), None],
        "batch": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        space: Mapping[str, Any],
        *,
        searcher: str | Mapping[str, Any] = "gp",
        trials: int | None = 50,
        seconds: float | None = None,
        scoring: Any = None,
        cv: Any = None,
        refit: Any = True,
        n_jobs: int | None = None,
        batch: int = 1,
        random_state: Any = 0,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: float | str = np.nan,
        return_train_score: bool = False,
    ) -> None:
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.space = space
        self.searcher = searcher
        self.trials = trials
        self.seconds = seconds
        self.batch = batch
        self.random_state = random_state

    def _run_search(self, evaluate_candidates: Evaluate) -> None:
        """Propose, evaluate and learn until the trials or the seconds are used up, or the space is."""
        self._check_search()
        arguments = Arguments(self.space)
        start = draw(arguments.space, Defaults())
        self._check_names(arguments(start))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        searcher = options.named(self.searcher)
        proposals = Proposals(
            lambda space, n: options.make("searchers", searcher, space, seed + n),
            arguments.space,
            starts=[start],
            seed=seed,
        )
        began, n_tried = time.monotonic(), 0
        while self.seconds is None or not n_tried or time.monotonic() < began + self.seconds:
            n = self.batch if self.trials is None else min(self.batch, self.trials - n_tried)
            batch = [candidate for candidate in (proposals.ask() for _ in range(n)) if candidate is not None]
            if not batch:
                return
            try:
                results = evaluate_candidates([arguments(candidate.params) for candidate in batch])
            except ValueError as error:
                if not n_tried or "fits failed" not in str(error):
                    raise
                for candidate in batch:
                    proposals.tell(Trial(candidate, "failed", failure="all its fits failed"))
            else:
                for i, candidate in enumerate(batch, start=-len(batch)):
                    proposals.tell(self._trial(candidate, results, i))
            n_tried += len(batch)

    def _trial(self, candidate: Candidate, results: Mapping[str, Any], i: int) -> Trial:
        """Return what became of the ``i``-th candidate."""
        name = self.refit if isinstance(self.refit, str) and f"mean_test_{self.refit}" in results else "score"
        if f"mean_test_{name}" not in results:
            raise ConfigError(
                "A search is for one metric: with several of them, refit is the name of the one; "
                f"got refit={self.refit!r}."
            )
        score = float(results[f"mean_test_{name}"][i])
        seconds = self.n_splits_ * float(results["mean_fit_time"][i] + results["mean_score_time"][i])
        if not np.isfinite(score):
            return Trial(candidate, "failed", seconds=seconds, failure=f"its score is {score}")
        folds = tuple(FoldRef(k, float(results[f"split{k}_test_{name}"][i])) for k in range(self.n_splits_))
        return Trial(candidate, "finished", {"score": score}, folds, (Report(1.0, score, seconds),), seconds)

    def _check_search(self) -> None:
        if self.trials is None and self.seconds is None:
            raise ConfigError("A search needs an end: set trials, seconds or both.")
        splitter = self._checked_cv_orig
        is_random = getattr(splitter, "shuffle", True) and hasattr(splitter, "random_state")
        if is_random and not isinstance(splitter.random_state, Integral):
            raise ConfigError(
                f"Candidates are compared on the same folds, and {splitter} draws new ones each time: give it a whole "
                "number as random_state."
            )

    def _check_names(self, arguments: Mapping[str, Any]) -> None:
        """Raise ``SpaceError`` where the estimator has no such parameters."""
        try:
            clone(self.estimator).set_params(**clone(arguments, safe=False))
        except ValueError as error:
            known = self.estimator.get_params()
            wrong = next((name for name in arguments if name not in known), "")
            raise SpaceError(f"The space does not fit the estimator: {error}{nearest(wrong, known)}") from None


class Arguments:
    """From a point of a space to keyword arguments of ``set_params``; see ``SearchCV`` for how they are named.

    ``space``: what is searched over, in which each option that is no plain value stands under a name.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self.space: Space = _named(given)
        if wrong := fault(self.space):
            raise SpaceError(f"The space is a mapping from names to domains; {wrong}.")
        if not self.space:
            raise SpaceError("The space needs at least one parameter; got none.")

    def __call__(self, params: Params) -> dict[str, Any]:
        return _arguments(self._given, params, "", "")


def _named(space: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): _named_domain(domain) for name, domain in space.items()}


def _named_domain(domain: Any) -> Any:
    if isinstance(domain, Choice | Sequence) and not isinstance(domain, str):
        choice, wanted = _options(domain), getattr(domain, "default", None)
        default = next((name for name, option, _ in choice if option is wanted or _same(name, wanted)), None)
        return Choice({name: _named(space) for name, _, space in choice}, default)
    if isinstance(domain, Repeat):
        return Repeat(_named(domain.space), domain.times)
    return _named(domain) if isinstance(domain, Mapping) else domain


def _options(choice: "Choice | Sequence[Any]") -> list[tuple[Any, Any, Mapping[str, Any]]]:
    """Return the name of each option, the option itself, and what is below it."""
    pairs = choice.options.items() if isinstance(choice, Choice) else ((option, {}) for option in choice)
    return [
        (o if isinstance(o, str | int | float | None) else f"{type(o).__name__} {i}", o, space)
        for i, (o, space) in enumerate(pairs)
    ]


def _arguments(space: Mapping[str, Any], params: Params, path: str, prefix: str) -> dict[str, Any]:
    """Return the arguments of what ``params`` hold below ``path``; their names begin with ``prefix``."""
    found: dict[str, Any] = {}
    for name, domain in space.items():
        here, key = f"{path}{name}", f"{prefix}{name}"
        if isinstance(domain, Mapping):
            found |= _arguments(domain, params, f"{here}.", f"{key}__")
        elif isinstance(domain, Repeat):
            found[key] = tuple(_only(domain, params, f"{here}.{i}.") for i in range(params[f"{here}.n"]))
        elif isinstance(domain, Choice | Sequence):
            chosen = params[here]
            option, below = next((o, s) for label, o, s in _options(domain) if _same(label, chosen))
            found[key] = option
            found |= _arguments(below, params, f"{here}.{chosen}.", f"{key}__" if _is_estimator(option) else prefix)
        else:
            found[key] = params[here]
    return found


def _only(repeat: Repeat, params: Params, path: str) -> Any:
    """Return the one value of a repetition."""
    values = list(_arguments(repeat.space, params, path, "").values())
    if len(values) != 1:
        raise SpaceError(
            f"A Repeat of one domain is a tuple of its values; '{path.rpartition('.')[0]}' has {len(values)} of them."
        )
    return values[0]


def _same(label: Any, chosen: Any) -> bool:
    return label == chosen and isinstance(label, bool) == isinstance(chosen, bool)


def _is_estimator(option: Any) -> bool:
    return hasattr(option, "get_params") and not isinstance(option, type)
