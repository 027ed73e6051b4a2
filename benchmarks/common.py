"""What the benchmarks share: data folders, whole commands in their own process, tables on the screen."""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

AUTOML = [sys.executable, "-m", "automl.cli"]


@dataclass(frozen=True)
class DataSet:
    """One folder with ``data.csv``, ``data.csv.gz`` or ``data.npz`` and ``meta.json``."""

    name: str
    file: Path
    meta: dict[str, Any]

    @property
    def is_table(self) -> bool:
        """Whether it is a CSV."""
        return self.file.suffix != ".npz"

    def split(self, folder: Path, seed: int = 0) -> tuple[Path, Path | None]:
        """Write train.csv and test.csv (one fifth); an npz brings its own test part."""
        if not self.is_table:
            return self.file, None
        frame = pd.read_csv(self.file, low_memory=False)
        stratify = None if self.meta["task"] == "regression" else frame["target"]
        train, test = train_test_split(frame, test_size=0.2, random_state=seed, stratify=stratify)
        folder.mkdir(parents=True, exist_ok=True)
        train.to_csv(folder / "train.csv", index=False)
        test.to_csv(folder / "test.csv", index=False)
        return folder / "train.csv", folder / "test.csv"

    def arguments(self, folder: Path, seed: int = 0) -> list[str]:
        """Return the data arguments of ``automl search``."""
        train, test = self.split(folder, seed)
        given = [f"data.train={train}", f"metric={self.meta['metric']}"]
        return given + ([f"data.test={test}", "data.target=target"] if test else [])


def data_set(root: Path, name: str) -> DataSet:
    """Open one data set below ``root``."""
    meta = json.loads((root / name / "meta.json").read_text())
    return DataSet(name, root / name / meta["file"], meta)


@dataclass(frozen=True)
class Command:
    """A command that has ended, and its wall clock."""

    seconds: float
    returncode: int
    output: str


def run(arguments: Sequence[str], log: Path) -> Command:
    """Run a command to its end with its output in ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.time()
    with log.open("w") as file:
        done = subprocess.run(arguments, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
    return Command(time.time() - started, done.returncode, log.read_text())


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows that ``write_rows`` wrote; none where there is no file yet."""
    return list(csv.DictReader(path.open())) if path.exists() else []


def write_rows(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write rows as CSV, with the columns of the last one."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[-1]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as a Markdown table."""
    if not rows:
        return "(nothing)"
    names = list(rows[0])
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(name), *(len(row[i]) for row in cells)) for i, name in enumerate(names)]
    lines = [names, ["-" * w for w in widths], *cells]
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
