"""Several target columns: a search for each within one wall clock, and one folder that answers all of them."""

import contextlib
import copy
import math
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from automl import commands, configuration, run_folder, settings
from automl.errors import ConfigError
from automl.options import number
from automl.runtime.printable import printable

# Of the wall clock, what copying the models into one folder takes.
_JOINING_SECONDS = 0.5
_PLAIN = re.compile(r"\w[\w-]{0,40}", re.ASCII)


def search(config: dict[str, Any], started: float) -> bool:
    """Search as ``config`` says, once for each target; return whether it was interrupted (``commands.search``)."""
    return searched(config, started)[1]


def searched(
    config: dict[str, Any], started: float, look: Callable[[Any], None] = lambda task: None
) -> tuple[Path, bool]:
    """Search as ``search`` does; return the folder of the run too. ``look``: gets the first task before its search.

    For one target that folder is a run's. For several it holds a run for each, which share the wall clock and the
    trials by equal parts (what one leaves is the others'), and ``model``, which answers all.
    """
    targets = config["data"]["target"]
    if not isinstance(targets, list):
        folder, interrupted = commands.searched(config, started, look)
        return folder.path, interrupted
    configuration.check(config)
    targets = settings.as_names(targets)
    if len(targets) < 2 or len(set(targets)) < len(targets):
        raise ConfigError(f"data.target names one column, or several different ones as in [a,b]; got {targets}.")
    parent = run_folder.create_parent(settings.as_names(config["run"]["dir"]))
    runs = dict(zip(targets, _folders(targets), strict=True))
    with _gone_if_empty(parent):
        interrupted = _search_each(config, started, parent, runs, look)
    return parent, interrupted


def resume(path: str, overrides: Sequence[str], started: float, trust: bool = False) -> None:
    """Go on with a run (``commands.resume``); if it is that of one of several targets, they are joined again."""
    commands.resume(path, overrides, started, trust)
    parent = Path(path).absolute().parent
    if run_folder.runs_in(parent):
        _join(parent)


def _search_each(
    config: Mapping[str, Any],
    started: float,
    parent: Path,
    runs: Mapping[str, str],
    look: Callable[[Any], None],
) -> bool:
    seconds, trials = config["budget"]["seconds"], config["budget"]["trials"]
    end = None if seconds is None else started + number("key 'budget.seconds'", seconds, 1) - _JOINING_SECONDS
    for i, (target, name) in enumerate(runs.items()):
        began = started if i == 0 else time.time()
        own: dict[str, Any] = copy.deepcopy(dict(config))
        own["data"] |= {"target": target, "drop": [*config["data"]["drop"], *(t for t in runs if t != target)]}
        own["run"]["dir"] = str(parent / name)
        if end is not None:
            own["budget"]["seconds"] = max(1.0, (end - began) / (len(runs) - i))
        if trials is not None:
            own["budget"]["trials"] = math.ceil(number("key 'budget.trials'", trials, 1) / len(runs))
        _say(f"target {i + 1} of {len(runs)}: {target}")
        _, interrupted = commands.searched(own, began, look if i == 0 else lambda task: None)
        run_folder.write_runs(parent, runs)
        if interrupted:
            break
    return not _join(parent) or interrupted


def _join(parent: Path) -> bool:
    """Put the models of all targets into one folder; return whether all are there."""
    from automl.export.joined import join

    models = {target: run / "model" for target, run in run_folder.runs_in(parent).items()}
    lacking = [target for target, model in models.items() if not (model / "manifest.json").exists()]
    if lacking:
        _say(f"no model that answers all targets: there is none yet for {', '.join(lacking)}")
        return False
    join(models, parent / "model")
    model = shlex.quote(printable(os.path.relpath(parent / "model")))
    print(f"\npredict all targets with: automl predict {model} data.csv -o predictions.csv")
    return True


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
def _gone_if_empty(folder: Path) -> Iterator[None]:
    """Remove a folder that nothing has come of."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr)
