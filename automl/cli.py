"""The command line: ``automl search | resume | leaderboard | predict | export | space``."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence

from automl.errors import AutoMLError

# The clock of a search starts here, before anything heavy is imported.
STARTED = time.time()

USAGE = """\
usage: automl COMMAND ...

  automl search data.train=FILE data.target=COLUMN [KEY=VALUE ...]
                                      search, and ship the best model
  automl resume RUN [KEY=VALUE ...]   go on with an interrupted or finished run
  automl leaderboard [RUN]            show the runs and the trials of one
  automl predict MODEL DATA -o OUT    predict with a shipped model
  automl export RUN -o DIR            ship from a run again, with other settings
  automl space [PATH] [KEY=VALUE ...] print what is searched over, as YAML

`automl COMMAND --help` says more. `automl search` is a Hydra application: -m for several runs,
--cfg job to see the configuration, --config-dir for your own, -sc install=bash for completion.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; exit code 2 and one clear message for what a person can put right."""
    argv = list(sys.argv[1:] if argv is None else argv)
    commands = {
        "search": _search,
        "resume": _resume,
        "leaderboard": _leaderboard,
        "predict": _predict,
        "export": _export,
        "space": _space,
    }
    if not argv or argv[0] in ("-h", "--help"):
        print(USAGE, end="")
        raise SystemExit(0 if argv else 2)
    if argv[0] == "--version":
        from automl import __version__

        print(f"automl {__version__}")
        return
    # Whoever ends this job wants the best so far as much as a person who presses Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if argv[0] not in commands:
            from automl.errors import unknown_name

            raise unknown_name("command", argv[0], commands)
        commands[argv[0]](argv[1:])
    except AutoMLError as error:
        print(f"automl: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt as interrupt:
        print(f"automl: {str(interrupt) or 'interrupted'}", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:  # the reader of a pipe has left
        sys.stderr.close()
        raise SystemExit(141) from None


def _search(argv: list[str]) -> None:
    from automl import hydra_app

    hydra_app.run(argv)


def _resume(argv: list[str]) -> None:
    parser = _parser("resume", "Go on with a run: its finished trials are kept, and its budget begins anew.")
    parser.add_argument("run", help="the run's folder")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="e.g. budget.seconds=300 runner.workers=4")
    given = parser.parse_args(argv)
    from automl import commands

    commands.resume(given.run, given.overrides, STARTED)


def _leaderboard(argv: list[str]) -> None:
    parser = _parser("leaderboard", "Show the runs of a leaderboard, and the trials of one run (default: the newest).")
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
    from automl import commands

    commands.leaderboard(
        given.run, given.url, given.runs, "csv" if given.csv else "json" if given.json else "text", given.top
    )


def _predict(argv: list[str]) -> None:
    parser = _parser("predict", "Predict with a shipped model folder.")
    parser.add_argument("model", help="the model's folder, e.g. runs/NAME/model")
    parser.add_argument("data", help="a file of the kind the model was trained on")
    parser.add_argument(
        "-o", "--output", default="-", help="where the predictions go, as CSV (default: standard output)"
    )
    given = parser.parse_args(argv)
    from automl import commands

    commands.predict(given.model, given.data, given.output)


def _export(argv: list[str]) -> None:
    parser = _parser("export", "Ship from a finished run again: another size, another trade of score for bytes.")
    parser.add_argument("run", help="the run's folder")
    parser.add_argument("-o", "--output", required=True, help="a new folder; model/ and compact/ are written into it")
    parser.add_argument(
        "--members", type=int, help="how many different candidates the ensemble may have (1: the best alone)"
    )
    parser.add_argument(
        "--max-loss", type=float, help="the relative loss of score that compression may cost, e.g. 0.01"
    )
    given = parser.parse_args(argv)
    from automl import commands

    commands.export(given.run, given.output, given.members, given.max_loss)


def _space(argv: list[str]) -> None:
    parser = _parser("space", "Print what is searched over as YAML, with ranges and defaults.")
    parser.add_argument("path", nargs="?", default="", help="a part of it, e.g. tables.lightgbm")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="e.g. space.tables.svm=off space=small")
    given = parser.parse_args(argv)
    path, overrides = given.path, given.overrides
    if "=" in path:
        path, overrides = "", [path, *overrides]
    from automl import commands

    commands.space(path, overrides)


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"automl {command}", description=description)


if __name__ == "__main__":
    main()
