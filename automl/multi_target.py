"""Several target columns: a search for each within one wall clock, and one folder that answers all of them.

The folder of such a run holds a run for each target. What is asked of it is asked of each of them.
"""

import contextlib
import copy
import math
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from automl import commands, configuration, files, run_folder, settings
from automl.clock import JOINING_SECONDS
from automl.errors import AutoMLError, ConfigError
from automl.options import number
from automl.past_run import recorded
from automl.run_folder import RunFolder
from automl.runtime.printable import printable

_PLAIN = re.compile(r"\w[\w-]{0,40}", re.ASCII)
Look = Callable[[Any], None]


def search(config: dict[str, Any], started: float) -> bool:
    """Search as ``config`` says, once for each target; return whether it was interrupted (``commands.searched``)."""
    return searched(config, started)[1]


def searched(config: dict[str, Any], started: float, look: Look = lambda task: None) -> tuple[Path, bool]:
    """Search as ``search`` does; return the folder of the run too. ``look``: gets the first task before its search.

    For one target that folder is a run's. For several it holds a run for each, which share the wall clock and the
    trials by equal parts (what one leaves is the others'), and ``model``, which answers all.
    """
    targets = config["data"]["target"]
    if not isinstance(targets, list):
        folder, interrupted = commands.searched(config, started, look)
        return folder.path, interrupted
    configuration.check(config)
    settings.locate_files(config)
    targets = settings.as_names(targets)
    if len(targets) < 2 or len(set(targets)) < len(targets):
        raise ConfigError(f"data.target names one column, or several different ones as in [a,b]; got {targets}.")
    parent = run_folder.create_several(
        settings.as_names(config["run"]["dir"]), dict(zip(targets, _folders(targets), strict=True))
    )
    with _gone_if_empty(parent):
        files.write(_whole(parent).config, yaml.safe_dump(config, sort_keys=False))
        interrupted = _go(parent, config, [], started, look)
    return parent, interrupted


def resume(path: str, overrides: Sequence[str], started: float, trust: bool = False) -> None:
    """Go on with a run (``commands.resume``); with that of several targets, for each of them by equal parts.

    A target whose search had not begun is searched for. With the run of one of them alone, they are joined again.
    """
    parent = Path(path).absolute()
    if runs := run_folder.runs_in(parent, trust):
        from automl.hydra_app import recomposed

        config = recomposed(recorded(_whole(parent)), overrides)
        configuration.check(config)
        if settings.as_names(config["data"]["target"]) != list(runs):
            raise ConfigError(
                f"A run goes on with the targets it began with: {', '.join(runs)}. Leave data.target out."
            )
        _go(parent, config, overrides, started, trust=trust)
    else:
        commands.resume(path, overrides, started, trust)
        if run_folder.runs_in(parent.parent):
            _join(parent.parent)


def leaderboard(run: str | None, url: str | None, list_runs: bool, form: str, top: int) -> None:
    """Print runs, or the trials of one (``leaderboard.command``); of several targets those of each.

    As CSV and JSON they are one text, by target.
    """
    from automl.leaderboard import command, report
    from automl.leaderboard.store import Store

    runs = {} if list_runs and run is None else _asked_for(run, url)
    if list_runs or not runs:
        command.leaderboard(str(next(iter(runs.values())).path) if runs else run, url, list_runs, form, top)
        return
    number("number of trials to show, --top,", top, 0, whole=True)
    boards = {}
    for target, folder in runs.items():
        with Store(folder.leaderboard_url, read_only=True) as store:
            if form == "text":
                print(printable(f"target {target}"), flush=True)
                report.render(store.page(folder.run_id, top or None))
                print()
            else:
                boards[target] = store.board(folder.run_id)
    if form != "text":
        print((report.targets_to_csv if form == "csv" else report.targets_to_json)(boards), end="")


def _asked_for(run: str | None, url: str | None) -> Mapping[str, RunFolder]:
    """Return the runs of the several targets that ``run`` is about; None: the newest run; none where it is of one."""
    from automl.leaderboard import command
    from automl.leaderboard.store import Store

    if run is not None:
        return run_folder.begun_in(run)
    with Store(command.place(run, url)[0], read_only=True) as store:
        newest = Path(store.run().folder)
    runs = run_folder.begun_in(newest.parent)
    return runs if newest in (folder.path for folder in runs.values()) else {}


