"""The command that runs a recorded configuration again: what in it is not as it would be by itself."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from automl.configuration import GROUPS, usual_options
from automl.hydra_app import composed
from automl.overrides import LISTS, OF_COLUMNS, TARGET, TEXTS, names_several

# Each run has a folder of its own, and what a file says about the space stands in the space.
_LEFT_OUT = ("run.dir", "space_file")
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
_WORDS = ("null", "true", "false", "nan", "inf")


def command_of(recorded: Mapping[str, Any]) -> str:
    """Return an ``automl search`` that composes to ``recorded``, quoted for a shell; its run.dir is a new one."""
    chosen = [f"{group}={recorded[group]['name']}" for group in GROUPS if group in recorded]
    plugins = [f"plugins.{kind}={_written(names)}" for kind, names in recorded.get("plugins", {}).items() if names]
    usual = composed(["data.train=x", *chosen, *plugins])
    differences = [f"{key}={value}" for key, value in _different(recorded, usual, "")]
    by_itself = {f"{group}={name}" for group, name in usual_options().items()}
    named = [one for one in chosen if one not in by_itself]
    return " ".join(map(shlex.quote, ["automl", "search", *named, *plugins, *differences]))


def _different(given: Any, usual: Any, path: str) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        key = f"{path}{name}"
        before = usual.get(name) if isinstance(usual, Mapping) else None
        if key in _LEFT_OUT or value == before or key.startswith("plugins."):
            continue
        if key in OF_COLUMNS and isinstance(value, Mapping):
            yield key, "{" + ", ".join(f"{_quoted(column)}: {role}" for column, role in value.items()) + "}"
        elif key in TEXTS and not isinstance(value, list):
            quoted = value is not None and (_looks_quoted(str(value)) or names_several(key, str(value)))
            yield key, "" if value is None else f'"{value}"' if quoted else str(value)
        elif key in (*LISTS, TARGET) and isinstance(value, list):
            yield key, "[" + ",".join(map(_quoted, value)) + "]"
        elif isinstance(value, Mapping) and isinstance(before, Mapping) and value.keys() <= before.keys():
            yield from _different(value, before, f"{key}.")
        else:
            yield key, _written(value)


def _quoted(name: Any) -> str:
    return f"'{name}'" if '"' in str(name) else f'"{name}"'


def _looks_quoted(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] and text[0] in "'\""


def _written(value: Any) -> str:
    """Return a value in Hydra's grammar."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_written(str(name))}: {_written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _WORDS
        return value if is_plain else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "null" if value is None else json.dumps(value)
