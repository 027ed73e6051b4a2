"""What the commands do, once their arguments are read."""

import json
import math
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from automl import configuration, files, interrupts, run_folder, settings
from automl.clock import QUICK_REPORT_LEAST, REPORT_LEAST, REPORT_SECONDS, UNHURRIED_SECONDS
from automl.errors import AutoMLError, ConfigError, unknown_name
from automl.past_run import PastRun, open_run, recorded
from automl.run_folder import RunFolder
from automl.runtime.printable import printable, printable_lines
from automl.search_config import make_runner

if TYPE_CHECKING:
    from automl.report.subject import Finished
    from automl.search import Search, SearchResult


def searched(
    config: dict[str, Any], started: float, look: Callable[[Any], None] = lambda task: None
) -> tuple[RunFolder, bool]:
    """Search as ``config`` says, and print the leaderboard and where the model lies.

    ``look``: gets the task before the search begins. Returns the run's folder, and whether it was interrupted, and so
    shipped what it had by then.
    """
    configuration.check(config)
    settings.locate_files(config)
    with _prepared(config, started, may_sample=True) as ready:
        look(ready.task)
        folder = run_folder.create(settings.as_names(config["run"]["dir"]), config["leaderboard"]["url"])
        if ready.task.sampled is not None:  # whoever goes on with the run reads the same rows
            config["data"]["rows"] = ready.task.sampled
        files.write(folder.config, yaml.safe_dump(config, sort_keys=False))
        return folder, run(ready, config, folder).interrupted


def resume(path: str | Path, overrides: Sequence[str], started: float, trust: bool = False) -> bool:
    """Go on with the run in the folder ``path``; its trials count, its seconds begin anew.

    ``trust``: also where it is another user's. Returns whether it was interrupted.
    """
    from automl.hydra_app import recomposed

    folder = run_folder.find(path, trust)
    config = recorded(folder)
    settings.reach_own_modules(config, folder.begun_in)
    config = recomposed(config, overrides)
    configuration.check(config)
    files.clear_drafts(folder.path)
    with _prepared(config, started) as ready:
        return run(ready, config, folder).interrupted


@contextmanager
def _prepared(config: Mapping[str, Any], started: float, may_sample: bool = False) -> Iterator["Search"]:
    """Check the whole configuration; the runner starts while the data is read, and is closed in the end.

    ``may_sample``: whether only some of the rows are read where the budget has no time for all.
    """
    checked = settings.search_of(config, started)
    settings.check_data(config)
    with closing(make_runner(checked)) as runner:
        runner.start()
        from automl.search import Search

        until = checked.plan.read_until() if may_sample and not checked.deterministic else None
        ready = Search(settings.load_task(config, until), checked, runner)
        interrupts.check()
        yield ready


# What an export may be told that the search was not.
_OF_EXPORTS = ("limits", "compress", "ensemble")


def export(
    path: str,
    output: str,
    overrides: Sequence[str] = (),
    members: int | None = None,
    max_loss: float | None = None,
    trust: bool = False,
) -> None:
    """Ship again from the kept trials of the run in the folder ``path`` into the folder ``output``.

    ``overrides``: of ``_OF_EXPORTS``; limits are measured on one model of each trial where the search did not.
    ``trust``: also where the run is another user's.
    """
    folder, target = run_folder.find(path, trust), Path(output)
    run_folder.refuse_used("An export", target, "Choose another -o.")
    config = recorded(folder)
    settings.reach_own_modules(config, folder.begun_in)
    config = _for_export(config, overrides)
    if members is not None:
        config["ensemble"]["max_members"] = members
    if max_loss is not None:
        config["compress"]["max_loss"] = max_loss
    chosen = settings.ship_of(config)
    run = open_run(folder, config)
    from automl.export.measure import measure_kept
    from automl.export.ship import ship

    run_folder.make(target, "-o")
    measure_kept(run.task, run.kept, _noted)
    _, shipped = ship(run.task, run.kept, target, chosen, time.time() + UNHURRIED_SECONDS, _noted)
    for one in shipped:
        print(printable(f"{one.kind}: {one.path} ({one.n_bytes / 1000:,.0f} kB)"))


def torch_export(path: str, output: str, trial: str | None = None, trust: bool = False) -> None:
    """Write the network of a ``trial`` of the run in the folder ``path`` as PyTorch programs into ``output``.

    ``trial``: None for the best one there is. ``trust``: also where the run is another user's.
    """
    folder, target = run_folder.find(path, trust), Path(output)
    run_folder.refuse_used("An export", target, "Choose another -o.")
    run = open_run(folder)
    from automl.export import torch_programs

    id = torch_programs.best_network(run.kept, trial)
    run_folder.make(target, "-o")
    for one in torch_programs.write(run.task, run.kept, id, target, _noted):
        size = f"{one.n_bytes / 1000:,.0f} kB"
        print(printable(f"trial {id}: {one.path} ({size}, differs by {one.difference:.2g} at most)"))


def _noted(text: str) -> None:
    print(printable(text), file=sys.stderr)


