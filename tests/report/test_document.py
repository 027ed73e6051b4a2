"""Documents and charts: whatever names hold, they stay text."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from automl.report import bars, cells, charts, svg
from automl.report.document import Chapter, Chart, Code, Items, Section, Table, Text, to_html, to_markdown

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>alert(1)</script>",
    "]]></svg><script>alert(1)</script>",
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "![x](https://example.com/a.png)",
    "| --- | cell | cell |",
    "`code` ```fence```",
    "# heading\n\n# another",
    "a\x1b[31mred\x07",
    "\u202etxt.exe",
    "=HYPERLINK(1)",
    "&lt;b&gt; & <b>",
    "<!-- comment -->",
    "{{ 7 * 7 }} ${x}",
    "https://example.com",
    "x" * 300,
    "",
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def sections(name: str) -> list[Section]:
    pictures = [
        charts.lines({name: ([0, 1], [0, 1]), "b": ([0, 1], [1, 0])}, name, name),
        charts.points([0, 1], [1, 2], name, name, zero=True),
        charts.histogram([1, 2, 3], name),
        bars.bars([name, name], [1, -1], [0.1, 0.2], name, [name, ""]),
        bars.levels([name, "b"], {name: [0.1, 0.2], "c": [-1, 1]}, name),
        cells.heat(np.eye(2), [name, name], [name, name], name, name),
    ]
    table = Table((name, "n"), [[name, "1"]])
    drawn = [Chart(svg, name, table) for svg in pictures]
    return [Section(name, [Text(name), Text(name, soft=True), Items([name]), Code(name), table, *drawn])]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_stay_text(name: str) -> None:
    page = to_html(Chapter(name, sections(name)))
    tags = Tags()
    tags.feed(page)
    plain = Tags()
    plain.feed(to_html(Chapter("name", sections("name"))))
    assert [tag for tag, _ in tags.found] == [tag for tag, _ in plain.found]
    links = [a for _, attributes in tags.found for a in attributes if a in ("src", "onerror", "onload")]
    assert not links
    assert all(a.get("href", "#").startswith("#") for _, a in tags.found)
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    for drawn in re.findall(r"<figure>(<svg.*?</svg>)<figcaption>", page, re.DOTALL):
        ElementTree.fromstring(drawn)
    assert "\x1b" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize("name", HOSTILE)
def test_names_stay_text_in_markdown(name: str) -> None:
    text = to_markdown(Chapter(name, sections(name)))
    outside = [line for line in text.splitlines() if not line.startswith("    ")]  # an indented block is code
    for line in outside:
        bare = re.sub(r"\\.", "", line)  # what is escaped
        assert not re.search(r"[<`\[]", bare)
    headings = [line for line in outside if line.startswith("#")]
    assert len(headings) == 2
    tables = [line for line in outside if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {3}


def test_charts_bear_any_numbers() -> None:
    for x, y in (([], []), ([1.0], [2.0]), ([np.nan, 1], [1, np.inf]), ([0, 0], [5, 5]), ([1e9, 2e9], [1e-9, 2e-9])):
        for text in (
            charts.lines({"a": (x, y)}, "x", "y", steps=bool(x), dots=True),
            charts.points(x, y, "x", "y", diagonal=True),
        ):
            drawn = ElementTree.fromstring(text)
            assert "nan" not in text
            assert drawn.get("viewBox")
    for values in ([], [np.nan], [3, 3, 3], [1, 2, np.inf]):
        ElementTree.fromstring(charts.histogram(values, "x"))
    ElementTree.fromstring(bars.bars(["a", "b"], [np.nan, 0], [np.nan, 0]))
    ElementTree.fromstring(cells.heat(np.zeros((3, 3)), "abc", "abc", "is", "called"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.12345, "0.123"), (12345.6, "12,346"), (-2.5, "-2.50"), (1e-7, "1.00e-07"), (np.nan, "-")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert svg.shown(value) == text
