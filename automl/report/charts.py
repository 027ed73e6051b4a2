"""Charts with two axes as SVG: pure functions of numbers and names. NaN is left out of lines and points."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from automl.report import svg

Numbers = Sequence[float] | np.ndarray
HEIGHT = 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 12, 42


def lines(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x_label: str,
    y_label: str,
    *,
    diagonal: bool = False,
    steps: bool = False,
    dots: bool = False,
    bounds: tuple[float, float, float, float] | None = None,
    y_bounds: Sequence[float] | None = None,
) -> str:
    """Return lines through (x, y) by name; ``dots``: with each point.

    ``bounds``: x from, to, y from, to; ``y_bounds``: of y alone; default: what the numbers need. What lies beyond is
    cut off.
    """
    points = {name: _finite(x, y) for name, (x, y) in series.items()}
    frame = _Frame.around([p for p in points.values() if len(p)], bounds, y_bounds)
    drawn = [frame.axes(x_label, y_label)]
    if diagonal:
        low, high = max(frame.x0, frame.y0), min(frame.x1, frame.y1)
        (a, b), (c, d) = frame.at(low, low), frame.at(high, high)
        drawn.append(f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke="var(--soft)" stroke-dasharray="4 4"/>')
    drawn.append(frame.window)
    for i, found in enumerate(points.values()):
        path = [frame.at(x, y) for x, y in found]
        if dots:
            drawn += [f'<circle cx="{x}" cy="{y}" r="3" fill="{svg.color(i)}"/>' for x, y in path]
        if steps and path:
            path = [corner for a, b in zip(path, [*path[1:], path[-1]], strict=True) for corner in (a, (b[0], a[1]))]
        through = " ".join(f"{x},{y}" for x, y in path)
        drawn.append(f'<polyline fill="none" stroke-width="1.8" {svg.stroke(i)} points="{through}"/>')
    return svg.under_legend([*drawn, "</svg>"], list(series), HEIGHT)


def points(x: Numbers, y: Numbers, x_label: str, y_label: str, *, diagonal: bool = False, zero: bool = False) -> str:
    """Return a dot for each (x, y); ``zero``: with a line at y = 0, ``diagonal``: with one at y = x."""
    found = _finite(x, y)
    frame = _Frame.around([found] if len(found) else [])
    drawn = [frame.axes(x_label, y_label)]
    if diagonal or zero:
        low, high = (max(frame.x0, frame.y0), min(frame.x1, frame.y1)) if diagonal else (frame.x0, frame.x1)
        (a, b), (c, d) = frame.at(low, low if diagonal else 0.0), frame.at(high, high if diagonal else 0.0)
        drawn.append(f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke="var(--soft)" stroke-dasharray="4 4"/>')
    dots = (frame.at(px, py) for px, py in found)
    drawn += [f'<circle cx="{cx}" cy="{cy}" r="2" fill="var(--c0)" fill-opacity=".45"/>' for cx, cy in dots]
    return svg.document(drawn, HEIGHT)


def histogram(values: Numbers, x_label: str, n_bins: int = 30) -> str:
    """Return how many values fall into each of some even spans."""
    finite = np.asarray(values, float)
    finite = finite[np.isfinite(finite)]
    counts, edges = np.histogram(finite, bins=n_bins) if len(finite) else (np.zeros(1), np.array([0.0, 1.0]))
    frame = _Frame(edges[0], edges[-1], 0.0, float(counts.max(initial=1)) or 1.0)
    drawn = [frame.axes(x_label, "rows")]
    for count, a, b in zip(counts, edges, edges[1:], strict=False):
        (left, top), (right, bottom) = frame.at(a, count), frame.at(b, 0)
        size = f'width="{max(right - left - 0.5, 0.5):.1f}" height="{bottom - top:.1f}"'
        drawn.append(f'<rect x="{left}" y="{top}" {size} fill="var(--c0)"/>')
    return svg.document(drawn, HEIGHT)


class _Frame:
    """Where numbers lie on the paper."""

    def __init__(self, x0: float, x1: float, y0: float, y1: float) -> None:
        self.x0, self.x1 = (x0, x1) if x1 > x0 else (x0 - 0.5, x0 + 0.5)
        self.y0, self.y1 = (y0, y1) if y1 > y0 else (y0 - 0.5, y0 + 0.5)

    @classmethod
    def around(
        cls,
        parts: Sequence[np.ndarray],
        bounds: tuple[float, float, float, float] | None = None,
        y_bounds: Sequence[float] | None = None,
    ) -> "_Frame":
        if bounds is not None or not parts:
            return cls(*(bounds or (0.0, 1.0, 0.0, 1.0)))
        (x0, y0), (x1, y1) = np.concatenate(parts).min(axis=0), np.concatenate(parts).max(axis=0)
        margin = 0.04 * (y1 - y0)
        low, high = y_bounds or (y0 - margin, y1 + margin)
        return cls(float(x0), float(x1), float(low), float(high))

    @property
    def window(self) -> str:
        """The beginning of an SVG inside the axes: what lies beyond them is cut off, but for half a stroke."""
        x, y, width, height = _LEFT - 2, _TOP - 2, svg.WIDTH - _LEFT - _RIGHT + 4, HEIGHT - _TOP - _BOTTOM + 4
        return f'<svg x="{x}" y="{y}" width="{width}" height="{height}" viewBox="{x} {y} {width} {height}">'

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x0) / (self.x1 - self.x0)
        up = (y - self.y0) / (self.y1 - self.y0)
        left = _LEFT + across * (svg.WIDTH - _LEFT - _RIGHT)
        return round(left, 1), round(HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM), 1)

    def axes(self, x_label: str, y_label: str) -> str:
        drawn = []
        for value in _ticks(self.x0, self.x1):
            x, y = self.at(value, self.y0)
            drawn.append(f'<line class="grid" x1="{x}" y1="{_TOP}" x2="{x}" y2="{y}"/>')
            drawn.append(f'<text x="{x}" y="{y + 14}" text-anchor="middle">{value:,g}</text>')
        for value in _ticks(self.y0, self.y1):
            x, y = self.at(self.x0, value)
            drawn.append(f'<line class="grid" x1="{x}" y1="{y}" x2="{svg.WIDTH - _RIGHT}" y2="{y}"/>')
            drawn.append(f'<text x="{x - 5}" y="{y + 4}" text-anchor="end">{value:,g}</text>')
        middle = (HEIGHT - _BOTTOM + _TOP) / 2
        drawn.append(
            f'<text x="{(svg.WIDTH + _LEFT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{svg.text(x_label)}</text>'
        )
        turn = f'transform="rotate(-90 12 {middle})"'
        drawn.append(f'<text x="12" y="{middle}" text-anchor="middle" {turn}>{svg.text(y_label)}</text>')
        return "".join(drawn)


def _ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers between two."""
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough)
    first = math.ceil(low / step)
    return [round(k * step, 12) for k in range(first, math.floor(high / step) + 1)]


def _finite(x: Numbers, y: Numbers) -> np.ndarray:
    both = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
    return both[np.isfinite(both).all(axis=1)]
