"""Texts that come from data, as they may reach a terminal, a message or a spreadsheet."""

from typing import Any

_LONGEST_SHOWN = 60  # characters of a value or a name in a message
_HARMLESS = "\u200c\u200d"  # though they cannot be printed: they join letters, or keep them apart
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def shown(value: Any) -> str:
    """Return a value as it is put into a message: on one line, and not too long."""
    text = str(value)
    return printable(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}...")


def printable(text: str) -> str:
    """Return a text as it may reach a terminal, on one line: what would steer that, or forge a line, is spelled out.

    That is every line break, control character, escape sequence and mark that turns the direction of writing.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _HARMLESS else repr(c)[1:-1] for c in text)


def printable_lines(text: str) -> str:
    """Return a text whose lines are ours, or stand where no line can be forged, as it may reach a terminal."""
    return "\n".join(map(printable, text.split("\n")))


def defused(cell: Any) -> Any:
    """Return a cell of a CSV file with an apostrophe before what a spreadsheet would run as a formula.

    Numbers, and texts that are numbers, stay as they are.
    """
    if not isinstance(cell, str) or not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
