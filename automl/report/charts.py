"""Charts as SVG: pure functions of numbers and names, which are escaped here. NaN is left out of lines and points."""

import html
import math
from collections.abc import Mapping, Sequence

import numpy as np

from automl.runtime.printable import printable

Numbers = Sequence[float] | np.ndarray
WIDTH, HEIGHT = 420, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 12, 42
_COLORS = 6
_LONGEST = 26  # characters of a name beside a bar


def lines(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x_label: str,
    y_label: str,
    *,
    diagonal: bool = False,
    steps: bool = False,
    bounds: tuple[float, float, float, float] | None = None,
) -> str:
    """Return lines through (x, y) by name. ``bounds``: x from, to, y from, to; default: what the numbers need."""
    points = {name: _finite(x, y) for name, (x, y) in series.items()}
    frame = _Frame.around([p for p in points.values() if len(p)], bounds)
    drawn = [frame.axes(x_label, y_label)]
    if diagonal:
        low, high = max(frame.x0, frame.y0), min(frame.x1, frame.y1)
        (a, b), (c, d) = frame.at(low, low), frame.at(high, high)
        drawn.append(f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke="var(--soft)" stroke-dasharray="4 4"/>')
    for i, found in enumerate(points.values()):
        path = [frame.at(x, y) for x, y in found]
        if steps and path:
            path = [corner for a, b in zip(path, [*path[1:], path[-1]], strict=True) for corner in (a, (b[0], a[1]))]
        drawn.append(
            f'<polyline fill="none" stroke="{_color(i)}" stroke-width="1.8" points="'
            + " ".join(f"{x},{y}" for x, y in path)
            + '"/>'
        )
    return _svg([*drawn, *_legend(list(series))])


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
    return _svg(drawn)


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
    return _svg(drawn)


def bars(names: Sequence[str], values: Sequence[float], spreads: Sequence[float] | None = None, label: str = "") -> str:
    """Return a bar for each value, downwards, to the left of zero where it is negative, with its spread as a line."""
    n, row = len(names), 20
    height, left = n * row + 34, 190
    numbers = np.nan_to_num(np.asarray(values, float))
    around = np.zeros(n) if spreads is None else np.nan_to_num(np.asarray(spreads, float))
    low, high = min(0.0, float((numbers - around).min(initial=0))), max(0.0, float((numbers + around).max(initial=0)))
    span = (high - low) or 1.0

    def at(value: float) -> float:
        return round(left + (value - low) / span * (WIDTH - left - 50), 1)

    drawn = [f'<line class="grid" x1="{at(0)}" y1="4" x2="{at(0)}" y2="{n * row + 4}"/>']
    for i, (name, value, spread) in enumerate(zip(names, numbers, around, strict=True)):
        y, color = i * row + 6, "var(--c0)" if value >= 0 else "var(--c4)"
        start, end = sorted((at(0), at(value)))
        drawn.append(f'<text x="{left - 8}" y="{y + 11}" text-anchor="end">{_t(_short(name))}</text>')
        drawn.append(f'<rect x="{start}" y="{y}" width="{max(end - start, 0.5):.1f}" height="14" fill="{color}"/>')
        if spread > 0:
            a, b = at(value - spread), at(value + spread)
            drawn.append(f'<line x1="{a}" y1="{y + 7}" x2="{b}" y2="{y + 7}" stroke="var(--ink)"/>')
        edge = max(end, at(value + spread))
        drawn.append(f'<text x="{edge + 4}" y="{y + 11}">{_t(shown(value))}</text>')
    drawn.append(f'<text x="{left}" y="{height - 8}">{_t(label)}</text>')
    return _svg(drawn, height)


def ranks(
    names: Sequence[str], mean_ranks: Sequence[float], critical: float, alike: Sequence[tuple[int, int]] = ()
) -> str:
    """Return a critical-difference diagram (Demšar, JMLR 2006): the best on top, a bar beside those that are alike.

    ``alike``: first and last place of each such run. ``critical``: is drawn as a length.
    """
    n, row, left, most = len(names), 22, 190, max(len(names), 2)
    right = WIDTH - 30 - 10 * len(alike)

    def at(rank: float) -> float:
        return round(left + (rank - 1) / (most - 1) * (right - left), 1)

    drawn = []
    for tick in range(1, most + 1):
        x = at(tick)
        drawn.append(f'<line class="grid" x1="{x}" y1="34" x2="{x}" y2="{40 + n * row}"/>')
        drawn.append(f'<text x="{x}" y="{54 + n * row}" text-anchor="middle">{tick}</text>')
    end = at(1 + min(critical, most - 1))
    drawn.append(f'<line x1="{at(1)}" y1="16" x2="{end}" y2="16" stroke="var(--c1)" stroke-width="3"/>')
    drawn.append(f'<text x="{left - 8}" y="20" text-anchor="end">critical difference {critical:.2f}</text>')
    for i, (name, rank) in enumerate(zip(names, mean_ranks, strict=True)):
        y = 40 + i * row + row / 2
        drawn.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{_t(_short(name))}</text>')
        drawn.append(f'<line x1="{at(1)}" y1="{y}" x2="{at(rank)}" y2="{y}" stroke="var(--c0)"/>')
        drawn.append(f'<circle cx="{at(rank)}" cy="{y}" r="4" fill="var(--c0)"/>')
    for i, (first, last) in enumerate(alike):
        x, top, bottom = right + 14 + 10 * i, 40 + first * row + 4, 40 + (last + 1) * row - 4
        drawn.append(f'<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}" stroke="var(--c1)" stroke-width="3"/>')
    return _svg(drawn, 64 + n * row)


def heat(matrix: np.ndarray, row_names: Sequence[str], column_names: Sequence[str], row_label: str, label: str) -> str:
    """Return a table of shaded cells with their numbers; each row is shaded by its share of the row's sum."""
    n_rows, n_columns = matrix.shape
    cell = max(16, min(48, 320 // max(n_rows, n_columns)))
    left, top = 120, 24
    width, height = max(WIDTH, left + n_columns * cell + 20), top + n_rows * cell + 70
    sums = np.abs(matrix).sum(axis=1, keepdims=True)
    shares = np.divide(np.abs(matrix), sums, out=np.zeros(matrix.shape), where=sums > 0)
    drawn = [f'<text x="{left}" y="14">{_t(row_label)} ↓ · {_t(label)} →</text>']
    for i in range(n_rows):
        y = top + i * cell
        drawn.append(
            f'<text x="{left - 6}" y="{y + cell / 2 + 4}" text-anchor="end">{_t(_short(row_names[i], 16))}</text>'
        )
        for j in range(n_columns):
            x, share = left + j * cell, shares[i, j]
            drawn.append(
                f'<rect x="{x}" y="{y}" width="{cell - 1}" height="{cell - 1}" fill="var(--c0)" '
                f'fill-opacity="{share:.3f}" stroke="var(--line)"/>'
            )
            if cell >= 26:
                text = f"{matrix[i, j]:,.0f}"
                drawn.append(f'<text x="{x + cell / 2}" y="{y + cell / 2 + 4}" text-anchor="middle">{text}</text>')
    for j in range(n_columns):
        x, y = left + j * cell + cell / 2, top + n_rows * cell + 12
        name = _t(_short(column_names[j], 10))
        drawn.append(f'<text x="{x}" y="{y}" text-anchor="end" transform="rotate(-40 {x} {y})">{name}</text>')
    return _svg(drawn, height, width)


def picture(pixels: np.ndarray, patches: np.ndarray | None = None) -> str:
    """Return a grey picture, (h, w) from 0 to 1, under its patches' weights, (a, b), if any: blue for, red against."""
    h, w = pixels.shape
    size = max(2, 200 // max(h, w))
    drawn = []
    for i in range(h):
        for j in range(w):
            grey = round(255 * float(np.clip(pixels[i, j], 0, 1)))
            drawn.append(_rect(j * size, i * size, size, size, f"rgb({grey},{grey},{grey})", 1.0))
    if patches is not None:
        drawn += _overlaid(patches, h, w, size)
    return _svg(drawn, h * size, w * size)


def _overlaid(patches: np.ndarray, h: int, w: int, size: int) -> list[str]:
    drawn = []
    a, b = patches.shape
    rows, columns = (np.array_split(np.arange(n), k) for n, k in ((h, a), (w, b)))
    most = float(np.abs(patches).max()) or 1.0
    for i, down in enumerate(rows):
        for j, across in enumerate(columns):
            color = "rgb(47,109,181)" if patches[i, j] > 0 else "rgb(184,67,63)"
            box = (across[0] * size, down[0] * size, len(across) * size, len(down) * size)
            drawn.append(_rect(*box, color, 0.75 * abs(float(patches[i, j])) / most))
    return drawn


def _rect(x: float, y: float, width: float, height: float, color: str, opacity: float) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{color}" fill-opacity="{opacity:.3f}"/>'


def shown(value: float) -> str:
    """Return a number as people write it, to about three digits."""
    if not math.isfinite(value):
        return "-"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value % 1 else 0
    return f"{value:,.{min(digits, 6)}f}"


class _Frame:
    """Where numbers lie on the paper."""

    def __init__(self, x0: float, x1: float, y0: float, y1: float) -> None:
        self.x0, self.x1 = (x0, x1) if x1 > x0 else (x0 - 0.5, x0 + 0.5)
        self.y0, self.y1 = (y0, y1) if y1 > y0 else (y0 - 0.5, y0 + 0.5)

    @classmethod
    def around(cls, parts: Sequence[np.ndarray], bounds: tuple[float, float, float, float] | None = None) -> "_Frame":
        if bounds is not None or not parts:
            return cls(*(bounds or (0.0, 1.0, 0.0, 1.0)))
        (x0, y0), (x1, y1) = np.concatenate(parts).min(axis=0), np.concatenate(parts).max(axis=0)
        margin = 0.04 * (y1 - y0)
        return cls(float(x0), float(x1), float(y0 - margin), float(y1 + margin))

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x0) / (self.x1 - self.x0)
        up = (y - self.y0) / (self.y1 - self.y0)
        left = _LEFT + across * (WIDTH - _LEFT - _RIGHT)
        return round(left, 1), round(HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM), 1)

    def axes(self, x_label: str, y_label: str) -> str:
        drawn = []
        for value in _ticks(self.x0, self.x1):
            x, y = self.at(value, self.y0)
            drawn.append(f'<line class="grid" x1="{x}" y1="{_TOP}" x2="{x}" y2="{y}"/>')
            drawn.append(f'<text x="{x}" y="{y + 14}" text-anchor="middle">{value:,g}</text>')
        for value in _ticks(self.y0, self.y1):
            x, y = self.at(self.x0, value)
            drawn.append(f'<line class="grid" x1="{x}" y1="{y}" x2="{WIDTH - _RIGHT}" y2="{y}"/>')
            drawn.append(f'<text x="{x - 5}" y="{y + 4}" text-anchor="end">{value:,g}</text>')
        middle = (HEIGHT - _BOTTOM + _TOP) / 2
        drawn.append(f'<text x="{(WIDTH + _LEFT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{_t(x_label)}</text>')
        turn = f'transform="rotate(-90 12 {middle})"'
        drawn.append(f'<text x="12" y="{middle}" text-anchor="middle" {turn}>{_t(y_label)}</text>')
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


def _legend(names: Sequence[str]) -> list[str]:
    if len(names) < 2:
        return []
    drawn = []
    for i, name in enumerate(names):
        y = HEIGHT - _BOTTOM - 8 - 14 * (len(names) - 1 - i)
        drawn.append(f'<rect x="{WIDTH - 150}" y="{y - 8}" width="10" height="3" fill="{_color(i)}"/>')
        drawn.append(f'<text x="{WIDTH - 136}" y="{y - 3}">{_t(_short(name, 20))}</text>')
    return drawn


def _color(i: int) -> str:
    return f"var(--c{i % _COLORS})"


def _short(name: str, longest: int = _LONGEST) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _t(text: str) -> str:
    return html.escape(printable(str(text).replace("\n", " ")), quote=True)


def _svg(drawn: Sequence[str], height: float = HEIGHT, width: float = WIDTH) -> str:
    box = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box}>' + "".join(drawn) + "</svg>"
