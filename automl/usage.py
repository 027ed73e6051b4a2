"""What the command line says about itself."""

import argparse
import math
from collections.abc import Sequence
from typing import NoReturn

from automl.errors import AutoMLError

COMMANDS = """\
usage: automl COMMAND ...

  automl search data.train=FILE data.target=COLUMN [KEY=VALUE ...]
                                      search, and ship the best model
  automl resume RUN [KEY=VALUE ...]   go on with an interrupted or finished run
  automl leaderboard [RUN]            show the runs and the trials of one
  automl board [LEADERBOARD ...]      show them as a page in the browser, live
  automl predict MODEL DATA -o OUT    predict with a shipped model
  automl export RUN -o DIR            ship from a run again, with other settings
  automl torch-export RUN -o DIR      write its best network as programs of PyTorch's
  automl optuna-export RUN            write a run as a study for optuna-dashboard
  automl tensorboard-export RUN -o DIR    ... as files for TensorBoard
  automl mlflow-export RUN --uri URI      ... into MLflow
  automl report RUN                   write what a run found as one HTML file, and as Markdown
  automl compete TRAIN TEST SAMPLE [KEY=VALUE ...]
                                      search, and write a checked submission for a contest; --seeds, --pseudo-labels
  automl ensemble RUN RUN... -o OUT   blend runs of a contest, and write their submission
  automl host make DATA CONTEST       host a contest: seal the answers; then submit, standings, close, page
  automl bench FOLDER --systems NAME,...
                                      systems side by side on a folder of data sets
  automl space [PATH] [KEY=VALUE ...] print what is searched over, as YAML; --network SHAPE: a network of it

`automl COMMAND --help` says more. For completion in bash: eval "$(automl search -sc install=bash)"
"""

SEARCH = """\
usage: automl search data.train=FILE data.target=COLUMN [KEY=VALUE ...]

Search for the best model, and ship it. The keys that are used most:

  data.train=FILE         a table, a .npz archive, or a folder with one folder of images per class
  data.target=COLUMN      the column to predict (tables and text); [a,b]: several, each by a search of its own
  data.test=FILE          locked away, and scored once at the end
  data.roles={zip: text}  what columns are, where it is not what is inferred
  task=regression         or classification, binary, multiclass; default: inferred
  metric=NAME             roc_auc, log_loss, accuracy, f1_macro, rmse, mae, r2, ..., or module:function
  budget.seconds=600      wall clock of the whole command; null: no limit
  budget.trials=50        how many candidates are tried at most
  experiment=NAME         a recipe: quick, best_quality, competition, edge
  searcher= scheduler=    how candidates are found (tpe, gp, random, ...), and ended early (halving, asha, none, ...)
  runner=inline           in this process; or processes, or ray_tune, with runner.workers=N
  space.PATH=VALUE        what is searched over, e.g. space.tables.svm=off
  run.dir=DIR seed=N      where it is kept; the seed of everything

  -m                      several runs: automl search -m ... seed=0,1,2
  --config-dir DIR        a folder with configuration files of your own
  --cfg job               print the configuration instead of searching

examples:
  automl search data.train=train.csv data.target=price budget.seconds=60
  automl search data.train=train.csv data.target=price 'data.roles={zip: categorical}' metric=mae
  automl search data.train=photos experiment=edge runner.workers=2

Everything there is: `automl search --cfg job`; all that is searched over: `automl space`.
"""

# What writes files or serves a page, unless it is asked what it would do.
_WRITES_FILES = (
    *("search", "resume", "board", "export", "torch-export", "optuna-export", "tensorboard-export", "mlflow-export"),
    *("report", "compete", "ensemble", "bench"),
)
_ASKS_ONLY = ("-h", "--help", "-c", "--cfg", "-i", "--info")


def prints(argv: Sequence[str]) -> bool:
    """Whether what a command prints is its result, and not only where it has written that."""
    return not argv or argv[0] not in _WRITES_FILES or not {*_ASKS_ONLY}.isdisjoint(argv)


class Parser(argparse.ArgumentParser):
    """The arguments of one command."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong as every other error is said."""
        raise AutoMLError(f"{message}. {' '.join(self.format_usage().split())}")


def parser(command: str, description: str) -> Parser:
    """Return what reads the arguments of ``automl COMMAND``."""
    return Parser(prog=f"automl {command}", description=description)


def seconds(text: str) -> float:
    """Read how long something may take. Raises ``argparse.ArgumentTypeError``."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds greater than 0; got '{text}'")
    return found


def serving(parser: argparse.ArgumentParser) -> None:
    """Add where a page listens."""
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: this machine alone)")
    parser.add_argument("--port", type=int, help="default: 8710, or another that is free")
    parser.add_argument("--name", action="append", default=[], help="a further name by which the page is reached")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
