"""``automl leaderboard``, and the commands by which others' tools read a run."""

import shlex
from pathlib import Path
from typing import Any

from automl import run_folder
from automl.leaderboard.records import Board
from automl.leaderboard.store import Store
from automl.options import number
from automl.runtime.printable import printable


def leaderboard(run: str | None, url: str | None, list_runs: bool, form: str, top: int) -> None:
    """Print the runs, or the trials of one run, as text, CSV or JSON."""
    from automl.leaderboard import report

    number("number of trials to show, --top,", top, 0, whole=True)
    url, key = place(run, url)
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


def place(run: str | None, url: str | None) -> tuple[str, str | int | None]:
    """Return the leaderboard's URL or path, and the run's key in it; ``url``: None for the run's own, or ``runs/``."""
    if url is not None:
        return url, run
    if run and run_folder.is_one(run):
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


def _whole_board(run: str, url: str | None) -> Board:
    at, key = place(run, url)
    with Store(at, read_only=True) as store:
        return store.board(key)
