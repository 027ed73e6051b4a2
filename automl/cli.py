"""The command line: ``automl COMMAND ...``, as ``usage.COMMANDS`` lists them."""

import argparse
import contextlib
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from automl import interrupts, usage
from automl.clock import REPORT_ALONE_SECONDS
from automl.errors import AutoMLError
from automl.runtime.streams import open_streams


def _age() -> float:
    """Return for how many seconds this process has run: the budget counts Python's own start too. 0 if unknown."""
    try:
        ticks = float(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age = float(Path("/proc/uptime").read_text().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0
    return age if 0 <= age < 60 else 0.0


# The clock of a search starts here, before anything heavy is imported.
STARTED = time.time() - _age()


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; exit code 2 and one clear message for what a person can put right, 3 for what nobody foresaw."""
    own_process = argv is None
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        open_streams(usage.prints(argv))
        _run(argv)
        sys.stdout.flush()
        if own_process:
            interrupts.ignore()
    except BrokenPipeError:  # the reader of a pipe has left
        sys.stderr.close()
        raise SystemExit(141) from None
    except (Exception, KeyboardInterrupt) as error:
        from automl.faults import tell

        raise SystemExit(tell(error)) from None


def _run(argv: Sequence[str]) -> None:
    if not argv or argv[0] in ("-h", "--help"):
        print(usage.COMMANDS, end="")
        if not argv:
            raise SystemExit(2)
        return
    if argv[0] in ("-sc", "--shell-completion"):  # the script that Hydra installs asks like this
        _complete(list(argv))
        return
    if argv[0] == "--version":
        from automl import __version__

        print(f"automl {__version__}")
        return
    _place_current_folder(wanted=argv[0] in TAKES_OWN_MODULES)
    interrupts.listen()
    if argv[0] not in COMMANDS:
        from automl.errors import unknown_name

        raise unknown_name("command", argv[0], COMMANDS)
    COMMANDS[argv[0]](list(argv[1:]))


def _place_current_folder(wanted: bool) -> None:
    """Look for modules in the current folder last where options and metrics of one's own are ``wanted``, else never.

    What is unpacked there may have the name of a library. A checkout that this package itself is run from stays.
    """
    try:
        here = os.path.realpath(os.getcwd())
    except FileNotFoundError:  # it was removed
        return
    home = str(Path(__file__).resolve().parent.parent)
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") not in {here} - {home}]
    if wanted:
        sys.path.append(here)


def _search(argv: list[str]) -> None:
    if "-h" in argv or "--help" in argv:
        print(usage.SEARCH, end="")
        return
    from automl import hydra_app, multi_target

    hydra_app.run(argv, multi_target.search, STARTED)


def _complete(argv: list[str]) -> None:
    """Complete a command, or the keys and values of a search, in the line that the shell is at."""
    _, *words = os.environ.get("COMP_LINE", "").split(" ")
    if "search" in words[:-1][:1] or not any(a.startswith("query=") for a in argv):
        # Hydra splits at spaces, also those in quotes: what is not plainly KEY=VALUE is left out.
        plain = [w for w in words[1:-1] if "=" in w and not set(w) & set("'\"{}[]()")]
        os.environ["COMP_LINE"] = " ".join(["automl", *plain, *words[-1:]])
        with contextlib.suppress(AutoMLError):  # a half-written line may be wrong
            _search(argv)
    elif len(words) == 1:
        print(*(command for command in COMMANDS if command.startswith(words[0])))


def _resume(argv: list[str]) -> None:
    parser = usage.parser("resume", "Go on with a run: its finished trials are kept, and its budget begins anew.")
    parser.add_argument("run", help="the run's folder")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="e.g. budget.seconds=300 runner.workers=4")
    parser.add_argument("--trust", action="store_true", help=TRUST)
    given = parser.parse_args(argv)
    from automl import multi_target

    multi_target.resume(given.run, given.overrides, STARTED, given.trust)


def _leaderboard(argv: list[str]) -> None:
    parser = usage.parser(
        "leaderboard", "Show the runs of a leaderboard, and the trials of one run (default: the newest)."
    )
    parser.add_argument("run", nargs="?", help="a run's folder, number or name")
    parser.add_argument(
        "--url", help="the leaderboard, e.g. sqlite:///runs/leaderboard.db (default: the run's, or runs/)"
    )
    parser.add_argument("--runs", action="store_true", help="list the runs instead")
    parser.add_argument("--top", type=int, default=20, help="how many trials to show (default: 20; 0: all)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="all trials as CSV")
    form.add_argument("--json", action="store_true", help="everything as JSON")
    given = parser.parse_args(argv)
    from automl import multi_target

    multi_target.leaderboard(
        given.run, given.url, given.runs, "csv" if given.csv else "json" if given.json else "text", given.top
    )


def _board(argv: list[str]) -> None:
    parser = usage.parser(
        "board", "Serve a page over leaderboards: runs, trials and figures, live while a search runs."
    )
    parser.add_argument(
        "leaderboards",
        nargs="*",
        metavar="LEADERBOARD",
        help="a run's folder, a folder or file with a leaderboard, or a database URL (default: runs)",
    )
    usage.serving(parser)
    given = parser.parse_args(argv)
    from automl.board import command

    command.board(given.leaderboards, given.host, given.port, given.name, not given.no_browser)


def _predict(argv: list[str]) -> None:
    parser = usage.parser("predict", "Predict with a shipped model folder.")
    parser.add_argument("model", help="the model's folder, e.g. runs/NAME/model")
    parser.add_argument("data", help="a file of the kind the model was trained on")
    parser.add_argument(
        "-o", "--output", default="-", help="where the predictions go, as CSV (default: standard output)"
    )
    parser.add_argument(
        "--spreadsheet",
        action="store_true",
        help="defuse texts that a spreadsheet takes for formulas",
    )
    given = parser.parse_args(argv)
    from automl import commands

    commands.predict(given.model, given.data, given.output, given.spreadsheet)


def _export(argv: list[str]) -> None:
    parser = usage.parser("export", "Ship from a finished run again: another size, another trade of score for bytes.")
    parser.add_argument("run", help="the run's folder")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="of limits, compress and ensemble, e.g. limits.bytes=50000"
    )
    parser.add_argument("-o", "--output", required=True, help="a new folder; model/ and compact/ are written into it")
    parser.add_argument(
        "--members", type=int, help="how many different candidates the ensemble may have (1: the best alone)"
    )
    parser.add_argument(
        "--max-loss", type=float, help="the relative loss of score that compression may cost, e.g. 0.01"
    )
    parser.add_argument("--trust", action="store_true", help=TRUST)
    given = parser.parse_intermixed_args(argv)
    from automl import multi_target

    multi_target.export(given.run, given.output, given.overrides, given.members, given.max_loss, given.trust)


def _torch_export(argv: list[str]) -> None:
    parser = usage.parser("torch-export", "Write a run's network as PyTorch programs: torch.export and TorchScript.")
    parser.add_argument("run", help="the run's folder")
    parser.add_argument("-o", "--output", required=True, help="a new folder; model.pt2 and model.ts are put there")
    parser.add_argument("--trial", help="which trial (default: the best network that sees the rows as they are)")
    parser.add_argument("--trust", action="store_true", help=TRUST)
    given = parser.parse_args(argv)
    from automl import commands

    commands.torch_export(given.run, given.output, given.trial, given.trust)


def _optuna_export(argv: list[str]) -> None:
    parser = _exporter("optuna-export", "Write a run as a study of Optuna's, for optuna-dashboard and its other tools.")
    parser.add_argument("--storage", help="Optuna's storage (default: sqlite:///RUN/optuna.db, in the run's folder)")
    parser.add_argument("--name", help="the study's name (default: the run's)")
    given = parser.parse_args(argv)
    from automl.leaderboard import command

    command.optuna_export(given.run, given.url, given.storage, given.name)


def _tensorboard_export(argv: list[str]) -> None:
    parser = _exporter("tensorboard-export", "Write the curves and parameters of a run's trials for TensorBoard.")
    parser.add_argument("-o", "--output", required=True, help="a new folder")
    given = parser.parse_args(argv)
    from automl.leaderboard import command

    command.tensorboard_export(given.run, given.url, given.output)


def _mlflow_export(argv: list[str]) -> None:
    parser = _exporter("mlflow-export", "Add a run, its trials and its shipped models to MLflow.")
    parser.add_argument(
        "--uri", required=True, help="MLflow's tracking URI, e.g. http://HOST:5000 or sqlite:///mlflow.db"
    )
    parser.add_argument("--experiment", default="automl", help="the experiment (default: automl)")
    given = parser.parse_args(argv)
    from automl.leaderboard import command

    command.mlflow_export(given.run, given.url, given.uri, given.experiment)


def _exporter(command: str, description: str) -> argparse.ArgumentParser:
    parser = usage.parser(command, description)
    parser.add_argument("run", help="a run's folder, number or name")
    parser.add_argument("--url", help="the leaderboard (default: the run's, or runs/)")
    return parser


def _report(argv: list[str]) -> None:
    parser = usage.parser(
        "report", "Write report.html and report.md: the data, what won and by how much, what it goes by."
    )
    parser.add_argument("run", help="the run's folder")
    parser.add_argument("-o", "--output", help="another folder for the two files (default: the run's)")
    parser.add_argument("--trust", action="store_true", help=TRUST)
    parser.add_argument(
        "--seconds",
        type=usage.seconds,
        default=REPORT_ALONE_SECONDS,
        help="what it may take, for each of several targets (default: %(default)g); more looks at more rows",
    )
    given = parser.parse_args(argv)
    from automl import commands

    commands.report(given.run, given.output, STARTED, given.seconds, given.trust)


def _compete(argv: list[str]) -> None:
    parser = usage.parser(
        "compete",
        "Read off the sample what a contest asks for, search, answer the test rows, and write submission.csv.",
    )
    parser.add_argument("train", help="the table to learn from")
    parser.add_argument("test", help="the table to answer: the same columns without the target")
    parser.add_argument("sample", help="the sample submission: an id and the columns to fill in")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="e.g. budget.seconds=3600 metric=map@3 seed=1"
    )
    parser.add_argument(
        "--pseudo-labels",
        action="store_true",
        help="fit the best again beside test rows that they are sure about; taken if validation gains by it",
    )
    parser.add_argument(
        "--seeds", metavar="N,N", help="e.g. 0,1,2: a run for each, which share the budget, blended into one submission"
    )
    given = parser.parse_intermixed_args(argv)
    from automl import compete, compete_seeds

    asked = given.train, given.test, given.sample, given.overrides, STARTED
    if given.seeds is None:
        compete.compete(*asked, given.pseudo_labels)
    else:
        compete_seeds.compete(*asked, given.seeds, given.pseudo_labels)


def _ensemble(argv: list[str]) -> None:
    parser = usage.parser("ensemble", "Blend runs of `automl compete` by their out-of-fold predictions.")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="the folders of the runs")
    parser.add_argument("-o", "--output", default="submission.csv", help="the submission (default: submission.csv)")
    parser.add_argument("--trust", action="store_true", help=TRUST)
    given = parser.parse_args(argv)
    from automl import blend_runs

    blend_runs.ensemble(given.runs, given.output, given.trust)


def _host(argv: list[str]) -> None:
    from automl import host

    host.run(argv)


def _bench(argv: list[str]) -> None:
    from automl.bench import command

    command.run(argv)


def _space(argv: list[str]) -> None:
    parser = usage.parser("space", "Print what is searched over as YAML, with ranges and defaults.")
    parser.add_argument("path", nargs="?", default="", help="a part of it, e.g. tables.lightgbm")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="e.g. space.tables.svm=off space=small")
    parser.add_argument("--network", metavar="SHAPE", help="draw a network of the family at PATH for rows of 28,28,1")
    parser.add_argument("--classes", type=int, default=10, help="of its target, 0 for values (default: 10)")
    parser.add_argument("--seed", type=int, help="of a random candidate (default: the one that is tried first)")
    parser.add_argument("--svg", type=Path, help="a file to draw it in too")
    given = parser.parse_intermixed_args(argv)
    path, overrides = given.path, given.overrides
    if "=" in path:
        path, overrides = "", [path, *overrides]
    from automl import commands

    if given.network is None:
        commands.space(path, overrides)
    else:
        commands.network(path, overrides, _shape(given.network), given.classes, given.seed, given.svg)


def _shape(text: str) -> list[int]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise AutoMLError(f"A shape is whole numbers, as in --network 28,28,1; got '{text}'.")
    return [int(size) for size in text.split(",")]


# Where an option, a loss or a metric may be a module that lies in the current folder.
TAKES_OWN_MODULES = ("search", "resume", "compete", "host", "space")
TRUST = "open the folder though it belongs to another user: what it names or has pickled is code that is run"
COMMANDS = {
    "search": _search,
    "resume": _resume,
    "leaderboard": _leaderboard,
    "board": _board,
    "predict": _predict,
    "export": _export,
    "torch-export": _torch_export,
    "optuna-export": _optuna_export,
    "tensorboard-export": _tensorboard_export,
    "mlflow-export": _mlflow_export,
    "report": _report,
    "compete": _compete,
    "ensemble": _ensemble,
    "host": _host,
    "bench": _bench,
    "space": _space,
}

if __name__ == "__main__":
    main()
