"""Writes the folder that is shipped, and refuses it when it predicts something else."""

import hashlib
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from automl import files
from automl.decision import labels
from automl.errors import ExportError, LimitError
from automl.export import measure, replay
from automl.export.front import chunks, raw_inputs
from automl.export.member import Member, predict, to_onnx, validation_prediction
from automl.export.one_file import predict_py
from automl.export.remarks import remarks
from automl.export.shipped import Latency, Scores, Shipped
from automl.goals import Goals
from automl.registry import load
from automl.runtime.manifest import FORMAT, checksum
from automl.runtime.session import open_session
from automl.task import FAMILY_FOLDER, Rows, Schema, Task

LIBRARIES = ("automl", "numpy", "onnxruntime", "onnx", "torch", "scikit-learn")
# The largest difference that is allowed between the shipped graph and its source model: absolute for
# probabilities, relative to the target's spread for values.
TOLERANCE = 1e-3
_ROUNDED = 4  # times the distance of neighbouring numbers
REPLAY_SECONDS = 120
# What is said of a model where this share of it, or all, was fitted on all rows.
REFITTED = "{share:.0%} of it was fitted on all rows in the end; the validation score is of fold models, on unseen rows"
CHUNK_ROWS = 1024

README = """# Model for `{target}`

A {what}: {n_models} fitted model(s) of the families {families}.
Metric: {metric}.

{scores}
- answers one row in {latency[one_row_p50]:.3g} ms (median; 95 %: {latency[one_row_p95]:.3g} ms); the graph takes \
{latency[graph_p50]:.3g} ms of it
- replayed in a fresh process on {parity[rows]} rows: largest difference {parity[largest_difference]:.2g}, \
{parity[changed_labels]} labels changed

`predict.py` needs Python 3.11, numpy and onnxruntime 1.21, or newer:

    python predict.py {example} -o predictions.csv

From Python, with {given}:

    from predict import Model
    Model(".").predict(x)

`predict_proba` gives probabilities. The columns, their kinds and the classes stand in `manifest.json` under
`schema`, and under `files` the SHA-256 of every file; other files in this folder change nothing.

`predictions.csv` holds the classes exactly as they were in the training data. A spreadsheet takes texts that begin with
`=`, `+`, `-` or `@` for formulas: `--spreadsheet` puts an apostrophe before them.
"""


