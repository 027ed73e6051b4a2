"""What a trial predicted on the rows that it did not learn from."""

from collections.abc import Sequence

import numpy as np

from automl.figures.style import ACCENT, GREY, SCALE, Figure, axis, empty, figure, text
from automl.leaderboard.words import number

MOST_CLASSES = 40
_MOST_POINTS = 2000
_MOST_NUMBERED = 12  # classes of a confusion matrix with a number in each cell
_BINS = 10
_SHARES = [-0.02, 1.02]  # points at the ends are whole


def confusion(y: np.ndarray, prediction: np.ndarray, classes: Sequence[str]) -> Figure:
    """Return how often each class (rows) was predicted as each other (columns).

    y: (n,) codes; prediction: (n, n_classes) probabilities. Of many classes, the most frequent ``MOST_CLASSES``.
    """
    if not len(y):
        return empty("No fold is done.")
    k = len(classes)
    counts = np.zeros((k, k), int)
    np.add.at(counts, (y, prediction.argmax(axis=1)), 1)
    order = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:MOST_CLASSES])
    shown = counts[np.ix_(order, order)]
    shares = shown / np.maximum(1, counts.sum(axis=1)[order])[:, None]
    names = [f"{text(classes[i])}" for i in order]
    trace = {
        "type": "heatmap",
        "z": shares.tolist(),
        "x": names,
        "y": names,
        "text": shown.tolist(),
        "hovertemplate": "%{y} predicted as %{x}: %{text} (%{z:.1%})<extra></extra>",
        "colorscale": SCALE,
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
    }
    side = max(280, min(660, 110 + 34 * len(order)))
    category = {"type": "category", "showgrid": False}
    x = axis("predicted", **category, side="bottom", constrain="domain")
    y_axis = axis("true", **category, autorange="reversed", scaleanchor="x", constrain="domain")
    notes = _counts(shown, shares) if len(order) <= _MOST_NUMBERED else []
    return figure([trace], x, y_axis, height=side, annotations=notes)


def _counts(shown: np.ndarray, shares: np.ndarray) -> list[Figure]:
    """Return the numbers in the cells: light where these are dark."""
    return [
        {
            "x": j,
            "y": i,
            "text": str(shown[i, j]),
            "showarrow": False,
            "bgcolor": "rgba(0,0,0,0)",
            "font": {"color": "#fff"} if shares[i, j] > 0.5 else {},
        }
        for i, j in np.ndindex(*shown.shape)
    ]


def calibration(y: np.ndarray, prediction: np.ndarray, classes: Sequence[str]) -> Figure:
    """Return how often what was predicted with a probability was true, in ten bins with equally many rows.

    Of two classes, the probability of the second; of more, of whichever is predicted. Bars are 95 % intervals (Wilson,
    "Probable inference, the law of succession, and statistical inference", 1927).
    """
    if not len(y):
        return empty("No fold is done.")
    of_two = len(classes) == 2
    said = prediction[:, 1] if of_two else prediction.max(axis=1)
    was = (y == 1) if of_two else (y == prediction.argmax(axis=1))
    parts = [part for part in np.array_split(np.argsort(said, kind="stable"), _BINS) if len(part)]
    x = [float(said[part].mean()) for part in parts]
    rate = [float(was[part].mean()) for part in parts]
    ends = [_wilson(int(was[part].sum()), len(part)) for part in parts]
    points = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": x,
        "y": rate,
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [high - r for (_, high), r in zip(ends, rate, strict=True)],
            "arrayminus": [r - low for (low, _), r in zip(ends, rate, strict=True)],
            "thickness": 1,
            "width": 3,
        },
        "marker": {"color": ACCENT, "size": 7},
        "line": {"color": ACCENT, "width": 1.5},
        "text": [str(len(part)) for part in parts],
        "hovertemplate": "predicted %{x:.3f}, observed %{y:.3f} of %{text} rows<extra></extra>",
    }
    what = f"predicted probability of {classes[1]}" if of_two else "probability of the predicted class"
    x_axis, y_axis = axis(what, range=_SHARES), axis("observed frequency", range=_SHARES)
    return figure([_diagonal(0, 1), points], x_axis, y_axis, showlegend=False)


def residuals(y: np.ndarray, prediction: np.ndarray, target: str) -> Figure:
    """Return predicted values against true ones. y: (n,) values; prediction: (n, 1). At most 2000 of the rows."""
    if not len(y):
        return empty("No fold is done.")
    chosen = np.random.default_rng(0).permutation(len(y))[:_MOST_POINTS]
    true, predicted = y[chosen], prediction[chosen, 0]
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": predicted.tolist(),
        "y": true.tolist(),
        "text": [number(t - p, 4) for t, p in zip(true.tolist(), predicted.tolist(), strict=True)],
        "hovertemplate": "predicted %{x:.5g}, true %{y:.5g}, residual %{text}<extra></extra>",
        "marker": {"color": ACCENT, "size": 5, "opacity": 0.5},
    }
    ends = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    return figure([_diagonal(*ends), points], axis("predicted"), axis(f"true {target}"), showlegend=False)


def residual_spread(y: np.ndarray, prediction: np.ndarray) -> Figure:
    """Return how the residuals (true minus predicted) are distributed. y: (n,) values; prediction: (n, 1)."""
    if not len(y):
        return empty("No fold is done.")
    counts, edges = np.histogram(y - prediction[:, 0], bins="auto" if len(y) < 500 else 50)
    middle = (edges[:-1] + edges[1:]) / 2
    bars = {
        "type": "bar",
        "x": middle.tolist(),
        "y": counts.tolist(),
        "width": np.diff(edges).tolist(),
        "marker": {"color": ACCENT},
        "hovertemplate": "%{x:.4g}: %{y} rows<extra></extra>",
    }
    return figure([bars], axis("true minus predicted"), axis("rows"), showlegend=False, bargap=0.03)


def _diagonal(low: float, high: float) -> Figure:
    line = {"color": GREY, "width": 1, "dash": "dot"}
    return {"type": "scatter", "mode": "lines", "x": [low, high], "y": [low, high], "line": line, "hoverinfo": "skip"}


def _wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    middle = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * (hits * (n - hits) / n + z * z / 4) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
