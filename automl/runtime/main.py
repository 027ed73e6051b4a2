"""The command line."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from automl.runtime.errors import PredictionError
from automl.runtime.models import open_model
from automl.runtime.predictions import refuse_overwriting, write_predictions
from automl.runtime.printable import printable
from automl.runtime.read_input import read_input
from automl.runtime.remarks import scores_of_file
from automl.runtime.streams import open_streams

_CORRECTABLE, _UNFORESEEN, _INTERRUPTED, _NOBODY_READS = 2, 3, 130, 141


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong as every other error is said: an argument may be the name of any file."""
        raise PredictionError(f"{message}. {' '.join(self.format_usage().split())}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, or another after an error, which is one message on stderr.

    2: a person can put it right. 3: nobody foresaw it. 130: an interrupt. 141: nobody reads the output any more.
    """
    parser = _Arguments(prog="predict.py", description="Predict with this model folder.")
    parser.add_argument("data", type=Path, help="a .csv, .tsv (also .gz) or .npz file")
    parser.add_argument("-o", "--output", default="-", help="the CSV to write; - is the screen (default)")
    parser.add_argument("--spreadsheet", action="store_true", help="defuse texts that a spreadsheet takes for formulas")
    parser.add_argument(
        "--model", type=Path, default=Path(__file__).parent, help="the model folder (default: this one)"
    )
    parser.add_argument("--threads", type=int, default=0, help="cores to use (default: all)")
    try:
        open_streams(prints=True)
        options = parser.parse_args(argv)
        refuse_overwriting(options.data, options.output)
        model = open_model(options.model, options.threads)
        scores = scores_of_file(model, *read_input(options.data, model.schema))
        write_predictions(model, scores, options.output, options.spreadsheet)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would fail when Python ends
        return _NOBODY_READS
    except (PredictionError, OSError, MemoryError) as error:
        return _say(str(error) or "the memory does not suffice", _CORRECTABLE)
    except KeyboardInterrupt:
        return _say("interrupted", _INTERRUPTED)
    except Exception as error:
        what = f"{type(error).__name__}: {error}".strip(": ").splitlines()[0][:200]
        return _say(f"This should not have happened: {what}; please report it.", _UNFORESEEN)
    return 0


def _say(message: str, code: int) -> int:
    print(f"predict.py: {printable(message)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
