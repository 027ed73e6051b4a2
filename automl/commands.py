"""What the commands do, once their arguments are read."""

import json
import math
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from automl import configuration, files, registry, run_folder
from automl.assemble import SpaceConfig
from automl.clock import REPORT_LEAST, REPORT_SECONDS, UNHURRIED_SECONDS
from automl.errors import AutoMLError, ConfigError, DataError, unknown_name
from automl.goals import Goals, limits_of
from automl.options import flag, number
from automl.run_folder import RunFolder
from automl.runtime import printable

if TYPE_CHECKING:
    from automl.leaderboard.records import Board
    from automl.report.subject import Finished
    from automl.search import Search, SearchResult

# Of the configuration's data: files and columns.
NAMES = ("train", "test", "validation", "target", "roles", "drop", "group", "order", "weights", "missing")
DATA_KEYWORDS = (*NAMES, "kind", "folds", "test_share", "decimal")


def search(config: dict[str, Any], started: float) -> bool:
    """Search as ``config`` says, and print the leaderboard and where the model lies.

    Returns whether it was interrupted, and so shipped what it had by then.
    """
    return searched(config, started)[1]


def searched(
    config: dict[str, Any], started: float, look: Callable[[Any], None] = lambda task: None
) -> tuple[RunFolder, bool]:
    """Search as ``search`` does; return the run's folder too. ``look``: gets the task before the search begins."""
    configuration.check(config)
    with _prepared(config, started, may_sample=True) as ready:
        look(ready.task)
        folder = run_folder.create(_as_names(config["run"]["dir"]), config["leaderboard"]["url"])
        if ready.task.sampled is not None:  # whoever goes on with the run reads the same rows
            config["data"]["rows"] = ready.task.sampled
        files.write(folder.config, yaml.safe_dump(config, sort_keys=False))
        return folder, _run(ready, config, folder)


def resume(path: str, overrides: Sequence[str], started: float, trust: bool = False) -> None:
    """Go on with the run in the folder ``path``; its trials count, its seconds begin anew.

    ``trust``: also where it is another user's.
    """
    from automl.hydra_app import recomposed

    folder = run_folder.find(path, trust)
    config = recomposed(_recorded(folder), overrides)
    configuration.check(config)
    files.clear_drafts(folder.path)
    with _prepared(config, started) as ready:
        _run(ready, config, folder)


@contextmanager
def _prepared(config: Mapping[str, Any], started: float, may_sample: bool = False) -> Iterator["Search"]:
    """Check the whole configuration; the runner starts while the data is read, and is closed in the end.

    ``may_sample``: whether only some of the rows are read where the budget has no time for all.
    """
    from automl.search import Search, make_runner

    checked = search_config(config, started)
    with closing(make_runner(checked)) as runner:
        runner.start()
        until = checked.plan.read_until() if may_sample and not checked.deterministic else None
        yield Search(load_task(config, until), checked, runner)


def export(path: str, output: str, members: int | None, max_loss: float | None, trust: bool = False) -> None:
    """Ship again from the kept trials of the run in the folder ``path`` into the folder ``output``.

    ``trust``: also where the run is another user's.
    """
    from automl.export.ship import ship
    from automl.kept import KeptTrials
    from automl.leaderboard.store import Store
    from automl.model_store import ModelStore

    folder, target = run_folder.find(path, trust), Path(output)
    run_folder.refuse_used("An export", target, "Choose another -o.")
    config = _recorded(folder)
    if members is not None:
        config["ensemble"]["max_members"] = members
    if max_loss is not None:
        config["compress"]["max_loss"] = max_loss
    chosen = ship_config(config)
    _reach_own_modules(config)
    task = load_task(config)
    with Store(folder.leaderboard_url, read_only=True) as store:
        trials = store.trials(folder.run_id or 0)
    run_folder.make(target, "-o")
    kept = KeptTrials(
        ModelStore(config["run"]["store"] or str(folder.models)), task.valid_rows, task.n_rows, goals(config)
    )
    kept.look(trials)
    deadline = time.time() + UNHURRIED_SECONDS
    _, shipped = ship(task, kept, target, chosen, deadline, lambda text: print(printable(text), file=sys.stderr))
    for one in shipped:
        print(printable(f"{one.kind}: {one.path} ({one.n_bytes / 1000:,.0f} kB)"))


