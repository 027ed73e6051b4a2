"""What every searcher keeps: it asks within the space, repeats itself by its seed, and learns from whatever ended."""

import math
from collections.abc import Callable
from typing import Any

from automl.space import Choice, Constant, Float, Int, Params, Repeat, Space, validate
from automl.testing.rules import about, check_methods
from automl.types import Candidate, FoldRef, Report, Trial

TREE: Space = {"family": Choice({"a": {"x": Float(0, 1)}, "b": {"n": Int(1, 4), "k": Choice(["u", "v"])}})}
# Every kind of domain, in the places where it can stand.
DEEP: Space = {
    "rate": Float(1e-4, 1.0, log=True),
    "width": Int(8, 512, log=True),
    "fixed": Constant(3),
    "blocks": Repeat({"kernel": Choice([3, 5]), "units": Int(4, 64, log=True)}, Int(0, 3)),
    "norm": Choice({"none": {}, "batch": {"momentum": Float(0, 1), "affine": Choice([True, False])}}),
    "group": {"shift": Float(-1, 1)},
}
SPACES = {"a tree": TREE, "a deep space": DEEP, "a family with repeats": {"family": Choice({"net": DEEP})}}
# Whoever goes through it one by one comes to an end.
FINITE: Space = {"family": Choice({"a": {"n": Int(1, 3)}, "b": {"k": Choice(["u", "v"])}})}
N_ASKED, N_FINITE = 12, 40

Make = Callable[[Space, int], Any]


def check_searcher(make: Make) -> None:
    """Check the searcher that ``make(space, seed)`` returns."""
    for what, space in SPACES.items():
        with about(f"in {what}"):
            trials = _asked(make, space, 0)
            _check_repeats(make, space, trials)
            _check_resumed(make, space, trials)
    with about("in a finite space"):
        ends = _check_finite(make)
    if not ends:
        _check_seed(make)


def _made(make: Make, space: Space, seed: int) -> Any:
    with about("make"):
        searcher = make(space, seed)
    check_methods(searcher, ("ask", "tell"), "what 'make' of a searcher returns")
    return searcher


def _ask(searcher: Any, space: Space, number: int) -> Params | None:
    """Ask for a candidate, and check that it lies in the space."""
    with about(f"ask({number})"):
        params: Params | None = searcher.ask(number)
    if params is None:
        return None
    try:
        inside = validate(space, params) == params
    except Exception as error:
        raise AssertionError(f"a searcher asks within the space; {params} is not: {error}") from error
    assert inside, f"a searcher asks within the space; {params} has more or less than it"
    return params


def _tell(searcher: Any, trial: Trial) -> None:
    score = "no score" if trial.score is None else f"the score {trial.score:g}"
    with about(f"tell of a {trial.status} trial with {score}"):
        searcher.tell(trial)


def _ended(number: int, params: Params) -> Trial:
    """Return one of all ways in which a trial ends; most have a score."""
    candidate, score = Candidate(str(number), params), float(number)
    folds, reports = (FoldRef(0, score),), (Report(1.0, score, 1.0),)
    whole = Trial(candidate, "finished", {"score": score}, folds, reports, 1.0)
    nan = math.nan
    others = {
        1: Trial(candidate, "failed", failure="it broke"),
        3: Trial(candidate, "stopped", {"score": score}, folds, (Report(0.2, score, 0.2),), 0.2),
        5: Trial(candidate, "stopped"),
        7: Trial(candidate, "finished", {"score": nan}, (FoldRef(0, nan),), (Report(1.0, nan, 1.0),), 1.0),
        9: Trial(candidate, "failed", {"score": score}, folds, reports, 1.0, "it broke at its end"),
    }
    return others.get(number, whole)


def _asked(make: Make, space: Space, seed: int) -> list[Trial]:
    """Ask and tell; return the trials."""
    searcher = _made(make, space, seed)
    trials: list[Trial] = []
    for number in range(N_ASKED):
        params = _ask(searcher, space, number)
        if params is None:
            break
        trials.append(_ended(number, params))
        _tell(searcher, trials[-1])
    assert trials, "a searcher asks for something before it has no more; its first answer is None"
    different = {repr(sorted(trial.candidate.params.items())) for trial in trials}
    assert len(different) > 1, (
        f"a searcher asks for different parameters; {len(trials)} times it was {dict(trials[0].candidate.params)}"
    )
    return trials


def _check_repeats(make: Make, space: Space, trials: list[Trial]) -> None:
    """The same seed and the same trials give the same proposals."""
    searcher = _made(make, space, 0)
    for trial in trials:
        params = _ask(searcher, space, int(trial.candidate.id))
        assert params == trial.candidate.params, (
            "a searcher asks the same by the same seed and trials, so that runs can be repeated; "
            f"ask({trial.candidate.id}) gave {dict(trial.candidate.params)}, and then {params}"
        )
        _tell(searcher, trial)


def _check_resumed(make: Make, space: Space, trials: list[Trial]) -> None:
    """A resumed run tells what was never asked for, and what the space has no more."""
    searcher = _made(make, space, 0)
    outside: tuple[Params, ...] = ({"family": "gone", "family.gone.x": 1}, {})
    foreign = [_ended(0, params) for params in outside]
    with about("of trials that it never asked for, some outside the space"):
        for trial in (*trials, *foreign):
            _tell(searcher, trial)
    _ask(searcher, space, len(trials) + len(foreign))


def _check_finite(make: Make) -> bool:
    """Ask more often than there are points; return whether the searcher comes to an end."""
    searcher = _made(make, FINITE, 0)
    for number in range(N_FINITE):
        params = _ask(searcher, FINITE, number)
        if params is None:
            return True
        _tell(searcher, _ended(number, params))
    return False


def _check_seed(make: Make) -> None:
    """Whoever goes through a space one by one needs none; others take their random numbers from it."""
    first, second = ([trial.candidate.params for trial in _asked(make, TREE, seed)] for seed in (0, 1))
    assert first != second, (
        f"a searcher takes its random numbers from the seed; by the seeds 0 and 1 it asks the same {len(first)} times"
    )
