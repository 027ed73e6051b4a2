"""A document of sections, and its two forms. Every text is escaped where it is written: names come from data."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from automl.runtime.printable import printable_lines

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>&~$^:@-])")
_LONG = 42  # characters of a cell
# Nothing is fetched and nothing runs, whatever a name may hold.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --soft: #667085; --line: #d7dbe3; --paper: #fff;
  --c0: #2f6db5; --c1: #d9822b; --c2: #3d9a6c; --c3: #a4509c; --c4: #b8433f; --c5: #6c757d; --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ee; --soft: #9aa4b5; --line: #39414f; --paper: #161a21;
  --c0: #6ea8e8; --c1: #f0a860; --c2: #74c79d; --c3: #cf8bc8; --c4: #e58783; --c5: #a7afba;
  --on: #10141b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; } article + article { margin-top: 4rem; }
h2 { font-size: 1.2rem; margin-top: 2.4rem; border-top: 1px solid var(--line); padding-top: 1rem; }
table { border-collapse: collapse; margin: .6rem 0; } td, th { padding: .2rem .7rem .2rem 0; text-align: right;
  border-bottom: 1px solid var(--line); vertical-align: top; font-variant-numeric: tabular-nums;
  white-space: nowrap; } td.text, th.text { text-align: left; }
td.long, th.long { white-space: normal; overflow-wrap: break-word; min-width: 14rem; max-width: 24rem; }
figure { display: inline-block; margin: .6rem 1.2rem .6rem 0; vertical-align: top; }
figcaption, nav, .soft { color: var(--soft); font-size: .88rem; } figcaption { max-width: 28rem; }
nav { margin: .8rem 0; } a { color: var(--c0); }
svg text { fill: var(--ink); font: 11px system-ui, sans-serif; } svg .grid { stroke: var(--line); }
svg text.on { fill: var(--on); }
pre { background: color-mix(in srgb, var(--line) 35%, transparent); padding: .7rem; overflow-x: auto;
  white-space: pre-wrap; overflow-wrap: anywhere; } .wide { overflow-x: auto; }
"""


@dataclass(frozen=True)
class Text:
    """A paragraph; ``soft``: an aside."""

    text: str
    soft: bool = False


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    """Something to be copied as it stands."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of texts under a header. Columns whose cells are all numbers are set to the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Chart:
    """A picture as SVG, what it shows in words, and the numbers in it for those who read Markdown."""

    svg: str
    caption: str
    numbers: Table | None = None


Part = Text | Items | Code | Table | Chart


@dataclass
class Section:
    """A heading with what stands below it."""

    title: str
    parts: list[Part] = field(default_factory=list)

    def add(self, *parts: Part) -> None:
        """Put parts at the end."""
        self.parts.extend(parts)


@dataclass(frozen=True)
class Chapter:
    """Sections under a title of their own: what there is to say about one run."""

    title: str
    sections: Sequence[Section]


def to_html(*chapters: Chapter) -> str:
    """Return a whole page that holds all it needs."""
    title = ", ".join(chapter.title for chapter in chapters)
    links = "" if len(chapters) == 1 else _links({f"c{i}": chapter.title for i, chapter in enumerate(chapters)})
    body = "\n".join(_html_chapter(f"c{i}", chapter) for i, chapter in enumerate(chapters))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_h(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{links}{body}\n</body>\n</html>\n"
    )


def _html_chapter(id: str, chapter: Chapter) -> str:
    body = "\n".join(
        f'<section id="{id}s{i}"><h2>{_h(section.title)}</h2>\n' + "\n".join(map(_html, section.parts)) + "\n</section>"
        for i, section in enumerate(chapter.sections)
    )
    links = _links({f"{id}s{i}": section.title for i, section in enumerate(chapter.sections)})
    return f'<article id="{id}"><h1>{_h(chapter.title)}</h1>\n{links}{body}\n</article>'


def _links(titles: Mapping[str, str]) -> str:
    """Return links to what is further down, by its id."""
    links = " · ".join(f'<a href="#{id}">{_h(title)}</a>' for id, title in titles.items())
    return f"<nav>{links}</nav>\n"


def to_markdown(*chapters: Chapter) -> str:
    """Return the same as Markdown; charts are told by their captions and numbers."""
    parts = []
    for chapter in chapters:
        parts.append(f"# {_m(chapter.title)}")
        for section in chapter.sections:
            parts += [f"## {_m(section.title)}", *map(_markdown, section.parts)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _h(text: str) -> str:
    """Return a text for HTML: no markup, and nothing that turns the direction of writing."""
    return html.escape(printable_lines(text), quote=True)


def _m(text: str) -> str:
    """Return a text for Markdown on one line: no markup, no HTML, no link."""
    return _SPECIAL.sub(r"\\\1", " ".join(printable_lines(text).split()))


def _html(part: Part) -> str:
    if isinstance(part, Text):
        return f'<p class="soft">{_h(part.text)}</p>' if part.soft else f"<p>{_h(part.text)}</p>"
    if isinstance(part, Items):
        return "<ul>" + "".join(f"<li>{_h(item)}</li>" for item in part.items) + "</ul>"
    if isinstance(part, Code):
        return f"<pre>{_h(part.text)}</pre>"
    if isinstance(part, Table):
        return _html_table(part)
    return f"<figure>{part.svg}<figcaption>{_h(part.caption)}</figcaption></figure>"


def _html_table(table: Table) -> str:
    kinds = ["" if _is_numeric(table, i) else "text" for i in range(len(table.header))]
    head, *rows = (
        "".join(_cell("td" if i else "th", kind, cell) for kind, cell in zip(kinds, row, strict=True))
        for i, row in enumerate([table.header, *table.rows])
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(tag: str, kind: str, text: str) -> str:
    """Return a cell, which is one line but where it is long: words are not broken to make room."""
    name = f"{kind} long".strip() if len(text) > _LONG else kind
    return f'<{tag} class="{name}">{_h(text)}</{tag}>' if name else f"<{tag}>{_h(text)}</{tag}>"


def _is_numeric(table: Table, column: int) -> bool:
    cells = [row[column] for row in table.rows if row[column] not in ("", "-")]
    return bool(cells) and all(re.fullmatch(r"[-+−]?[\d.,]+(e[-+]?\d+)?( ?%| ?ms| ?[kKMG]?B)?", cell) for cell in cells)


def _markdown(part: Part) -> str:
    if isinstance(part, Text):
        return _m(part.text)
    if isinstance(part, Items):
        return "\n".join(f"- {_m(item)}" for item in part.items)
    if isinstance(part, Code):
        # Indented, as no run of back quotes in it can end that.
        return "\n".join(f"    {line}" for line in printable_lines(part.text).splitlines())
    if isinstance(part, Table):
        lines = [part.header, *part.rows]
        cells = [[_m(cell) or " " for cell in line] for line in lines]
        ruled = [cells[0], ["---"] * len(part.header), *cells[1:]]
        return "\n".join("| " + " | ".join(line) + " |" for line in ruled)
    return _m(part.caption) + (f"\n\n{_markdown(part.numbers)}" if part.numbers else "")
