"""How long the page takes with many trials: ``python benchmarks/board.py [trials] [folder]``.

By default 100,000 trials in one run among 200, in a new folder. The page runs in a process of its own; each address is
asked for when nothing of it is known yet, and again; where there is Chromium, also how long until it shows.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leaderboard import fill

from automl.leaderboard.store import Store

VIEWS = {
    "runs": "/",
    "leaderboard": "",
    "page 1000": "?page=1000",
    "by seconds": "?sort=seconds",
    "by id": "?sort=id&order=down",
    "one family": "?family=mlp",
    "failed ones": "?status=failed",
    "one trial by number": "?find=%2377777",
    "progress": "/progress",
    "parameters": "/parameters",
    "about": "/about",
    "a trial": "/trials/77777",
    "figure: scores": "/figures/scores",
    "figure: front": "/figures/front",
    "figure: time line": "/figures/timeline",
    "figure: curves": "/figures/curves",
    "figure: importance": "/figures/importance",
    "figure: parallel": "/figures/parallel",
    "version (polled)": "/version",
    "export: CSV": "/export.csv",
    "export: JSON": "/export.json",
    "export: one HTML file": "/export.html",
}


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the page in a process of its own; its address."""
    command = [sys.executable, "-m", "automl.cli", "board", str(folder), "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield next(line for line in process.stdout if line.startswith("http://")).partition("/?")[0]
        finally:
            process.terminate()


def ask(address: str) -> tuple[float, int]:
    """Return the milliseconds until an answer is whole, and its bytes."""
    began = time.perf_counter()
    with urllib.request.urlopen(address) as answer:
        n_bytes = len(answer.read())
    return 1000 * (time.perf_counter() - began), n_bytes


def first_view(address: str) -> float | None:
    """Return the milliseconds from asking for the page until Chromium has painted it; None without Chromium."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        return None
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        browser.get(address)
        painted = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        until = time.monotonic() + 10
        while (found := browser.execute_script(painted)) is None and time.monotonic() < until:
            time.sleep(0.05)
        return float(found) if found is not None else None
    finally:
        browser.quit()


def main(n_trials: int, folder: Path) -> None:
    """Fill a leaderboard, unless the folder has one, and time the page over it."""
    database = folder / "leaderboard.db"
    if not database.exists():
        with Store(database) as store:
            fill(store, n_trials)
    with Store(database, read_only=True) as store:
        run = store.run().id
    with served(folder) as address:
        ask(f"{address}/static/board.css")
        for name, path in VIEWS.items():
            whole = address + (path if path == "/" else f"/0/runs/{run}{path}")
            first, n_bytes = ask(whole)
            again = min(ask(whole)[0] for _ in range(1 if "export" in path else 3))
            print(f"{name:22} first {first:7.0f} ms, again {again:7.0f} ms {n_bytes:10,} bytes", flush=True)
    with served(folder) as address:  # nothing is known yet
        painted = first_view(f"{address}/0/runs/{run}")
    print(f"first view in Chromium {'-' if painted is None else f'{painted:.0f} ms'}")


if __name__ == "__main__":
    n_trials = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    if len(sys.argv) > 2:
        main(n_trials, Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(n_trials, Path(made))
