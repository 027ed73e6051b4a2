"""``automl bench``: systems side by side on a folder of data sets."""

import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from automl import run_folder, usage
from automl.bench import datasets, page
from automl.bench.fits import Book, SystemFit
from automl.bench.systems import ALWAYS, SYSTEMS
from automl.errors import ConfigError, unknown_name
from automl.options import number
from automl.runtime.printable import printable


def run(argv: Sequence[str]) -> None:
    """Fit what has not been fitted yet, and write the page after each fit."""
    given = _parser().parse_args(argv)
    systems = dict.fromkeys([*ALWAYS, *_listed(given.systems)])
    for name in systems:
        if name not in SYSTEMS:
            raise unknown_name("system", name, SYSTEMS)
    budgets = [number("budget, --seconds,", _number(text, "seconds"), 1) for text in _listed(given.seconds)]
    seeds = [number("seed, --seeds,", _number(text, "seeds"), 0, whole=True) for text in _listed(given.seeds)]
    sets = datasets.found(Path(given.folder), _listed(given.sets))
    fits = [
        SystemFit(data, SYSTEMS[name], seconds, seed)
        for data, seed, name in product(sets, seeds, systems)
        for seconds in (budgets if SYSTEMS[name].timed else [None])
    ]
    out = Path(given.output)
    run_folder.make(out, "-o")
    book = Book(out, Path(given.environments) if given.environments else out / "environments")
    missing = book.missing(fits)
    print(f"{len(fits)} fits, {len(missing)} of them to do", file=sys.stderr)
    book.rows(_noted)
    uninstalled: set[str] = set()  # by script: the settings of a system share an environment
    for fit in missing:
        if fit.system.script in uninstalled:
            continue
        try:
            rows = book.do(fit)
        except subprocess.CalledProcessError as error:
            uninstalled.add(fit.system.script)
            why = f"pip ends with exit code {error.returncode}, as it says above; the next call tries again"
            print(f"{fit.system.name} cannot be installed: {why}", file=sys.stderr)
            continue
        for row in rows:
            _noted(f"{fit.name}: {row.get('failure') or row['score']}")
        page.write(book.rows(), out)
    for path in page.write(book.rows(), out):
        print(printable(os.path.relpath(path)))


def _noted(text: str) -> None:
    print(printable(text), file=sys.stderr)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(text: str, option: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ConfigError(f"--{option} takes numbers, as in --{option} 60,300; got '{text}'.") from None
    return int(value) if value.is_integer() else value


def _parser() -> usage.Parser:
    parser = usage.parser(
        "bench",
        "Fit systems to every data set of a folder, one after the other, and compare them: scores, ranks, what they "
        "cost. A call goes on where an earlier one has stopped.",
    )
    parser.add_argument("folder", help="data sets, one folder each: meta.json and data.csv or data.npz")
    others = ", ".join(name for name in SYSTEMS if name not in ALWAYS)
    parser.add_argument(
        "--systems", default="", help=f"beside {', '.join(ALWAYS)}: {others}; each in an environment of its own"
    )
    parser.add_argument("--sets", default="", help="names of data sets (default: all)")
    parser.add_argument("--seconds", default="60", help="budgets, e.g. 60,300 (default: 60)")
    parser.add_argument("--seeds", default="0", help="of the splits and the systems, e.g. 0,1,2 (default: 0)")
    parser.add_argument("-o", "--output", default="runs/bench", help="where all is kept (default: runs/bench)")
    parser.add_argument("--environments", help="where peers are installed (default: OUTPUT/environments)")
    return parser
