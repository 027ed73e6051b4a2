"""What all charts of a report share: escaped texts, colours, legends, the SVG around what is drawn."""

import html
import math
from collections.abc import Sequence

from automl.runtime.printable import printable

WIDTH = 420
_COLORS = 6
# Lines on top of each other are told apart by these.
_DASHES = ("", "7 4", "2 3", "10 3 2 3", "5 2", "1 5")
_LETTER, _LINE = 6.0, 15  # pixels
_LONGEST = 40  # characters of a name in a legend
_VALUE = 24  # of a value beside a bar


def text(value: object) -> str:
    """Return a text for SVG: on one line, without markup."""
    return html.escape(printable(str(value).replace("\n", " ")), quote=True)


def short(name: str, longest: int) -> str:
    """Return a name that is cut where it is too long."""
    return name if len(name) <= longest else f"{name[: max(1, longest - 1)]}…"


def label(name: str, value: str, longest: int) -> str:
    """Return a name with its value; of what is too long, the name is cut, as the value says more."""
    if not value:
        return short(name, longest)
    value = short(value, _VALUE)
    return f"{short(name, max(4, longest - len(value) - 3))} = {value}"


def width_of(words: str) -> float:
    """Return about how wide a text is."""
    return _LETTER * len(words)


def color(i: int) -> str:
    """Return the colour of series ``i``."""
    return f"var(--c{i % _COLORS})"


def stroke(i: int) -> str:
    """Return the colour and dashes of the line of series ``i``."""
    dashes = _DASHES[i % len(_DASHES)]
    return f'stroke="{color(i)}"' + (f' stroke-dasharray="{dashes}"' if dashes else "")


def under_legend(
    drawn: Sequence[str], names: Sequence[str], height: float, width: float = WIDTH, are_lines: bool = True
) -> str:
    """Return an SVG of what is drawn, below a legend of its series where there are several."""
    if len(names) < 2:
        return document(drawn, height, width)
    entries, x, y = [], 8.0, 12
    for i, name in enumerate(names):
        said = short(name, _LONGEST)
        wide = 40 + width_of(said)
        if x > 8 and x + wide > width:
            x, y = 8.0, y + _LINE
        line = f'<line x1="{x}" y1="{y - 4}" x2="{x + 22}" y2="{y - 4}" stroke-width="1.8" {stroke(i)}/>'
        box = f'<rect x="{x + 6}" y="{y - 9}" width="10" height="10" fill="{color(i)}"/>'
        entries.append((line if are_lines else box) + f'<text x="{x + 27}" y="{y}">{text(said)}</text>')
        x += wide
    top = y + 4
    return document([*entries, f'<g transform="translate(0 {top})">', *drawn, "</g>"], height + top, width)


def document(drawn: Sequence[str], height: float, width: float = WIDTH) -> str:
    """Return an SVG of what is drawn."""
    box = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box}>' + "".join(drawn) + "</svg>"


def shown(value: float) -> str:
    """Return a number as people write it, to about three digits."""
    if not math.isfinite(value):
        return "-"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value % 1 else 0
    return f"{value:,.{min(digits, 6)}f}"