def report(path: str, output: str | None, trust: bool = False) -> None:
    """Write the report of the run in the folder ``path`` there, or into the folder ``output``.

    ``trust``: also where the run is another user's.
    """
    from automl.report import make

    folder = run_folder.find(path, trust)
    config = _recorded(folder)
    task, board, kept = left_by(folder)
    target = folder.path if output is None else Path(output)
    run_folder.make(target, "-o")
    for written in make.write(_finished(task, kept, board, config, folder), target, time.time() + make.SECONDS):
        print(printable(os.path.relpath(written)))


def left_by(folder: RunFolder) -> tuple[Any, Any, Any]:
    """Return a run's task, its board, and the trials that it has kept; nothing of theirs is removed."""
    from automl.kept import KeptTrials
    from automl.leaderboard.store import Store
    from automl.model_store import ModelStore

    config = _recorded(folder)
    _reach_own_modules(config)
    task = load_task(config)
    with Store(folder.leaderboard_url, read_only=True) as store:
        board = store.board(folder.run_id)
    kept = KeptTrials(ModelStore(config["run"]["store"] or str(folder.models)), task.valid_rows, task.n_rows)
    kept.look(board.trials)
    return task, board, kept


def leaderboard(run: str | None, url: str | None, list_runs: bool, form: str, top: int) -> None:
    """Print the runs, or the trials of one run, as text, CSV or JSON."""
    from automl.leaderboard import report
    from automl.leaderboard.store import Store

    number("number of trials to show, --top,", top, 0, whole=True)
    url, key = _place(run, url)
    with Store(url, read_only=True) as store:
        if list_runs:
            shown: Any = store.runs()
        else:
            shown = store.page(key, top or None) if form == "text" else store.board(key)
    if form != "text":
        written: Any = {"csv": (report.to_csv, report.runs_to_csv), "json": (report.to_json, report.runs_to_json)}
        print(written[form][list_runs](shown), end="")
    elif list_runs:
        report.render_runs(shown)
    else:
        report.render(shown)


def _place(run: str | None, url: str | None) -> tuple[str, str | int | None]:
    """Return the leaderboard's URL or path, and the run's key in it; ``url``: None for the run's own, or ``runs/``."""
    if url is not None:
        return url, run
    if run and (Path(run) / "run.json").exists():
        folder = run_folder.find(run, trust=True)  # nothing is unpickled
        return folder.leaderboard_url, folder.run_id
    return str(Path("runs", "leaderboard.db").absolute()), run


def optuna_export(run: str, url: str | None, storage: str | None, name: str | None) -> None:
    """Write a run as a study into Optuna's ``storage``, and say how to look at it."""
    from automl.leaderboard import study

    found = _whole_board(run, url)
    place = storage or f"sqlite:///{Path(found.run.folder) / 'optuna.db'}"
    written = study.write(found.run, found.trials, place, name or found.run.name)
    print(printable(f"{len(written.trials)} trials in the study '{written.study_name}'"))
    print(printable(f"look at them with: optuna-dashboard {shlex.quote(place)}"))


def tensorboard_export(run: str, url: str | None, output: str) -> None:
    """Write the trials of a run as TensorBoard's files into a new folder."""
    from automl.leaderboard import exports

    run_folder.refuse_used("An export", Path(output), "Choose another -o.")
    found = _whole_board(run, url)
    run_folder.make(Path(output), "-o")
    exports.to_tensorboard(found, Path(output))
    print(printable(f"look at them with: tensorboard --logdir {shlex.quote(output)}"))


def mlflow_export(run: str, url: str | None, uri: str, experiment: str) -> None:
    """Add a run to MLflow at ``uri``."""
    from automl.leaderboard import exports

    exports.to_mlflow(_whole_board(run, url), uri, experiment)
    print(printable(f"in the experiment '{experiment}' of {uri}"))


