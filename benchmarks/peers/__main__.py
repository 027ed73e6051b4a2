"""Systems side by side on data folders: score, seconds, memory, latency, bytes.

    python benchmarks/peers --data FOLDER [--systems automl,flaml,lightgbm] [--sets adult,letter] [--seconds 60,300]
        [--seeds 0] [--out runs/peers]

One fit at a time, each in a process of its own; peers in virtual environments that are made below ``--out``. A quarter
of the rows is the test part, stratified and seeded, the same for all. A call goes on where an earlier one has stopped;
a peer that fails is a row too. The tables are printed and written to ``--out``/README.md.
"""

import argparse
import json
import os
import subprocess
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import report
from sklearn.model_selection import train_test_split
from systems import HERE, SYSTEMS, System

from automl.errors import unknown_name
from automl.metrics import get

SETS = (
    "adult,telco_churn,credit_g,mammography,credit_default,caravan,letter,segment,diabetes_readmission,cnae9,soybean,"
    "california_housing,diamonds,abalone,bike_sharing,beijing_pm25"
)
TEST_SHARE = 0.25
# A system that takes so many times its budget, and this much more, is ended.
MOST_OVER, GRACE_SECONDS = 3.0, 120.0
LOOK_SECONDS = 0.2


def main() -> None:
    """Fit what has not been fitted yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--systems", default="automl,flaml,lightgbm")
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--seconds", default="60")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--out", type=Path, default=Path("runs/peers"))
    given = parser.parse_args()
    for name in given.systems.split(","):
        if name not in SYSTEMS:
            raise unknown_name("system", name, SYSTEMS)
    kinds = product(given.sets.split(","), map(int, given.seeds.split(",")), given.systems.split(","))
    for data, seed, name in kinds:
        for seconds in map(float, given.seconds.split(",")) if SYSTEMS[name].timed else [None]:
            file = given.out / "rows" / f"{data} {name} {seconds or 0:g} {seed}.json"
            if not file.exists():
                rows = one(given.data / data, SYSTEMS[name], seconds, seed, given.out)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(rows))
                print(*rows, sep="\n", flush=True)
    page = report.page([row for file in sorted((given.out / "rows").iterdir()) for row in json.loads(file.read_text())])
    (given.out / "README.md").write_text(page)
    print(page)


def one(data: Path, system: System, seconds: float | None, seed: int, out: Path) -> list[dict[str, Any]]:
    """Fit one system to one set; return a row for each model that it made, or one that says why there is none."""
    row = {"set": data.name, "system": system.name, "budget": seconds, "seed": seed}
    folder = (out / "fits" / f"{data.name} {system.name} {seconds or 0:g} {seed} {time.time_ns()}").resolve()
    meta, y = _job(data, system, seconds, seed, folder)
    try:
        python = system.python(out.resolve() / "environments")
    except subprocess.CalledProcessError as error:
        return [row | {"failure": f"pip: exit code {error.returncode}"}]
    taken, peak, code = _watched(
        [python, str(HERE / f"fit_{system.script}.py"), str(folder / "job.json")], folder, seconds
    )
    row |= {"metric": meta["metric"], "seconds": round(taken, 1), "peak_mb": round(peak / 1e6)}
    if code or not (folder / "model.json").exists():
        lines = (folder / "log.txt").read_text(errors="replace").strip().splitlines()
        return [row | {"failure": (lines or ["no output"])[-1][:200]}]
    return [row | made for made in _models(folder, meta, y)]


def _job(
    data: Path, system: System, seconds: float | None, seed: int, folder: Path
) -> tuple[dict[str, Any], np.ndarray]:
    """Write the split and the job; return what is known of the set, and the target of the test rows, coded."""
    meta = json.loads((data / "meta.json").read_text())
    frame = pd.read_csv(data / meta["file"], low_memory=False)
    values = meta["task"] == "regression"
    train, test = train_test_split(
        frame, test_size=TEST_SHARE, random_state=seed, stratify=None if values else frame["target"]
    )
    folder.mkdir(parents=True)
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns="target").to_csv(folder / "test.csv", index=False)
    classes = [] if values else sorted(train["target"].astype(str).unique())
    y = test["target"].to_numpy() if values else pd.Index(classes).get_indexer(test["target"].astype(str))
    job = {
        "folder": str(folder),
        "task": meta["task"],
        "metric": meta["metric"],
        "categorical": [name for name in meta.get("categorical") or () if name in frame],
        "classes": classes,
        "seconds": seconds,
        "seed": seed,
        "setting": system.setting,
        "cores": os.cpu_count(),
    }
    (folder / "job.json").write_text(json.dumps(job))
    return meta, y


def _watched(command: list[str], folder: Path, seconds: float | None) -> tuple[float, int, int]:
    """Run a command; return its seconds, the most memory its whole tree had (bytes), and its exit code."""
    most = np.inf if seconds is None else MOST_OVER * seconds + GRACE_SECONDS
    started, peak = time.time(), 0
    with (folder / "log.txt").open("w") as log:
        process = psutil.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        while process.poll() is None:
            tree = _tree(process)
            peak = max(peak, sum(_memory(one) for one in tree))
            if time.time() - started > most:
                for member in tree:
                    member.kill()
            time.sleep(LOOK_SECONDS)
    return time.time() - started, peak, int(process.returncode)


def _tree(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return [process]


def _memory(process: psutil.Process) -> int:
    """Return what the process alone has, in bytes; 0 where it has ended."""
    try:
        info = process.memory_info()
        return int(info.rss - getattr(info, "shared", 0))
    except psutil.Error:
        return 0


def _models(folder: Path, meta: dict[str, Any], y: np.ndarray) -> Iterator[dict[str, Any]]:
    """Yield what was measured of each model; its score as the metric shows it."""
    metric = get(meta["metric"], meta["task"])
    for name in ("model", "compact"):
        if (folder / f"{name}.json").exists():
            score = metric.shown(metric.score(y, np.load(folder / f"{name}.npy")))
            measured = json.loads((folder / f"{name}.json").read_text())
            yield {"model": name, "score": score, "greater": metric.greater_is_better, **measured}


if __name__ == "__main__":
    main()
