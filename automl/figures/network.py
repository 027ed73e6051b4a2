"""A network as a diagram, in text and as SVG: its layers, what comes out of each, and what each costs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from html import escape
from typing import Any

from automl.figures.style import GREY, PALETTE
from automl.runtime.printable import printable

# What a layer is drawn in, by the first of these that its kind holds.
_COLOURS = dict(
    zip(("conv", "linear", "norm", "pool", "gru", "lstm", "rnn", "attention", "embedding"), PALETTE, strict=False)
)
_WIDTH, _ROW, _INDENT, _PAD = 720, 22, 14, 8


@dataclass(frozen=True)
class Diagram:
    """A layer or a block of a network. ``str`` of it is the text; notebooks show the SVG.

    ``kind``: its class, ``detail`` its sizes in words. ``shape``: of what comes out, without the rows. ``parameters``,
    ``multiply_adds`` (for one row, of convolutions and matrix products): of all that is in it. ``parts``: what it is
    made of, in the order in which it is used.
    """

    kind: str
    detail: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    parts: "tuple[Diagram, ...]" = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**vars(self), "shape": list(self.shape), "parts": [part.to_dict() for part in self.parts]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Diagram":
        """Return what ``to_dict`` has written. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for another."""
        kind, detail, shape, parameters, multiply_adds, parts = (values[field.name] for field in fields(cls))
        below = tuple(cls.from_dict(part) for part in parts)
        return cls(str(kind), str(detail), tuple(map(int, shape)), int(parameters), int(multiply_adds), below)

    @property
    def activation_bytes(self) -> int:
        """What the outputs of all layers take for one row, as float32."""
        leaves = [part for _, part in self._lines() if not part.parts]
        return 4 * sum(_product(leaf.shape) for leaf in leaves)

    def __str__(self) -> str:
        rows = [(f"{'  ' * depth}{part.title}", *part._costs()) for depth, part in self._lines()]
        rows = [("layer", "output", "parameters", "multiply-adds"), *rows]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = [
            "  ".join(
                cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in enumerate(cells)
            ).rstrip()
            for cells in (list(zip(row, widths, strict=True)) for row in rows)
        ]
        return "\n".join([lines[0], "─" * (sum(widths) + 6), *lines[1:], self.total])

    @property
    def title(self) -> str:
        """The kind and its sizes."""
        return printable(f"{self.kind} {self.detail}".strip())

    @property
    def total(self) -> str:
        """What all of it costs, in words."""
        costs = f"{self.parameters:,} parameters, {self.multiply_adds:,} multiply-adds"
        return f"{costs} and {self.activation_bytes:,} bytes of activations for a row"

    def svg(self) -> str:
        """Return it as an SVG without styles or scripts, in the colour of the text around it."""
        boxes, bottom = self._boxes(_PAD, _PAD, _WIDTH - 2 * _PAD, max(1, self.multiply_adds))
        height = bottom + _ROW
        total = f'<text x="{_PAD}" y="{bottom + 14}" opacity="0.7">{escape(self.total)}</text>'
        size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        look = 'font-family="sans-serif" font-size="12" fill="currentColor" role="img"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {look}><title>{escape(self.title)}</title>'
        return f"{head}{''.join(boxes)}{total}</svg>"

    _repr_svg_ = svg

    def _lines(self, depth: int = 0) -> "Iterator[tuple[int, Diagram]]":
        yield depth, self
        for part in self.parts:
            yield from part._lines(depth + 1)

    def _costs(self) -> tuple[str, str, str]:
        shape, parameters = "×".join(map(str, self.shape)), self.parameters
        return shape, f"{parameters:,}" if parameters else "", f"{self.multiply_adds:,}" if self.multiply_adds else ""

    def _boxes(self, x: int, y: int, width: int, whole: int) -> tuple[list[str], int]:
        """Return its boxes from (x, y) on, and where they end; a bar shows its share of the ``whole`` multiply-adds."""
        colour = next((colour for word, colour in _COLOURS.items() if word in self.kind.lower()), GREY)
        output, parameters, multiply_adds = (escape(cell) for cell in self._costs())
        at, right = y + 15, _WIDTH - _PAD
        texts = [
            f'<text x="{x + 6}" y="{at}">{escape(self.title)}</text>',
            f'<text x="{right - 210}" y="{at}" text-anchor="end">{output}</text>',
            f'<text x="{right - 110}" y="{at}" text-anchor="end" opacity="0.7">{parameters}</text>',
            f'<text x="{right - 6}" y="{at}" text-anchor="end" opacity="0.7">{multiply_adds}</text>',
        ]
        inner, bottom = [], y + _ROW
        for part in self.parts:
            boxes, bottom = part._boxes(x + _INDENT, bottom, width - _INDENT, whole)
            inner += boxes
        bottom += 4 if self.parts else 0
        frame = (
            f'<rect x="{x}" y="{y}" width="{width}" height="{bottom - y - 2}" rx="4" fill="{colour}" '
            f'fill-opacity="{0.04 if self.parts else 0.16}" stroke="{colour}" stroke-opacity="0.5"/>'
        )
        share = round((width - 2) * self.multiply_adds / whole)
        bar = f'<rect x="{x + 1}" y="{bottom - 5}" width="{share}" height="2" fill="{colour}"/>'
        return [frame, *([] if self.parts or not share else [bar]), *texts, *inner], bottom


def _product(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