def _whole_board(run: str, url: str | None) -> "Board":
    from automl.leaderboard.store import Store

    place, key = _place(run, url)
    with Store(place, read_only=True) as store:
        return store.board(key)


def board(leaderboards: Sequence[str], host: str, port: int | None, names: Sequence[str], browse: bool) -> None:
    """Serve the page over leaderboards until Ctrl-C. Raises ``ConfigError`` where its libraries are not installed."""
    urls = [_leaderboard_of(given) for given in leaderboards or ["runs"]]
    if port is not None:
        number("port, --port,", port, 0, 65535, whole=True)
    try:
        from automl.board import serve
    except ImportError as error:
        raise ConfigError(
            f"The page needs libraries that are not installed ({error}): pip install 'automl[board]' brings them."
        ) from None
    serve.serve(urls, host, port, names, browse)


def _leaderboard_of(given: str) -> str:
    """Return the URL or path of the leaderboard that a run's folder, a folder, a file or a URL stands for."""
    if "://" in given:
        return given
    if (Path(given) / "run.json").exists():
        return run_folder.find(given, trust=True).leaderboard_url  # nothing is unpickled
    return str((Path(given) / "leaderboard.db" if Path(given).is_dir() or given == "runs" else Path(given)).absolute())


def predict(model: str, data: str, output: str, spreadsheet: bool = False) -> None:
    """Write the predictions for a file as CSV: one row each, labels or values, then probabilities.

    ``spreadsheet``: with an apostrophe before texts that a spreadsheet takes for formulas.
    """
    from automl import runtime
    from automl.data.files import read_features

    if (Path(model) / "run.json").exists():
        raise AutoMLError(f"'{model}' is the folder of a run; its model is '{Path(model) / 'model'}'. Give that.")
    try:
        opened = runtime.Model(model)
        x, lengths = read_features(data, opened.schema)
        runtime.write_predictions(opened, opened.scores(x, lengths), output, spreadsheet)
    except runtime.PredictionError as error:
        raise AutoMLError(str(error)) from None


def space(path: str, overrides: Sequence[str]) -> None:
    """Print the composed space, or the part of it at ``path``, as YAML."""
    from automl.hydra_app import composed

    part: Any = composed(["data.train=none", *overrides])["space"]
    for name in filter(None, path.removeprefix("space.").split(".")):
        if not isinstance(part, Mapping) or name not in part:
            raise unknown_name(f"part of '{path}'", name, part if isinstance(part, Mapping) else [])
        part = part[name]
    print(printable(yaml.safe_dump(part, sort_keys=False, allow_unicode=True)), end="")


def load_task(config: Mapping[str, Any], until: float | None = None) -> Any:
    """Read the data that ``config`` names; ``until``: when that has to be over, at the price of some of its rows."""
    from automl.data import load

    data = {key: _as_names(value) if key in NAMES else value for key, value in config["data"].items()}
    chosen = {"target_kind": config["task"], "metric": config["metric"], "seed": config["seed"]}
    chosen |= config.get("artifact", {})  # runs of earlier versions have none
    try:
        return load(data.pop("train"), until=until, **chosen, **data)
    except (ConfigError, DataError) as error:
        raise type(error)(_in_keys(str(error))) from None


def search_config(config: Mapping[str, Any], started: float) -> Any:
    """Return the ``SearchConfig`` of a composed configuration."""
    from automl.search import SearchConfig

    flag("key 'quiet'", config["quiet"])
    _leaderboard_url(config["leaderboard"]["url"])
    return SearchConfig(
        **config["budget"],
        searcher=config["searcher"],
        scheduler=config["scheduler"],
        runner=config["runner"],
        space=SpaceConfig(config["space"], config["plugins"]),
        ship=ship_config(config),
        store=config["run"]["store"],
        goals=goals(config),
        started=started,
        deterministic=config["deterministic"],
        report=flag("key 'report'", config.get("report", True)),
    )


