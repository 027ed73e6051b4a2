"""Is a search slower while its page is open? ``python benchmarks/board_load.py [--trials 60] [--repeats 2]``.

The same trials each time (``deterministic=true``), with and without the page, in alternating order, so that a machine
that gets warmer or busier favours neither. The page is there before the search begins, and what a browser does is done:
the run is followed by server-sent events, and at each of them its leaderboard and the figures of its progress are asked
for. The aim: at most 2 % slower. It says something on a machine that does nothing else.

By default on scikit-learn's breast cancer data; ``--data FOLDER --set adult`` takes another data set.
"""

import argparse
import contextlib
import http.client
import runpy
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from board import ask, served
from common import AUTOML, data_set, run, table

from automl.leaderboard.store import Store

SEEN = ("", "/figures/scores", "/figures/timeline")
LOOK_SECONDS = 0.2


class Follower(threading.Thread):
    """An open page: asks for what it shows whenever the run has changed. ``n``: how often it did."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.base, self.n = f"{address}/0/runs/1", 0
        self.stream = http.client.HTTPConnection(urlsplit(address).netloc)

    def run(self) -> None:
        """Follow the first run, from when there is one until ``close``."""
        path = f"{urlsplit(self.base).path}/events"
        while True:
            self.stream.request("GET", path)
            events = self.stream.getresponse()
            if events.status == http.HTTPStatus.OK:
                break
            events.read()  # no run yet
            time.sleep(LOOK_SECONDS)
        with contextlib.suppress(OSError, http.client.HTTPException):
            for line in events:
                if line.startswith(b"event: changed"):
                    self._look()

    def close(self) -> None:
        """Close the page."""
        if self.stream.sock:
            self.stream.sock.shutdown(socket.SHUT_RDWR)
        self.join()

    def _look(self) -> None:
        for path in SEEN:
            ask(self.base + path)
        self.n += 1


@contextmanager
def watched(folder: Path, is_open: bool) -> Iterator[Follower | None]:
    """Have the page over a folder's leaderboard open within the block, or none."""
    if not is_open:
        yield None
        return
    with served(folder / "leaderboard.db") as address:
        ask(f"{address}/")  # what is loaded at the first question is not the search's
        follower = Follower(address)
        follower.start()
        try:
            yield follower
        finally:
            follower.close()


def one(folder: Path, arguments: Sequence[str], trials: int, is_open: bool) -> dict[str, Any]:
    """Search once; return the seconds of the command, its trials, and how often the page asked."""
    folder.mkdir(parents=True)
    with Store(folder / "leaderboard.db"):  # the page opens what is there, and so it is there each time
        pass
    budget = ["budget.seconds=null", f"budget.trials={trials}", "deterministic=true", "report=false", "quiet=true"]
    with watched(folder, is_open) as page:
        done = run([*AUTOML, "search", *arguments, *budget, f"run.dir={folder / 'run'}"], folder / "log.txt")
        asked = page.n if page else 0
    if done.returncode:
        raise SystemExit(f"the search failed; see {folder / 'log.txt'}")
    with Store(folder / "leaderboard.db", read_only=True) as store:
        n_trials = sum(store.page(1, 0).counts.values())
    return {"page": "open" if is_open else "none", "seconds": done.seconds, "trials": n_trials, "asked": asked}


def main(given: argparse.Namespace, out: Path) -> None:
    """Search with and without the page, in turns, and print the ratio of their seconds."""
    if given.data:
        arguments = data_set(given.data, given.set).arguments(out)
    else:
        example = Path(__file__).parent.parent / "examples" / "write_breast_cancer.py"
        runpy.run_path(str(example))["main"](str(out))
        arguments = [f"data.train={out / 'train.csv'}", "data.target=diagnosis"]
    arguments += given.more
    rows: list[dict[str, Any]] = []
    for i in range(given.repeats):
        for is_open in (False, True) if i % 2 == 0 else (True, False):
            rows.append(one(out / f"{i}-{'open' if is_open else 'none'}", arguments, given.trials, is_open))
            print(f"{rows[-1]['page']}: {rows[-1]['seconds']:.1f} s", flush=True)
    print(table(rows))
    with_page, without = ([row["seconds"] for row in rows if row["page"] == page] for page in ("open", "none"))
    ratios = [a / b for a, b in zip(with_page, without, strict=True)]
    ratio = statistics.mean(with_page) / statistics.mean(without)
    print(
        f"with the page {100 * (ratio - 1):+.1f} %; pair by pair " + ", ".join(f"{100 * (r - 1):+.1f}" for r in ratios)
    )
    if len(ratios) == 1:
        return
    noise = max((max(of) - min(of)) / statistics.mean(of) for of in (with_page, without))
    print(f"runs of one kind differ by up to {100 * noise:.1f} %: nothing smaller is told apart")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--set", default="adult")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--out", type=Path, help="a new folder for all that is made (default: one that goes again)")
    parser.add_argument("more", nargs="*", metavar="KEY=VALUE", help="of the search, e.g. runner=processes")
    given = parser.parse_args()
    if given.out:
        main(given, given.out)
    else:
        with tempfile.TemporaryDirectory() as made:
            main(given, Path(made))
