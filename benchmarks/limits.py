"""Is what is shipped within the limits that were asked for? Random limits on small data, measured anew.

    python benchmarks/limits.py [--times 100] [--seconds 20] [--first 0] [--out runs/limits]

Draws limits (one to three of bytes, parameters, multiply_adds, row_ms), runs a short search of the command line with
them on small tables, images and sequences, opens what was shipped, and measures it without the project's own
measurements: the size of the file, the numbers in the graph, the multiplications of one row by the shapes that flow
through it, and onnxruntime's time for a row. The aim: each run is ``within``, or ``nothing fits`` and says what came
nearest. One line for each in ``limits.csv``; what is there is not run again.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from common import AUTOML, read_rows, run, table, write_rows
from onnx import numpy_helper
from sklearn import datasets

from automl.runtime.model import Model

# From where to where each limit is drawn, evenly in its logarithm: from what hardly anything fits to what all does.
RANGES = {"bytes": (1e3, 1e6), "parameters": (10, 1e5), "multiply_adds": (30, 1e7), "row_ms": (0.02, 3.0)}
RUNNERS = ("inline", "processes", "auto")
NOTHING = "What came nearest"
REPEATS, ROUNDS = 200, 3
# An operator's multiplications for each number that it gives, by the shapes of its weights.
PRODUCTS: dict[str, Callable[[list[tuple[int, ...]]], float]] = {
    "MatMul": lambda shapes: shapes[0][-1],
    "Gemm": lambda shapes: shapes[0][-1],
    "Conv": lambda shapes: math.prod(shapes[1][1:]),
}


def tables(folder: Path) -> dict[str, list[str]]:
    """Write the tables of scikit-learn and return the arguments of each."""
    found = {}
    for name in ("iris", "wine", "breast_cancer", "diabetes"):
        frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        frame.sample(frac=1, random_state=0).to_csv(folder / f"{name}.csv", index=False)
        found[name] = [f"data.train={folder / name}.csv", "data.target=target"]
    rng = np.random.default_rng(0)
    mixed = pd.DataFrame({"size": rng.lognormal(size=400), "colour": rng.choice(list("rgbk"), 400)})
    mixed["target"] = np.where((mixed["size"] > 1) ^ (mixed["colour"] == "r"), "yes", "no")
    mixed.to_csv(folder / "mixed.csv", index=False)
    return found | {"mixed": [f"data.train={folder / 'mixed'}.csv", "data.target=target"]}


def arrays(folder: Path) -> dict[str, list[str]]:
    """Write the images and the sequences, and return the arguments of each."""
    digits = datasets.load_digits()
    np.savez(folder / "digits.npz", x_train=digits.images[..., None].astype(np.uint8), y_train=digits.target)
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=300)
    steps = np.arange(40)
    waves = np.sin(steps * (0.2 + 0.15 * y)[:, None] + rng.uniform(0, 6, (300, 1))) + 0.5 * rng.normal(size=(300, 40))
    lengths = rng.integers(20, 41, size=300)
    waves *= steps < lengths[:, None]
    np.savez(folder / "waves.npz", x_train=waves[..., None].astype(np.float32), y_train=y, len_train=lengths)
    return {name: [f"data.train={folder / name}.npz"] for name in ("digits", "waves")}


def main() -> None:
    """Run what was not run yet, and print what became of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the number of the first limits, which is their seed")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--out", type=Path, default=Path("runs/limits"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    data = {**tables(given.out), **arrays(given.out)}
    log = given.out / "limits.csv"
    rows = read_rows(log)
    done = {int(row["number"]) for row in rows}
    for number in range(given.first, given.first + given.times):
        if number in done:
            continue
        rows.append({key: str(value) for key, value in once(number, data, given).items()})
        write_rows(log, rows)
        print(rows[-1], flush=True)
    outcomes = sorted({row["outcome"] for row in rows})
    counts = [{"outcome": o, "runs": sum(row["outcome"] == o for row in rows)} for o in outcomes]
    print(table(counts))


def once(number: int, data: Mapping[str, list[str]], given: Any) -> dict[str, Any]:
    """Search within the limits of this number; return its row."""
    rng = np.random.default_rng(number)
    name = str(rng.choice(list(data)))
    chosen = rng.choice(list(RANGES), rng.integers(1, 4), replace=False)
    limits = {str(n): float(f"{np.exp(rng.uniform(*np.log(RANGES[n]))):.3g}") for n in chosen}
    runner = str(rng.choice(RUNNERS))
    folder = given.out / f"run-{number}-{time.strftime('%H%M%S')}"
    command = run(
        [*AUTOML, "search", *data[name], f"budget.seconds={given.seconds:g}", f"runner={runner}", f"seed={number}"]
        + [f"run.dir={folder}"]
        + [f"limits.{n}={limit!r}" for n, limit in limits.items()],
        given.out / "logs" / f"{number}.txt",
    )
    row: dict[str, Any] = {"number": number, "data": name, "runner": runner, "seconds": round(command.seconds, 1)}
    row |= {f"limit {n}": limits.get(n, "") for n in RANGES}
    shipped = [path for kind in ("model", "compact") if (path := folder / kind).exists()]
    found = {key: max(values) for key, values in merged([measured(path, data[name][0]) for path in shipped]).items()}
    row |= {n: f"{found[n]:.4g}" if n in found else "" for n in RANGES}
    row["families"] = " ".join(dict.fromkeys(family for path in shipped for family in families(path)))
    beyond = [n for n, limit in limits.items() if n in found and found[n] > limit]
    if shipped:
        row["outcome"] = f"EXCEEDED: {', '.join(beyond)}" if beyond else "within"
    elif command.returncode and NOTHING in command.output:
        row["outcome"] = "nothing fits"
    else:
        row["outcome"] = f"FAILED ({command.returncode})"
    row["said"] = "" if shipped else (command.output.strip().splitlines() or [""])[-1]
    return row


def merged(values: list[dict[str, float]]) -> dict[str, list[float]]:
    """Return the values of each name."""
    return {name: [one[name] for one in values] for name in (values[0] if values else ())}


def families(folder: Path) -> list[str]:
    """Return the families of what was shipped."""
    return [member["family"] for member in json.loads((folder / "manifest.json").read_text())["members"]]


def measured(folder: Path, train: str) -> dict[str, float]:
    """Measure what was shipped by its graph alone."""
    file = folder / "model.onnx"
    feed = first_row(folder, Path(train.split("=", 1)[1]))
    graph = onnx.load(file)
    return {
        "bytes": float(file.stat().st_size),
        "parameters": float(numbers(graph)),
        "multiply_adds": multiplications(graph, feed),
        "row_ms": row_ms(file, feed),
    }


def first_row(folder: Path, train: Path) -> dict[str, np.ndarray]:
    """Return the inputs of the graph for the first row of the training data, as ``predict.py`` makes them."""
    if train.suffix == ".csv":
        x: Any = pd.read_csv(train).drop(columns="target").iloc[:1]
        return next(Model(folder)._feeds(x, None))
    with np.load(train) as held:
        lengths = held["len_train"][:1] if "len_train" in held else None
        return next(Model(folder)._feeds(held["x_train"][:1], lengths))


def numbers(graph: onnx.ModelProto) -> int:
    """Return how many numbers a graph holds: in its constants, and in the attributes of trees, tables and the like."""
    total = sum(int(np.prod(constant.dims)) for constant in graph.graph.initializer)
    for node in graph.graph.node:
        for attribute in node.attribute:
            total += numpy_helper.to_array(attribute.t).size if attribute.HasField("t") else 0
            if node.domain == "ai.onnx.ml":
                total += len(attribute.floats) + len(attribute.ints)
    return total


def multiplications(graph: onnx.ModelProto, feed: Mapping[str, np.ndarray]) -> float:
    """Return the multiplications of matrix products and convolutions for one row, by the shapes that flow."""
    nodes = [node for node in graph.graph.node if node.op_type in PRODUCTS]
    if not nodes:
        return 0.0
    shown = {name for node in nodes for name in (*node.input[:2], node.output[0])}
    constants = {c.name: numpy_helper.to_array(c).shape for c in graph.graph.initializer}
    given = {name: value.shape for name, value in feed.items()}
    outputs = sorted(shown - constants.keys() - given.keys())
    asked = onnx.ModelProto()
    asked.CopyFrom(graph)
    there = {output.name for output in graph.graph.output}
    asked.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs if name not in there)
    session = onnxruntime.InferenceSession(asked.SerializeToString(), providers=["CPUExecutionProvider"])
    flowing = {name: value.shape for name, value in zip(outputs, session.run(outputs, dict(feed)), strict=True)}
    shapes = {**constants, **given, **flowing}
    return float(
        sum(
            np.prod(shapes[node.output[0]]) * PRODUCTS[node.op_type]([shapes[name] for name in node.input[:2]])
            for node in nodes
        )
    )


def row_ms(file: Path, feed: Mapping[str, np.ndarray]) -> float:
    """Return the median milliseconds of a row: the least of several medians, as others use the machine too."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    medians = []
    for _ in range(ROUNDS):
        taken = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            session.run(None, dict(feed))
            taken.append(time.perf_counter() - began)
        medians.append(1000 * statistics.median(taken))
    return min(medians)


if __name__ == "__main__":
    main()
