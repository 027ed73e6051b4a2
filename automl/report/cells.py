"""Charts of cells as SVG: a shaded table, a picture under the weights of its patches."""

from collections.abc import Sequence

import numpy as np

from automl.report import svg


def heat(matrix: np.ndarray, row_names: Sequence[str], column_names: Sequence[str], row_label: str, label: str) -> str:
    """Return a table of shaded cells with their numbers; each row is shaded by its share of the row's sum."""
    n_rows, n_columns = matrix.shape
    cell = max(16, min(48, 320 // max(n_rows, n_columns)))
    left, top = 120, 24
    width, height = max(svg.WIDTH, left + n_columns * cell + 20), top + n_rows * cell + 70
    sums = np.abs(matrix).sum(axis=1, keepdims=True)
    shares = np.divide(np.abs(matrix), sums, out=np.zeros(matrix.shape), where=sums > 0)
    drawn = [f'<text x="{left}" y="14">{svg.text(row_label)} ↓ · {svg.text(label)} →</text>']
    for i in range(n_rows):
        y = top + i * cell
        name = svg.text(svg.short(row_names[i], 16))
        drawn.append(f'<text x="{left - 6}" y="{y + cell / 2 + 4}" text-anchor="end">{name}</text>')
        for j in range(n_columns):
            x, share = left + j * cell, shares[i, j]
            drawn.append(
                f'<rect x="{x}" y="{y}" width="{cell - 1}" height="{cell - 1}" fill="var(--c0)" '
                f'fill-opacity="{share:.3f}" stroke="var(--line)"/>'
            )
            if cell >= 26:
                text, on = f"{matrix[i, j]:,.0f}", ' class="on"' if share > 0.5 else ""
                drawn.append(f'<text x="{x + cell / 2}" y="{y + cell / 2 + 4}" text-anchor="middle"{on}>{text}</text>')
    for j in range(n_columns):
        x, y = left + j * cell + cell / 2, top + n_rows * cell + 12
        name = svg.text(svg.short(column_names[j], 10))
        drawn.append(f'<text x="{x}" y="{y}" text-anchor="end" transform="rotate(-40 {x} {y})">{name}</text>')
    return svg.document(drawn, height, width)


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
    return svg.document(drawn, h * size, w * size)


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
