"""Run as a script in a fresh process: answers rows with an artifact's own ``predict.py`` and times it.

Only the standard library, numpy and what the artifact itself needs are imported here.
"""

import importlib.util
import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

REPEATS = 60
BATCH = 256
SECONDS = 0.4
GO = "go\n"
# The kinds of dtype that go as text: objects would need pickle, and dates are given as text.
_AS_JSON = "OUSMm"


def write_rows(rows: Mapping[str, np.ndarray], folder: Path) -> None:
    """Store raw rows without pickle: arrays of numbers as they are, others as JSON (NaN is a missing value)."""
    columns = {name: _in_microseconds(np.asarray(values)) for name, values in rows.items()}
    arrays = {str(i): v for i, v in enumerate(columns.values()) if v.dtype.kind not in _AS_JSON}
    np.savez(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]
    plain = {name: v.tolist() if v.dtype.kind in _AS_JSON else None for name, v in columns.items()}
    (folder / "columns.json").write_text(json.dumps(plain, default=_as_json), encoding="utf-8")


def _as_json(value: Any) -> Any:
    """Return a value of a column as it would stand in a file."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (timedelta, np.timedelta64)):
        with suppress(TypeError):  # months are of no fixed length
            return value / (np.timedelta64(1, "s") if isinstance(value, np.timedelta64) else timedelta(seconds=1))
    return float(value) if isinstance(value, Real) else str(value)  # a fraction, or a date


def _in_microseconds(values: np.ndarray) -> np.ndarray:
    """Return times in the unit that Python's own have: others become whole numbers as JSON."""
    return values.astype(f"{values.dtype.kind}8[us]") if values.dtype.kind in "mM" else values


def read_rows(folder: Path) -> dict[str, np.ndarray]:
    """Read what ``write_rows`` wrote."""
    plain = json.loads((folder / "columns.json").read_text(encoding="utf-8"))
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        return {
            name: arrays[str(i)] if values is None else np.array(values, dtype=object)
            for i, (name, values) in enumerate(plain.items())
        }


def main(folder: str, rows_folder: str, answer: str) -> None:
    """Write ``prediction.npy`` and ``measured.json`` (latencies in milliseconds) into ``answer``.

    From a raw row to the answer, but for ``graph_p50``: how long the graph itself takes for a row.

    Time is taken once ``GO`` came on standard input: until then others may be busy.
    """
    spec = importlib.util.spec_from_file_location("predict", Path(folder, "predict.py"))
    assert spec is not None
    assert spec.loader is not None
    predict = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(predict)
    model = predict.Model(folder)
    rows = read_rows(Path(rows_folder))
    n_rows = len(next(iter(rows.values())))
    prediction = model.scores(**_arguments(rows))
    sys.stdin.readline()
    single = [_arguments(_take(rows, np.array([i]))) for i in range(min(n_rows, REPEATS))]
    one = _timed(lambda i: model.scores(**single[i % len(single)]))
    fed = [next(model._feeds(given["x"], given.get("lengths"))) for given in single]
    graph = _timed(lambda i: model._run(fed[i % len(fed)]))
    many = _timed(lambda i: model.scores(**_arguments(_take(rows, (np.arange(BATCH) + i) % n_rows))))
    Path(answer).mkdir()
    np.save(Path(answer, "prediction.npy"), prediction)
    latency = {
        "one_row_p50": one[0],
        "one_row_p95": one[1],
        "graph_p50": graph[0],
        f"batch_{BATCH}_p50": many[0],
        f"batch_{BATCH}_p95": many[1],
    }
    Path(answer, "measured.json").write_text(json.dumps({"latency_ms": latency}))


def _arguments(rows: Mapping[str, np.ndarray]) -> dict[str, Any]:
    if "x" in rows and rows["x"].ndim >= 3:  # no column of a table
        return dict(rows)
    return {"x": rows}


def _take(rows: Mapping[str, np.ndarray], index: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[index] for name, values in rows.items()}


def _timed(call: Callable[[int], Any]) -> tuple[float, float]:
    """Return the median and the 95th percentile of a call in milliseconds."""
    call(0)
    taken: list[float] = []
    started = time.perf_counter()
    while len(taken) < REPEATS and (len(taken) < 3 or time.perf_counter() - started < SECONDS):
        before = time.perf_counter()
        call(len(taken))
        taken.append((time.perf_counter() - before) * 1000)
    return float(np.percentile(taken, 50)), float(np.percentile(taken, 95))


if __name__ == "__main__":
    main(*sys.argv[1:])
