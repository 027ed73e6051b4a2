"""The command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from automl.runtime.errors import PredictionError
from automl.runtime.models import open_model
from automl.runtime.predictions import write_predictions
from automl.runtime.printable import printable
from automl.runtime.read_input import read_input


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, or 2 after an error, which is printed on stderr."""
    parser = argparse.ArgumentParser(prog="predict.py", description="Predict with this model folder.")
    parser.add_argument("data", type=Path, help="a .csv, .tsv (also .gz) or .npz file")
    parser.add_argument("-o", "--output", default="-", help="the CSV to write; - is the screen (default)")
    parser.add_argument("--spreadsheet", action="store_true", help="defuse texts that a spreadsheet takes for formulas")
    parser.add_argument(
        "--model", type=Path, default=Path(__file__).parent, help="the model folder (default: this one)"
    )
    parser.add_argument("--threads", type=int, default=0, help="cores to use (default: all)")
    options = parser.parse_args(argv)
    try:
        model = open_model(options.model, options.threads)
        scores = model.scores(*read_input(options.data, model.schema))
        write_predictions(model, scores, options.output, options.spreadsheet)
    except (PredictionError, OSError, MemoryError) as error:
        print(f"predict.py: {printable(str(error) or 'the memory does not suffice')}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