def goals(config: Mapping[str, Any]) -> Goals:
    """Return what a composed configuration is after. Raises ``ConfigError`` for a limit that is no number above 0."""
    return Goals(tuple(config["goals"]), limits_of(config["limits"]))


def ship_config(config: Mapping[str, Any]) -> Any:
    """Return the ``ShipConfig`` of a composed configuration."""
    from automl.export.compress import CompressConfig
    from automl.export.ship import ShipConfig

    options = config["compress"]["options"]
    if options == "auto":
        options = list(registry.available("compressors", config["plugins"]["compressors"]))
    if not isinstance(options, list):
        raise ConfigError(f"'compress.options' is auto or a list, e.g. [trim_trees] or []; got {options!r}.")
    compress = CompressConfig(config["compress"]["max_loss"], tuple(options))
    return ShipConfig(**config["ensemble"], compress=compress)


def _run(ready: "Search", config: dict[str, Any], folder: RunFolder) -> bool:
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
    return result.interrupted


def _report_in_time(
    ready: "Search", result: "SearchResult", config: dict[str, Any], folder: RunFolder, note: Callable[[str], None]
) -> None:
    """Report at the end of a search, in what is left of its budget."""
    from automl.leaderboard.store import Store
    from automl.report import make

    until = min(time.time() + REPORT_SECONDS, ready.config.plan.report_until or math.inf)
    later = f"automl report {shlex.quote(os.path.relpath(folder.path))}"
    if until - time.time() < REPORT_LEAST:
        note(f"no time left for a report; make it with: {later}")
        return
    with Store(folder.leaderboard_url, read_only=True) as store:
        board = store.board(result.run_id)
    try:
        make.write(_finished(ready.task, result.kept, board, config, folder), folder.path, until)
    except Exception as error:  # what was shipped stands, whatever a report stumbles over
        note(f"no report ({type(error).__name__}: {error}); try: {later}")


def _finished(task: Any, kept: Any, board: Any, config: dict[str, Any], folder: RunFolder) -> "Finished":
    from automl.again import command_of
    from automl.assemble import task_space
    from automl.portfolio import entries, first_candidates
    from automl.report.subject import Finished
    from automl.task import FAMILY_FOLDER

    space = task_space(task, SpaceConfig(config["space"], config["plugins"]))
    firsts = first_candidates(space, entries(FAMILY_FOLDER[task.kind]))
    return Finished(task, kept, board, folder.path, firsts, lambda: command_of(config))


def _recorded(folder: RunFolder) -> dict[str, Any]:
    try:
        config = files.read_yaml(folder.config)
        configuration.check(config)
        return config
    except OSError:
        raise AutoMLError(
            f"'{folder.path}' has no config.yaml: only runs of `automl search` can be resumed or exported again."
        ) from None
    except ValueError as error:
        raise AutoMLError(
            f"'{folder.config}' is damaged: {error} Bring it back from a copy; what was shipped is whole."
        ) from None


def _reach_own_modules(config: Mapping[str, Any]) -> None:
    """Look for modules in the current folder too, if the run has options or a metric of its own."""
    if any(config["plugins"].values()) or ":" in config["metric"]:
        sys.path.append(os.getcwd())


def _in_keys(text: str) -> str:
    """Return a message of the data room with the keys of the configuration in place of Python's keywords."""
    # What is followed by a quote is meant for Python.
    return re.sub(rf"(?<![\w.])({'|'.join(DATA_KEYWORDS)})=(?!\")", r"data.\1=", text.replace("target_kind", "task"))


def _as_names(value: Any) -> Any:
    """Return names as strings: on the command line, 2020 is a number."""
    if isinstance(value, Mapping):
        return {str(name): role for name, role in value.items()}
    if isinstance(value, list):
        return [str(name) for name in value]
    return None if value is None else str(value)


def _leaderboard_url(url: Any) -> None:
    if url != "auto" and "://" not in str(url):
        raise ConfigError(f"'leaderboard.url' is auto or an SQLAlchemy URL; got '{url}'. For a file: sqlite:///{url}.")
