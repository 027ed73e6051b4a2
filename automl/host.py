"""``automl host``: a contest from its host's side, from a table to the last standings."""

import argparse
import csv
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path

from automl import run_folder, usage
from automl.board import command
from automl.contest import seal, standings
from automl.contest.book import Contest
from automl.errors import ConfigError
from automl.runtime.printable import defused, printable


def run(argv: Sequence[str]) -> None:
    """Do what ``automl host ...`` says."""
    given = _parser().parse_args(argv)
    given.do(given)


def _make(given: argparse.Namespace) -> None:
    rules = seal.Rules(**{field.name: getattr(given, field.name) for field in fields(seal.Rules)})
    folder = Path(given.contest)
    run_folder.refuse_used("A contest", folder, "Choose another one.")
    run_folder.make(folder, "folder for the contest", 0o700)
    try:
        notes = seal.seal(given.data, folder, rules)
    except BaseException:  # half a contest is none
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for note in notes:
        print(printable(note), file=sys.stderr)
    print(printable(f"hand out: {os.path.relpath(folder / seal.GIVEN)}"))
    print(printable(f"keep to yourself: {os.path.relpath(folder / seal.SOLUTION)}"))


def _submit(given: argparse.Namespace) -> None:
    contest = Contest(Path(given.contest))
    entry = contest.submit(given.team, Path(given.submission))
    print(printable(f"{entry.team}: public {contest.metric.name} {entry.public:.6g}"))
    print(f"{contest.left(entry.team)} of {contest.quota} submissions left today")


def _close(given: argparse.Namespace) -> None:
    contest = Contest(Path(given.contest))
    contest.close()
    _print_round(contest, standings.of(contest))


def _standings(given: argparse.Namespace) -> None:
    rounds = _opened(given.contests)
    found = [standings.of(contest) for contest in rounds]
    totals = standings.together(found)
    if given.json:
        shown = {"rounds": {c.name: [asdict(s) for s in own] for c, own in zip(rounds, found, strict=True)}}
        print(json.dumps(shown | {"total": [asdict(total) for total in totals]}, indent=1))
    elif given.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("contest", *(field.name for field in fields(standings.Place))))
        for contest, own in zip(rounds, found, strict=True):
            writer.writerows([defused(cell) for cell in (contest.name, *asdict(s).values())] for s in own)
    else:
        for contest, own in zip(rounds, found, strict=True):
            _print_round(contest, own)
        if len(rounds) > 1:
            _print_totals(rounds, totals)


def _page(given: argparse.Namespace) -> None:
    server = command.server(given.port)
    from automl.board.contest_page import make_app

    rounds = _opened(given.contests)
    make = partial(make_app, [contest.folder for contest in rounds])
    shown = ", ".join(contest.name for contest in rounds)
    server.listen(make, shown, given.host, given.port, given.name, not given.no_browser)


def _opened(folders: Sequence[str]) -> list[Contest]:
    rounds = [Contest(Path(folder)) for folder in folders]
    if len({contest.name for contest in rounds}) < len(rounds):
        raise ConfigError("The folders of the rounds must have names of their own.")
    return rounds


def _print_round(contest: Contest, places: Sequence[standings.Place]) -> None:
    judged = "private" if contest.is_closed else "public"
    rows = [
        (str(s.rank), s.team, f"{s.score:.6g}", s.time[:16].replace("T", " "), str(s.n), f"{s.points:.2f}")
        for s in places
    ]
    _print(f"{contest.name}: {judged} {contest.metric.name}", ("team", "score", "UTC", "scored", "points"), rows)


def _print_totals(rounds: Sequence[Contest], totals: Sequence[standings.Total]) -> None:
    rows = [
        (str(t.rank), t.team, f"{t.points:.2f}", *("-" if place is None else str(place) for place in t.places))
        for t in totals
    ]
    _print("all rounds, and the place in each", ("team", "points", *(contest.name for contest in rounds)), rows)


def _print(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = [[printable(cell) for cell in row] for row in [("", *names), *rows]]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    print(printable(title))
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _parser() -> usage.Parser:
    parser = usage.parser("host", "Host a contest: its answers stay sealed, what is handed in is checked and scored.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    make = commands.add_parser("make", help="make a contest of a table")
    make.add_argument("data", help="a table with its target")
    make.add_argument("contest", help="a new folder: public/ is handed out, the rest is the host's")
    make.add_argument("--target", help="the column to predict (default: target)")
    make.add_argument("--id", help="the column that names a row (default: new numbers, at random)")
    make.add_argument("--metric", default="auto", help="by name (default: roc_auc, log_loss or rmse)")
    make.add_argument("--task", default="auto", help="regression or classification (default: inferred)")
    make.add_argument("--group", metavar="COLUMN", help="rows of one group stay together")
    make.add_argument("--order", metavar="COLUMN", help="later rows are asked about, and the last ones are private")
    make.add_argument("--test-share", type=float, default=0.3, help="of the rows that are asked about (default: 0.3)")
    make.add_argument("--public-share", type=float, default=0.3, help="of these, with public scores (default: 0.3)")
    make.add_argument("--quota", type=int, default=5, help="scored submissions of a team on a day (default: 5)")
    make.add_argument("--seed", type=int, default=0, help="of the parts")
    make.set_defaults(do=_make)
    submit = commands.add_parser("submit", help="check and score a team's submission")
    submit.add_argument("contest")
    submit.add_argument("team")
    submit.add_argument("submission", help="a CSV file as the sample is")
    submit.set_defaults(do=_submit)
    shown = commands.add_parser("standings", help="who leads in a contest, or over the rounds")
    shown.add_argument("contests", nargs="+", metavar="CONTEST")
    form = shown.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="the places in each contest as CSV")
    form.add_argument("--json", action="store_true", help="everything as JSON")
    shown.set_defaults(do=_standings)
    close = commands.add_parser("close", help="end a contest: private scores decide, and are told")
    close.add_argument("contest")
    close.set_defaults(do=_close)
    page = commands.add_parser("page", help="serve the standings as a page")
    page.add_argument("contests", nargs="+", metavar="CONTEST")
    usage.serving(page)
    page.set_defaults(do=_page)
    return parser
