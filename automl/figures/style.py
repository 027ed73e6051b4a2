"""What all figures share: colours, layout, and how names from data get into them."""

import html
from collections.abc import Iterable, Mapping
from typing import Any

from automl.runtime.printable import printable_lines

Figure = dict[str, Any]

# Ten hues that differ in lightness too, for light and dark grounds (after Observable's categorical scheme), and more.
PALETTE = (
    *("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0"),
    *("#0b7285", "#c2255c", "#5c940d", "#e8590c"),
)
GREY, RED, ACCENT = "#9498a0", "#d6453d", "#4269d0"
# Light to strong, for amounts.
SCALE = [[0.0, "rgba(66,105,208,0.04)"], [0.5, "rgba(66,105,208,0.5)"], [1.0, "rgba(66,105,208,0.95)"]]
_GRID = "rgba(128,128,128,0.18)"


def colours(families: Iterable[str]) -> dict[str, str]:
    """Return a colour for each family, the same one for the same set of families."""
    return {family: PALETTE[i % len(PALETTE)] for i, family in enumerate(sorted(set(families)))}


def text(value: object) -> str:
    """Return ``value`` as text that Plotly shows as it stands: it takes some tags for markup."""
    return html.escape(printable_lines(str(value)), quote=False)


def axis(title: str = "", **options: Any) -> Figure:
    """Return an axis. The title is shown as it stands."""
    return {
        "title": {"text": text(title), "standoff": 8},
        "gridcolor": _GRID,
        "zeroline": False,
        "automargin": True,
        **options,
    }


def figure(data: list[Figure], x: Figure, y: Figure, **layout: Any) -> Figure:
    """Return a figure of traces and two axes; ``layout`` adds to what all figures have."""
    common = {
        "xaxis": x,
        "yaxis": y,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12, "color": "#70757d"},
        "margin": {"l": 56, "r": 16, "t": 36, "b": 44},  # what can be done with a figure is shown above it
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "hoverlabel": {"align": "left"},
        "hovermode": "closest",
    }
    return {"data": data, "layout": {**common, **layout}}


def empty(why: str) -> Figure:
    """Return a figure without anything to show, which says why."""
    nowhere = {"visible": False}
    said = {"text": text(why), "showarrow": False, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5}
    return figure([], nowhere, nowhere, annotations=[said], height=160)


def by_family(values: Iterable[Any], of: Mapping[str, str]) -> dict[str, list[Any]]:
    """Return values with a ``family`` in groups, in the order of the colours."""
    groups: dict[str, list[Any]] = {family: [] for family in of}
    for value in values:
        groups[value.family].append(value)
    return {family: group for family, group in groups.items() if group}
