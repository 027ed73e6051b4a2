"""What searchers are compared on: recorded tables of trained networks, and conditional spaces with a formula."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.space import Choice, Float, Int, Params, Repeat, Space, scope

# Under which of these names an entry of a table has its score.
SCORES = ("val_accuracy", "mean_acc", "score")


@dataclass(frozen=True)
class Problem:
    """A space and the score of its points, greater is better; None where a candidate turns out invalid.

    ``best``: the greatest score there is.
    """

    name: str
    space: Space
    score: Callable[[Params], float | None]
    best: float


def recorded(file: Path) -> Problem:
    """Read a table ``{"0213": {"val_accuracy": 91.2, ...}}``: one character per choice.

    A combination that is missing, or whose entry or score is null, is an invalid candidate.
    """
    entries: Mapping[str, Any] = json.loads(file.read_text())
    scores = {key: _score(entry) for key, entry in entries.items()}
    places = [f"choice_{i}" for i in range(len(next(iter(scores))))]
    space = {place: Choice(sorted({key[i] for key in scores})) for i, place in enumerate(places)}
    best = max(score for score in scores.values() if score is not None)
    return Problem(file.stem, space, lambda params: scores.get("".join(params[p] for p in places)), best)


def tables(folder: Path) -> list[Problem]:
    """Read all tables of a folder; files of another form (recorded curves) are left out."""
    texts = {file: file.read_text() for file in sorted(folder.glob("*.json"))}
    return [recorded(file) for file, text in texts.items() if text.lstrip().startswith("{")]


def _score(entry: Any) -> float | None:
    if isinstance(entry, Mapping):
        entry = next((entry[name] for name in SCORES if name in entry), None)
    return float(entry) if entry is not None and math.isfinite(entry) else None


def synthetic() -> list[Problem]:
    """Return the conditional problems, each with its best at 0."""
    return [FAMILIES, NUMBERS, BLOCKS, STEPS]


def _log_gap(value: float, best: float) -> float:
    return abs(math.log10(value / best))


def _families(params: Params) -> float:
    """The network is best, and hard to get right; boosting is nearly as good, and easy."""
    family = params["family"]
    own = scope(params, f"family.{family}")
    if family == "linear":
        return -0.3 - 0.02 * _log_gap(own["penalty"], 1e-2) ** 2
    if family == "boosting":
        rate, leaves = _log_gap(own["rate"], 0.05), _log_gap(own["leaves"], 63)
        return -0.08 - 0.1 * rate**2 - 0.05 * leaves**2 - 0.05 * (own["rows"] - 0.8) ** 2
    norm = {"none": 0.12, "layer": 0.04}.get(own["norm"], 0.2 * abs(own.get("norm.batch.momentum", 0) - 0.1))
    rate, width = _log_gap(own["rate"], 2e-3), _log_gap(own["width"], 256)
    return -norm - 0.15 * rate**2 - 0.08 * width**2 - 0.03 * abs(own["depth"] - 4) - 0.2 * (own["dropout"] - 0.2) ** 2


FAMILIES = Problem(
    "families",
    {
        "family": Choice(
            {
                "linear": {"penalty": Float(1e-6, 1e2, log=True), "kind": Choice(["l1", "l2"])},
                "boosting": {
                    "rate": Float(1e-3, 1, log=True),
                    "leaves": Int(4, 1024, log=True),
                    "rows": Float(0.3, 1),
                    "min_rows": Int(1, 100, log=True),
                },
                "network": {
                    "rate": Float(1e-5, 1, log=True),
                    "width": Int(8, 2048, log=True),
                    "depth": Int(1, 8),
                    "dropout": Float(0, 0.8),
                    "norm": Choice({"none": {}, "batch": {"momentum": Float(0, 1)}, "layer": {}}),
                },
            }
        )
    },
    _families,
    0.0,
)

# Ten numbers, of which four count, two of them together.
NUMBERS = Problem(
    "numbers",
    {f"x{i}": Float(1e-4, 1, log=True) if i % 2 else Float(0, 1) for i in range(10)},
    lambda p: (
        -(
            abs(p["x0"] - 0.7)
            + 0.3 * _log_gap(p["x1"], 1e-2)
            + (p["x2"] - 0.2 - 0.1 * math.log10(p["x3"] / 1e-3)) ** 2
            + 0.05 * _log_gap(p["x3"], 3e-2)
        )
    ),
    0.0,
)


def _blocks(params: Params) -> float:
    """Three blocks whose kernels shrink and whose widths grow."""
    n = params["blocks.n"]
    gap = 0.3 * abs(n - 3)
    for i in range(n):
        own = scope(params, f"blocks.{i}")
        gap += 0.1 * (own["kind"] != "residual") + 0.05 * abs(own["kernel"] - (7 - 2 * min(i, 2)))
        gap += 0.2 * abs(math.log2(own["width"] / (16 * 2**i))) / n
    return -gap


BLOCKS = Problem(
    "blocks",
    {
        "blocks": Repeat(
            {
                "kind": Choice(["plain", "residual", "dense"]),
                "kernel": Choice([3, 5, 7]),
                "width": Int(8, 256, log=True),
            },
            Int(1, 5),
        )
    },
    _blocks,
    0.0,
)


def _steps(params: Params) -> float:
    """Feature steps that depend on each other, before a model with three numbers."""
    gap = 0.1 * (params["missing"] != "median") + 0.15 * (params["encode"] != "target")
    gap += 0.1 * (params["scale"] not in ("robust", "quantile")) + 0.05 * (params["select"] != "none")
    if params["scale"] == "quantile":
        gap += 0.02 + 0.05 * abs(math.log10(params["scale.quantile.n"] / 300))
    if params["encode"] == "target":
        gap += 0.05 * abs(math.log10(params["encode.target.smooth"] / 10))
    if params["select"] != "none":
        gap += 0.1 * (1 - params[f"select.{params['select']}.share"])
    gap += 0.1 * (params["loss"] == "focal") + 0.1 * (params["loss"] == "plain") * (params["encode"] == "onehot")
    return -gap - 0.1 * _log_gap(params["rate"], 0.03) - 0.05 * _log_gap(params["penalty"], 1e-3)


STEPS = Problem(
    "steps",
    {
        "missing": Choice(["mean", "median", "most"]),
        "encode": Choice(
            {"onehot": {"rare": Float(1e-4, 0.1, log=True)}, "target": {"smooth": Float(0.1, 1e3, log=True)}}
        ),
        "scale": Choice({"none": {}, "standard": {}, "robust": {}, "quantile": {"n": Int(10, 1000, log=True)}}),
        "select": Choice({"none": {}, "best": {"share": Float(0.1, 1)}, "tree": {"share": Float(0.1, 1)}}),
        "loss": Choice(["plain", "smooth", "focal"]),
        "rate": Float(1e-4, 1, log=True),
        "penalty": Float(1e-8, 1e2, log=True),
    },
    _steps,
    0.0,
)
