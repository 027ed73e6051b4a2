"""Shows docstrings as they are meant: lines ``name: what it is`` are a list, and their underlined titles are bold."""

import re
from typing import Any

import griffe

# One name or several, maybe with its arguments: "build(params, problem): ...", "center, scale: ...".
_ITEM = re.compile(r"^(\w[\w.]*(?:\([\w, ]*\))?(?:, \w+)*|``[^`]+``(?:, ``[^`]+``)*): (?=\S)")
_TITLE = re.compile(r"^(\w+)\n-{3,}$", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrites each docstring as Markdown."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute, once it is read."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """Return the text of a docstring with its lists as Markdown lists."""
    lines: list[str] = []
    for line in _TITLE.sub(r"**\1**\n", text).splitlines():
        if item := _ITEM.match(line):
            names = item[1].replace("``", "`") if "`" in item[1] else f"`{item[1]}`"
            lines += ["", f"- {names}: {line[item.end() :]}"]
        else:
            lines.append(line)
    return "\n".join(lines)
