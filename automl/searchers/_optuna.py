"""Optuna's samplers behind ``Searcher``: one study, define-by-run through ``draw``."""

import math
from collections.abc import Callable
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from automl.errors import SpaceError
from automl.quiet import quiet_optuna
from automl.space import Choice, Float, Int, Params, Question, Scalar, Space, draw, questions
from automl.types import Trial


class OptunaSearcher:
    """Asks one Optuna study.

    A stopped trial is told as pruned, with the score it had reached, and so ranks behind all that
    finished; a failed one teaches nothing.
    """

    def __init__(self, space: Space, make_sampler: Callable[[], BaseSampler]) -> None:
        self.space = space
        with quiet_optuna():
            self._study = optuna.create_study(direction="maximize", sampler=make_sampler())
        self._open: dict[str, optuna.Trial] = {}

    def ask(self, number: int) -> Params:
        """Return the sampler's next suggestion."""
        with quiet_optuna():
            trial = self._open[str(number)] = self._study.ask()
            return draw(self.space, _Suggest(trial))

    def tell(self, trial: Trial) -> None:
        """Learn from an ended trial."""
        with quiet_optuna():
            self._tell(trial)

    def _tell(self, trial: Trial) -> None:
        state, value = _state(trial)
        reports = {max(1, round(100 * r.progress)): r.score for r in trial.reports if math.isfinite(r.score)}
        asked = self._open.pop(trial.candidate.id, None)
        if asked is not None and any(trial.candidate.params.get(path) != v for path, v in asked.params.items()):
            # Population based training has changed the parameters on the way: learn from those it ended with.
            self._study.tell(asked, state=TrialState.FAIL)
            asked = None
        if asked is None:
            self._replay(trial, state, value, reports)
            return
        if state == TrialState.PRUNED:
            for step, score in reports.items():
                asked.report(score, step)
        self._study.tell(asked, value if state == TrialState.COMPLETE else None, state=state)

    def _replay(self, trial: Trial, state: TrialState, value: float | None, reports: dict[int, float]) -> None:
        params = trial.candidate.params
        if state == TrialState.FAIL:
            return
        try:
            asked = questions(self.space, params)
        except SpaceError:
            return  # a resumed run may have another space: what lies outside teaches nothing
        self._study.add_trial(
            optuna.create_trial(
                state=state,
                value=value,
                params={path: params[path] for path in asked},
                distributions={path: distribution(domain) for path, domain in asked.items()},
                intermediate_values=reports,
            )
        )


def _state(trial: Trial) -> tuple[TrialState, float | None]:
    if trial.status == "failed" or trial.score is None or not math.isfinite(trial.score):
        return TrialState.FAIL, None
    if trial.status == "stopped":
        return TrialState.PRUNED, trial.score
    return TrialState.COMPLETE, trial.score


def distribution(domain: Question) -> BaseDistribution:
    """Return Optuna's counterpart of a domain."""
    if isinstance(domain, Choice):
        return CategoricalDistribution(tuple(domain.options))
    if isinstance(domain, Int):
        return IntDistribution(domain.low, domain.high, log=domain.log)
    return FloatDistribution(domain.low, domain.high, log=domain.log)


class _Suggest:
    """Answers ``draw`` with an Optuna trial's suggestions."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def number(self, path: str, domain: Float | Int) -> float:
        suggest: Any = self.trial.suggest_int if isinstance(domain, Int) else self.trial.suggest_float
        return suggest(path, domain.low, domain.high, log=domain.log)

    def choice(self, path: str, domain: Choice) -> Scalar:
        return self.trial.suggest_categorical(path, tuple(domain.options))