def _for_export(config: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a run's configuration with overrides of what an export reads. Raises ``ConfigError`` for others."""
    if not overrides:
        return config
    from automl.hydra_app import recomposed

    for override in overrides:
        if override.partition("=")[0].lstrip("+~").partition(".")[0] not in _OF_EXPORTS:
            raise ConfigError(
                f"An export takes overrides of {', '.join(_OF_EXPORTS)}, e.g. limits.bytes=50000; got '{override}'."
            )
    config = recomposed(config, overrides)
    configuration.check(config)
    return config


def report(path: str, output: str | None, started: float, seconds: float, trust: bool = False) -> None:
    """Write the report of the run in the folder ``path``, of all its targets, there or into the folder ``output``.

    ``seconds``: what it may take from ``started`` on, for each target; the half of it when the data has been read late.
    ``trust``: also where the run is another user's.
    """
    folders = [*run_folder.begun_in(path, trust).values()] or [run_folder.find(path, trust)]
    runs = [open_run(folder) for folder in folders]
    for run in runs:
        if run.board.ensemble is None:
            raise AutoMLError(
                f"A report is about what a run has shipped; '{run.folder.path}' has shipped nothing. "
                f"Finish it with: automl resume {shlex.quote(str(run.folder.path))}"
            )
    from automl.report import make

    target = Path(path if output is None else output)
    run_folder.make(target, "-o")
    until = max(started + seconds * len(runs), time.time() + seconds * len(runs) / 2)
    for written in make.write([_finished(run) for run in runs], target, until):
        print(printable(os.path.relpath(written)))


def predict(model: str, data: str, output: str, spreadsheet: bool = False) -> None:
    """Write the predictions for a file as CSV: one row each, labels or values, then probabilities, of each target.

    ``spreadsheet``: with an apostrophe before texts that a spreadsheet takes for formulas.
    """
    from automl.data.files import read_features
    from automl.runtime.errors import PredictionError
    from automl.runtime.models import open_model
    from automl.runtime.predictions import refuse_overwriting, write_predictions
    from automl.runtime.remarks import scores_of_file

    if run_folder.is_one(model):
        raise AutoMLError(f"'{model}' is the folder of a run; its model is '{Path(model) / 'model'}'. Give that.")
    try:
        refuse_overwriting(Path(data).expanduser(), output)
        opened = open_model(model)
        x, lengths = read_features(data, opened.schema)
        write_predictions(opened, scores_of_file(opened, x, lengths), output, spreadsheet)
    except PredictionError as error:
        raise AutoMLError(str(error)) from None


def network(
    path: str, overrides: Sequence[str], shape: Sequence[int], classes: int, seed: int | None, svg: Path | None
) -> None:
    """Print a network at ``path`` of the composed space for rows of ``shape``; ``svg``: a file to draw it in too."""
    from automl.assemble import SpaceConfig
    from automl.hydra_app import composed
    from automl.preview import preview

    config = composed(["data.train=none", *overrides])
    drawn = preview(path.removeprefix("space."), SpaceConfig(config["space"], config["plugins"]), shape, classes, seed)
    print(drawn)
    if svg is not None:
        files.write(svg, drawn.svg(), files.PUBLIC)


def space(path: str, overrides: Sequence[str]) -> None:
    """Print the composed space, or the part of it at ``path``, as YAML."""
    from automl.hydra_app import composed

    part: Any = composed(["data.train=none", *overrides])["space"]
    for name in filter(None, path.removeprefix("space.").split(".")):
        if not isinstance(part, Mapping) or name not in part:
            raise unknown_name(f"part of '{path}'", name, part if isinstance(part, Mapping) else [])
        part = part[name]
    print(printable_lines(yaml.safe_dump(part, sort_keys=False, allow_unicode=True)), end="")


def run(ready: "Search", config: dict[str, Any], folder: RunFolder) -> "SearchResult":
    """Search, report where time was kept for it, and print the leaderboard and where the model lies."""
    from automl.leaderboard import report
    from automl.leaderboard.store import Store
    from automl.progress import Progress

    task, budget = ready.task, ready.config
    with Progress(
        seconds=budget.seconds,
        trials=budget.trials,
        metric=task.metric,
        started=budget.started,
        quiet=config["quiet"],
        goals=budget.goals,
        folds=len(task.splits),
    ) as view:
        for note in task.notes:
            view.note(note)
        result = ready.run(folder, view, config)
        if budget.plan.reports and not result.interrupted:
            view.phase("reporting")
            _report_in_time(ready, result, config, folder, view.note)
    files.write(folder.path / "timings.json", json.dumps(view.phases) + "\n")
    with Store(folder.leaderboard_url, read_only=True) as store:
        report.render(store.page(result.run_id, top=10))
    example = "data.csv" if task.kind in ("table", "text") else "data.npz"
    model = shlex.quote(printable(os.path.relpath(folder.path / "model")))
    print(f"\npredict with: automl predict {model} {example} -o predictions.csv")
    return result


def _report_in_time(
    ready: "Search", result: "SearchResult", config: dict[str, Any], folder: RunFolder, note: Callable[[str], None]
) -> None:
    """Report at the end of a search, in what is left of its budget."""
    from automl.leaderboard.store import Store
    from automl.report import make

    plan = ready.config.plan
    until, quick = min(time.time() + REPORT_SECONDS, plan.report_until or math.inf), plan.reports_quickly
    later = f"automl report {shlex.quote(os.path.relpath(folder.path))}"
    if until - time.time() < (QUICK_REPORT_LEAST if quick else REPORT_LEAST):
        note(f"no time left for a report; make it with: {later}")
        return
    with Store(folder.leaderboard_url, read_only=True) as store:
        board = store.board(result.run_id)
    try:
        run = _finished(PastRun(folder, config, ready.task, board, result.kept))
        make.write([run], folder.path, until, quick)
    except Exception as error:  # what was shipped stands, whatever a report stumbles over
        note(f"no report ({type(error).__name__}: {error}); try: {later}")


def _finished(run: PastRun) -> "Finished":
    """Return a run as what is reported."""
    from automl.again import command_of
    from automl.assemble import task_space
    from automl.portfolio import starts
    from automl.report.subject import Finished

    firsts = starts(task_space(run.task, settings.space_of(run.config)), run.task.kind)
    return Finished(run.task, run.kept, run.board, run.folder.path, firsts, lambda: command_of(run.config))