def export(
    task: Task,
    members: Sequence[Member],
    folder: Path,
    kind: str,
    scores: Scores,
    unseen: np.ndarray | None = None,
    goals: Goals | None = None,
) -> Shipped:
    """Write ``members`` as one artifact folder and return what was measured.

    ``unseen``: (n, width), what they say about rows that they have not seen, NaN where they say nothing; by default
    about their own validation parts. By it labels are decided and the model is compared with the constant prediction.
    The folder is written beside its place, reloaded and replayed in a fresh process, and moved there
    only when the replay agrees. Raises ``ExportError`` when the largest difference passes
    ``TOLERANCE`` or a label changes that is not a tie within it, ``LimitError`` when it is beyond a limit of ``goals``,
    ``AutoMLError`` when the disk is full.
    """
    began = time.time()
    unseen = validation_prediction(task, members) if unseen is None else unseen
    decision = task.metric.decide(task.data.y, unseen, task.data.weights)
    said = remarks(task, unseen)
    share = sum(member.weight for member in members if member.fold is None)
    noted = [*said, REFITTED.format(share=share)] if share else said
    with files.room(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with files.scratch(folder.parent, f".{folder.name}-") as scratch:
            draft = scratch / folder.name
            draft.mkdir()
            _write(draft, "model.onnx", _converted(task, members))
            _write(draft, "predict.py", predict_py())
            manifest = _manifest(task, members, kind, scores, decision) | {"remarks": noted}
            _write_manifest(draft, manifest)
            with _replay(task, draft, scratch) as measured:
                scores = replace(scores, test=_test_score(task, draft / "model.onnx", decision))
                source = predict(task, members, task.data.x.take(task.sample_index))
            found = parity(task, source, measured["prediction"], decision)
            manifest |= {"scores": scores.shown(task.metric), "latency_ms": measured["latency_ms"], "parity": found}
            _write(draft, "README.md", _readme(task, manifest))
            _write_manifest(draft, manifest)
            _check_limits(task, members, goals or Goals(), draft / "model.onnx", measured["latency_ms"])
            put(draft, folder, scratch / "earlier")
    n_bytes = sum(f.stat().st_size for f in folder.iterdir())
    latency = Latency.measured(measured["latency_ms"])
    return Shipped(folder, kind, n_bytes, latency, found, scores, manifest["members"], said, time.time() - began)


def _check_limits(
    task: Task, members: Sequence[Member], goals: Goals, graph: Path, latency: Mapping[str, float]
) -> None:
    """Raise ``LimitError`` where what is to be shipped is larger, or slower, than is allowed."""
    if not goals.limits:
        return
    values = {"bytes": float(graph.stat().st_size), "row_ms": latency["graph_p50"]}
    values |= measure.of_members(task, members, goals.limits)
    if "parameters" in values:
        values["parameters"] = max(values["parameters"], measure.numbers_in(graph.read_bytes()))
    if goals.excess(values) > 1:
        raise LimitError(goals.describe(values), values)


def _write(folder: Path, name: str, content: str | bytes) -> None:
    # A model is meant to be copied to where others run it.
    files.write(folder / name, content, files.PUBLIC)


def put(draft: Path, folder: Path, earlier: Path) -> None:
    """Move the finished ``draft`` to ``folder``; what was there goes only then."""
    draft.chmod(0o755)
    if folder.exists():
        os.replace(folder, earlier)
    os.replace(draft, folder)


def check(task: Task, members: Sequence[Member]) -> None:
    """Convert ``members`` and compare them with their source on sample rows, in this process.

    Raises ``ExportError`` as ``export`` does.
    """
    rows = task.data.x.take(task.sample_index)
    answered = run_graph(_converted(task, members), task.schema, rows)
    parity(task, predict(task, members, rows), answered, None)


def run_graph(onnx_bytes: bytes, schema: Schema, rows: Rows) -> np.ndarray:
    """Answer ``rows`` with a shipped graph, in chunks; (n, width). Raises ``ExportError``."""
    return opened_graph(onnx_bytes, schema)(rows)


def opened_graph(onnx_bytes: bytes, schema: Schema) -> Callable[[Rows], np.ndarray]:
    """Return what answers rows with a shipped graph, as ``run_graph`` does, again and again."""

    def answer(rows: Rows) -> np.ndarray:
        try:
            parts = []
            for chunk in chunks(rows, CHUNK_ROWS):
                inputs = raw_inputs(schema, chunk)
                parts.append(session.run(None, {name: inputs[name] for name in wanted})[0])
            return np.concatenate(parts)
        except Exception as error:  # onnxruntime's own have no common type
            raise _does_not_run(error) from error

    try:
        session = open_session(onnx_bytes, threads=0)
        wanted = {i.name for i in session.get_inputs()}
    except Exception as error:
        raise _does_not_run(error) from error
    return answer


def _does_not_run(error: Exception) -> ExportError:
    return ExportError(f"onnxruntime does not run the exported model: {type(error).__name__}: {error}")


def _converted(task: Task, members: Sequence[Member]) -> bytes:
    try:
        return to_onnx(task, members)
    except OSError:  # no fault of the model
        raise
    except Exception as error:  # converters raise anything; the caller takes the next best model
        raise ExportError(f"A model cannot be written as ONNX: {type(error).__name__}: {error}") from error


def _test_score(task: Task, onnx_path: Path, decision: np.ndarray | None) -> float | None:
    """Score what is shipped on the rows that were locked away, if there are any, and the metric has a value on them."""
    if task.test is None:
        return None
    answered = run_graph(onnx_path.read_bytes(), task.schema, task.test.x)
    score = task.metric.score_decided(task.test.y, answered, decision, task.test.weights)
    return score if np.isfinite(score) else None


def _manifest(
    task: Task, members: Sequence[Member], kind: str, scores: Scores, decision: np.ndarray | None
) -> dict[str, Any]:
    described = [
        {
            "trial": m.candidate_id,
            "family": m.family,
            "fold": m.fold,
            "weight": round(m.weight, 6),
            "compression": list(m.compression),
        }
        for m in members
    ]
    return {
        "format": FORMAT,
        "kind": kind,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "onnx": "model.onnx",
        "schema": task.schema.to_dict(),
        "metric": {"name": task.metric.name, "greater_is_better": task.metric.greater_is_better},
        "scores": scores.shown(task.metric),
        "baseline": _baseline(task),
        **({} if decision is None else {"decision": decision.tolist()}),
        "members": described,
        "versions": _versions(task, members),
    }


def _baseline(task: Task) -> dict[str, float]:
    """Return the scores of the constant prediction, which a model has to beat."""
    found = task.baseline
    return {} if found is None else Scores(found.score, test=found.test).shown(task.metric)


def _versions(task: Task, members: Sequence[Member]) -> dict[str, str]:
    """Return the versions of what made the members, those of the libraries that their families require among them."""
    families = {member.family for member in members}
    required = sorted({name for family in families for name in load(FAMILY_FOLDER[task.kind], family).requires})
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        **{name: str(importlib.import_module(name).__version__) for name in required},
    }


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest last: it names the SHA-256 and the size of every other file."""
    others = {f.name: f.read_bytes() for f in sorted(folder.iterdir()) if f.name != "manifest.json"}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in others.items()}
    sizes = {name: len(content) for name, content in others.items()}
    manifest = manifest | {"files": digests, "bytes": sizes | {"total": sum(sizes.values())}}
    plain = json.loads(json.dumps(manifest))
    plain["checksum"] = checksum(plain)
    _write(folder, "manifest.json", json.dumps(plain, indent=1, ensure_ascii=False) + "\n")


@contextmanager
def _replay(task: Task, folder: Path, scratch: Path) -> Iterator[dict[str, Any]]:
    """Run the artifact in a fresh process that has nothing of ours but the folder itself, beside the block.

    What it is asked for is filled in at the end of the block; how long answers take is measured only then.
    """
    answer, measured = scratch / "answer", dict[str, Any]()
    replay.write_rows(task.sample, scratch)
    command = [sys.executable, "-I", "-B", replay.__file__, str(folder), str(scratch), str(answer)]
    # In a session of its own: Ctrl-C is ours to answer.
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield measured
            _, said = process.communicate(replay.GO, timeout=REPLAY_SECONDS)
        except subprocess.TimeoutExpired:
            raise ExportError(f"The exported model takes more than {REPLAY_SECONDS} s to answer a few rows.") from None
        finally:
            process.kill()
    if process.returncode:
        raise ExportError(f"The exported model does not run in a fresh process: {said.strip()[-500:]}")
    measured |= json.loads(Path(answer, "measured.json").read_text())
    measured["prediction"] = np.load(answer / "prediction.npy", allow_pickle=False)


def parity(task: Task, source: np.ndarray, shipped: np.ndarray, decision: np.ndarray | None) -> dict[str, Any]:
    """Return how ``shipped`` differs from ``source``, both (n, width). Raises ``ExportError``: see ``export``."""
    scale, step = 1.0, 0.0
    if not task.target.is_classification:
        # What a sum of several numbers as large as the target's is rounded to is no difference.
        scale, step = float(np.std(task.data.y)) or 1.0, _ROUNDED * float(np.spacing(np.abs(task.data.y).max()))
    difference = np.maximum(np.abs(shipped - source) - step, 0) / scale
    largest = float(difference.max(initial=0.0)) if np.isfinite(difference).all() else float("inf")
    changed = 0
    if task.target.is_classification:
        heaviest = 1.0 if decision is None else float(decision.max())
        top = np.sort(source if decision is None else source * decision, axis=1)
        tie = top[:, -1] - top[:, -2] <= 2 * TOLERANCE * heaviest
        changed = int(((labels(shipped, decision) != labels(source, decision)) & ~tie).sum())
    if largest > TOLERANCE or changed:
        raise ExportError(
            f"The exported model differs from its source by up to {largest:.3g} on {len(source)} rows "
            f"({changed} labels changed); at most {TOLERANCE} and no changed label is accepted."
        )
    return {"rows": len(source), "largest_difference": largest, "changed_labels": changed, "tolerance": TOLERANCE}


def _decided(task: Task, decision: Sequence[float] | None) -> list[str]:
    """Say how labels are decided, where it is not by the greatest probability."""
    if decision is None:
        return []
    if len(decision) == 2:
        return [f"the label is `{task.schema.classes[1]}` where its probability is above {decision[0]:.4g}"]
    return ["the label is the class with the greatest probability times its weight in `decision` of `manifest.json`"]


def _listed(quantiles: Sequence[float]) -> str:
    return " " * bool(quantiles) + ", ".join(f"{q:g}" for q in quantiles)


def _readme(task: Task, manifest: dict[str, Any]) -> str:
    tabular = task.kind in ("table", "text")
    scores = "\n".join(
        [
            *(f"- {name}: {value:.6g}" for name, value in manifest["scores"].items()),
            *(f"- {name} of the constant prediction: {value:.6g}" for name, value in manifest["baseline"].items()),
            *(f"- {text}" for text in [*manifest["remarks"], *_decided(task, manifest.get("decision"))]),
        ]
    )
    return README.format(
        target=task.schema.target_name,
        what=f"{task.kind} model ({task.target.kind}{_listed(task.target.quantiles)})",
        n_models=len(manifest["members"]),
        families=", ".join(sorted({m["family"] for m in manifest["members"]})),
        metric=task.metric.name,
        scores=scores,
        latency=manifest["latency_ms"],
        parity=manifest["parity"],
        example="data.csv" if tabular else "data.npz",
        given="a mapping of column names to values" if tabular else "an array like the training data",
    )
