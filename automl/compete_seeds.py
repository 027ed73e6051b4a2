"""``automl compete --seeds 0,1,2``: a run for each seed, all of them blended into one checked submission."""

import copy
import math
import time
from collections.abc import Sequence
from pathlib import Path

from automl import blend_runs, multi_target, run_folder, settings
from automl.compete import Assignment, answer, do_not_look, say, search, understood
from automl.errors import AutoMLError, ConfigError
from automl.options import number


def compete(
    train: str,
    test: str,
    sample: str,
    overrides: Sequence[str],
    started: float,
    seeds: str,
    pseudo: bool = False,
) -> None:
    """Search as ``overrides`` say, once for each of the ``seeds``, and write the blend into the folder ``run.dir``.

    The runs lie beside that folder and are called as it is, with their seeds: ``NAME-seed-1``. They share the seconds
    and the trials by equal parts; what one leaves is the others'. An interrupt ends the one under way, and no other is
    begun; what is there then, or in spite of one that failed, is blended. ``seeds``: as in "0,1,2".
    """
    wanted = _listed(seeds)
    if pseudo:
        raise ConfigError("Pseudo-labels are tried for one run, and --seeds makes several: leave one of the two out.")
    if any(override.partition("=")[0].lstrip("+") == "seed" for override in overrides):
        raise ConfigError("--seeds has the seeds of all runs: leave seed=... out.")
    contest = understood(train, test, sample, overrides, n_runs=len(wanted))
    trials = contest.config["budget"]["trials"]
    if trials is not None:
        number("key 'budget.trials', one for each seed or more,", trials, len(wanted), whole=True)
    way_out = "Choose another run.dir."
    folder = run_folder.create_private(settings.as_names(contest.config["run"]["dir"]), way_out)
    runs = {seed: folder.with_name(f"{folder.name}-seed-{seed}") for seed in wanted}
    try:
        for run in runs.values():
            run_folder.refuse_used("A run", run, way_out)
        shipped = _searched(contest, runs, started)
        _blend(contest, shipped, folder / "submission.csv")
    except BaseException:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise


def _listed(text: str) -> list[int]:
    """Return the seeds in "0,1,2". Raises ``ConfigError``."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) < 10 for part in parts) or len(set(map(int, parts))) < len(parts):
        raise ConfigError(f"--seeds takes different whole numbers, as in --seeds 0,1,2; got '{text}'.")
    return [int(part) for part in parts]


def _searched(contest: Assignment, runs: dict[int, Path], started: float) -> list[Path]:
    """Search with each seed; return the runs that have shipped. Raises what the last one raised where none has."""
    end = None if contest.seconds is None else started + contest.seconds
    trials = contest.config["budget"]["trials"]
    shipped: list[Path] = []
    for i, (seed, run) in enumerate(runs.items()):
        began, left = started if i == 0 else time.time(), len(runs) - i
        say(f"seed {seed}, {i + 1} of {len(runs)}")
        config = copy.deepcopy(contest.config)
        config["seed"] = seed
        config["run"]["dir"] = str(run)
        config["budget"] |= {
            "seconds": None if end is None else max(1.0, (end - began) / left),
            "trials": None if trials is None else max(1, math.ceil(trials / left)),
        }
        try:
            _, interrupted = search(contest, config, began, contest.look if i == 0 else do_not_look)
        except KeyboardInterrupt:
            if not shipped:
                raise
            interrupted = True
        except AutoMLError as error:
            if not shipped and (left == 1 or isinstance(error, ConfigError)):
                raise
            say(f"seed {seed} has no model: {error}")
            continue
        if (run / "model").exists():
            shipped.append(run)
        if interrupted:
            break
        if trials is not None:
            trials -= multi_target.n_trials(run)
    if not shipped:
        raise AutoMLError("There is no submission: no seed has a model for every target. Raise the budget.")
    return shipped


def _blend(contest: Assignment, shipped: Sequence[Path], path: Path) -> None:
    """Write the submission of the runs together; where they cannot be blended, that of the first."""
    if len(shipped) > 1:
        try:
            blend_runs.ensemble([str(run) for run in shipped], str(path))
            return
        except ConfigError as error:  # each has drawn rows of its own, where there was no time for all
            say(f"{error} {shipped[0].name} answers alone.")
    answer(contest, shipped[0], path)
