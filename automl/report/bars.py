"""Charts of bars as SVG: a value for each name, for each level and series, or a mean rank for each system."""

from collections.abc import Mapping, Sequence

import numpy as np

from automl.report import svg

_LONGEST = 36  # characters beside a bar
_PLOT = 230  # pixels, the least that bars and their numbers have


def bars(
    names: Sequence[str],
    values: Sequence[float],
    spreads: Sequence[float] | None = None,
    label: str = "",
    cells: Sequence[str] | None = None,
) -> str:
    """Return a bar for each value, downwards, to the left of zero where it is negative, with its spread as a line.

    ``cells``: the value of each feature that is named; it stands beside the name.
    """
    n, row = len(names), 20
    said = [svg.label(name, cell, _LONGEST) for name, cell in zip(names, cells or [""] * n, strict=True)]
    numbers = np.nan_to_num(np.asarray(values, float))
    around = np.zeros(n) if spreads is None else np.nan_to_num(np.asarray(spreads, float))
    scale = _Scale.of(said, numbers - around, numbers + around)
    drawn = [scale.zero(n * row)]
    for i, (name, value, spread) in enumerate(zip(said, numbers, around, strict=True)):
        y = i * row + 6
        drawn += [scale.name(name, y + 11), scale.bar(value, y, 14, "var(--c0)" if value >= 0 else "var(--c4)")]
        if spread > 0:
            a, b = scale.at(value - spread), scale.at(value + spread)
            drawn.append(f'<line x1="{a}" y1="{y + 7}" x2="{b}" y2="{y + 7}" stroke="var(--ink)"/>')
        edge = max(scale.at(0), scale.at(value + spread))
        drawn.append(f'<text x="{edge + 4}" y="{y + 11}">{svg.text(svg.shown(value))}</text>')
    drawn.append(f'<text x="{scale.left}" y="{n * row + 26}">{svg.text(label)}</text>')
    return svg.document(drawn, n * row + 34, scale.width)


def levels(names: Sequence[str], series: Mapping[str, Sequence[float]], label: str = "mean answer") -> str:
    """Return a group of bars for each level, one for each series, from 0 on."""
    k = len(series)
    thick = 14 if k == 1 else 10
    row, said = k * thick + 8, [svg.short(name, _LONGEST) for name in names]
    numbers = np.nan_to_num(np.array(list(series.values()), float)).reshape(k, len(names))
    scale = _Scale.of(said, numbers, numbers)
    drawn = [scale.zero(len(names) * row)]
    for i, name in enumerate(said):
        y = i * row + 6
        drawn.append(scale.name(name, y + k * thick / 2 + 4))
        for j, value in enumerate(numbers[:, i].tolist()):
            top = y + j * thick
            drawn.append(scale.bar(value, top, thick - 1, svg.color(j)))
            edge = max(scale.at(0), scale.at(value))
            drawn.append(f'<text x="{edge + 4}" y="{top + thick / 2 + 4}">{svg.text(svg.shown(value))}</text>')
    of = next(iter(series), "") if k == 1 else label
    drawn.append(f'<text x="{scale.left}" y="{len(names) * row + 18}">{svg.text(of)}</text>')
    return svg.under_legend(drawn, list(series), len(names) * row + 24, scale.width, are_lines=False)


def ranks(
    names: Sequence[str], mean_ranks: Sequence[float], critical: float, alike: Sequence[tuple[int, int]] = ()
) -> str:
    """Return a critical-difference diagram (Demšar, JMLR 2006): the best on top, a bar beside those that are alike.

    ``alike``: first and last place of each such run. ``critical``: is drawn as a length.
    """
    n, row, left, most = len(names), 22, 190, max(len(names), 2)
    right = svg.WIDTH - 30 - 10 * len(alike)

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
        drawn.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{svg.text(svg.short(name, 26))}</text>')
        drawn.append(f'<line x1="{at(1)}" y1="{y}" x2="{at(rank)}" y2="{y}" stroke="var(--c0)"/>')
        drawn.append(f'<circle cx="{at(rank)}" cy="{y}" r="4" fill="var(--c0)"/>')
    for i, (first, last) in enumerate(alike):
        x, top, bottom = right + 14 + 10 * i, 40 + first * row + 4, 40 + (last + 1) * row - 4
        drawn.append(f'<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}" stroke="var(--c1)" stroke-width="3"/>')
    return svg.document(drawn, 64 + n * row)


class _Scale:
    """Where values lie to the right of their names."""

    def __init__(self, left: float, low: float, high: float) -> None:
        self.left, self.low, self.span = left, low, (high - low) or 1.0
        self.width = max(svg.WIDTH, left + _PLOT)

    @classmethod
    def of(cls, names: Sequence[str], lows: np.ndarray, highs: np.ndarray) -> "_Scale":
        left = 16 + max(map(svg.width_of, names), default=0)
        return cls(left, min(0.0, float(lows.min(initial=0))), max(0.0, float(highs.max(initial=0))))

    def at(self, value: float) -> float:
        return round(self.left + (value - self.low) / self.span * (self.width - self.left - 60), 1)

    def zero(self, height: float) -> str:
        return f'<line class="grid" x1="{self.at(0)}" y1="4" x2="{self.at(0)}" y2="{height + 4}"/>'

    def name(self, name: str, y: float) -> str:
        return f'<text x="{self.left - 8}" y="{y}" text-anchor="end">{svg.text(name)}</text>'

    def bar(self, value: float, y: float, height: float, color: str) -> str:
        start, end = sorted((self.at(0), self.at(value)))
        width = f"{max(end - start, 0.5):.1f}"
        return f'<rect x="{start}" y="{y}" width="{width}" height="{height}" fill="{color}"/>'