def export(
    path: str,
    output: str,
    overrides: Sequence[str] = (),
    members: int | None = None,
    max_loss: float | None = None,
    trust: bool = False,
) -> None:
    """Ship a run again (``commands.export``); of several targets, each into a folder of its own, and all as one."""
    runs = run_folder.runs_in(path, trust)
    if not runs:
        commands.export(path, output, overrides, members, max_loss, trust)
        return
    _refuse_lacking(Path(path), [name for name, run in runs.items() if not run_folder.is_one(run)])
    target = Path(output).absolute()
    run_folder.refuse_used("An export", target, "Choose another -o.")
    run_folder.make(target, "-o")
    try:
        for name, run in runs.items():
            _say(f"target {name}")
            commands.export(str(run), str(target / run.name), overrides, members, max_loss, trust)
        _join_into(target, {name: target / run.name / "model" for name, run in runs.items()})
    except BaseException:  # half of it is none
        shutil.rmtree(target, ignore_errors=True)
        raise


def _refuse_lacking(parent: Path, targets: Sequence[str]) -> None:
    if targets:
        raise AutoMLError(
            f"All targets are shipped together; no search has begun for {', '.join(targets)}. Go on with: "
            f"automl resume {shlex.quote(os.path.relpath(parent))}"
        )


def _go(
    parent: Path,
    config: Mapping[str, Any],
    overrides: Sequence[str],
    started: float,
    look: Look = lambda task: None,
    trust: bool = False,
) -> bool:
    """Search for each target, or go on with its run, and join their models; return whether that was interrupted.

    ``config``: of all of them. ``overrides``: what it has beyond what the runs began with.
    """
    runs = run_folder.runs_in(parent)
    seconds, trials = config["budget"]["seconds"], config["budget"]["trials"]
    end = None if seconds is None else started + number("key 'budget.seconds'", seconds, 1) - JOINING_SECONDS
    if trials is not None:
        trials = number("key 'budget.trials', one for each target or more,", trials, len(runs), whole=True)
    for i, (target, run) in enumerate(runs.items()):
        began = started if i == 0 else time.time()
        left = None if end is None else max(1.0, (end - began) / (len(runs) - i))
        share = None if trials is None else max(1, math.ceil(trials / (len(runs) - i)))
        _say(f"target {i + 1} of {len(runs)}: {target}")
        if run_folder.is_one(run):
            budget = [f"budget.{key}={'null' if n is None else n}" for key, n in (("seconds", left), ("trials", share))]
            interrupted = commands.resume(run, [*overrides, *budget], began, trust)
        else:
            shutil.rmtree(run, ignore_errors=True)  # what was killed before it had a record
            own = copy.deepcopy(dict(config))
            own["data"] |= {"target": target, "drop": [*config["data"]["drop"], *(t for t in runs if t != target)]}
            own["budget"] |= {"seconds": left, "trials": share}
            own["run"]["dir"] = str(run)
            _, interrupted = commands.searched(own, began, look if i == 0 else lambda task: None)
        if interrupted:
            break
        if trials is not None:
            trials -= n_trials(run, trust)
    return not _join(parent) or interrupted


def n_trials(path: Path, trust: bool = False) -> int:
    """Return how many trials a run has had; of several targets, all of them together."""
    from automl.leaderboard.store import Store

    n = 0
    for folder in run_folder.begun_in(path, trust).values() or [run_folder.find(path, trust)]:
        with Store(folder.leaderboard_url, read_only=True) as store:
            n += sum(store.page(folder.run_id, 0).counts.values())
    return n


def _join(parent: Path) -> bool:
    """Put the models of all targets into one folder; return whether all are there."""
    models = {target: run / "model" for target, run in run_folder.runs_in(parent).items()}
    lacking = [target for target, model in models.items() if not (model / "manifest.json").exists()]
    if lacking:
        _say(f"no model that answers all targets: there is none yet for {', '.join(lacking)}")
        _say(f"go on with: automl resume {shlex.quote(os.path.relpath(parent))}")
        return False
    _join_into(parent, models)
    return True


def _join_into(folder: Path, models: Mapping[str, Path]) -> None:
    from automl.export.joined import join

    join(models, folder / "model")
    model = shlex.quote(printable(os.path.relpath(folder / "model")))
    print(f"\npredict all targets with: automl predict {model} data.csv -o predictions.csv")


def _whole(parent: Path) -> RunFolder:
    """Return the folder of several targets as one that has a configuration."""
    return RunFolder(parent, "auto")


def _folders(targets: Sequence[str]) -> Iterator[str]:
    """Yield a name of a folder for each target: its own where that is a plain one, else its place."""
    taken = {"model"}
    for i, target in enumerate(targets, 1):
        name = target if _PLAIN.fullmatch(target) else f"target-{i}"
        while name.casefold() in taken:  # some file systems know no case
            name = f"{name}_"
        taken.add(name.casefold())
        yield name


@contextlib.contextmanager
def _gone_if_empty(parent: Path) -> Iterator[None]:
    """Remove the folder of several targets where no run has come of it."""
    try:
        yield
    except BaseException:
        if not any(map(run_folder.is_one, run_folder.runs_in(parent).values())):
            shutil.rmtree(parent, ignore_errors=True)
        raise


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr)
