"""Overrides whose values are names that people gave to files and columns: plain text, whatever it holds.

``data.target=ünï``, ``data.train=data (1).csv``, ``data.group=null`` and ``data.order=${y}`` are names as they stand,
where Hydra's grammar would refuse them or read something else. So they are taken out of the command line and put into
the configuration as values.
"""

import re
from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from automl.errors import ConfigError

TARGET = "data.target"
_COLUMNS = (TARGET, "data.group", "data.order", "data.weights")
TEXTS = ("data.train", "data.test", "data.validation", *_COLUMNS, "run.dir", "run.store", "leaderboard.url")
LISTS = ("data.drop", "data.missing")
ROLES = "data.roles"
# What may be said of single columns: an example of each.
OF_COLUMNS = {ROLES: "{zip: categorical}", "data.decimal": "{price: comma}"}
_ITEM = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^,]+?))\s*(?:,|$)""")
# A name may hold commas and colons: what ends it is a colon with a role behind it.
_ROLE = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|(.+?))\s*:\s*["']?(\w+)["']?\s*(?:,|$)""")
_OVERRIDE = re.compile(r"\+{0,2}([\w.]+?)(?:=|(?<=roles)\.|(?<=decimal)\.)(.*)", re.DOTALL)


def taken_out(arguments: Sequence[str], several: bool = False) -> tuple[list[str], dict[str, Any]]:
    """Return the arguments that are not about names, and the configuration that the others ask for.

    An empty value unsets a name; what is wholly in quotes stands for what is between them; a target may be several,
    ``[a, b]``. ``several``: for a multirun, where values are Hydra's own, ``a,b`` two of them, unless Hydra cannot read
    them.
    Raises ``ConfigError`` for roles that are none.
    """
    others: list[str] = []
    tree: dict[str, Any] = {}
    for argument in arguments:
        found = _OVERRIDE.fullmatch(argument)
        key, value = found.groups() if found else ("", "")
        of_columns = key in OF_COLUMNS and (
            key == ROLES or value.startswith("{") or argument.lstrip("+").startswith(f"{key}.")
        )
        if not (of_columns or key in (*TEXTS, *LISTS)) or (several and _is_hydras(argument)):
            others.append(argument)
            continue
        group, name = key.split(".")
        node = tree.setdefault(group, {})
        if of_columns:
            node[name] = node.get(name, {}) | _of_columns(key, argument, value)
        else:
            node[name] = _items(value) if key in LISTS or names_several(key, value) else unquoted(value) or None
    return others, escaped(tree)


def names_several(key: str, value: str) -> bool:
    """Whether a value is a list of targets, ``[a, b]``; a column that is called so is put into quotes."""
    return key == TARGET and value.startswith("[") and value.endswith("]") and "," in value


def unquoted(text: str) -> str:
    """Return a text without the quotes that it is wholly in."""
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]
    return text[1:-1] if is_quoted else text


def escaped(value: Any) -> Any:
    """Return a value in which ``${`` is text for Hydra, and no reference to another key."""
    if isinstance(value, dict):
        return {name: escaped(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [escaped(inner) for inner in value]
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", value) if isinstance(value, str) else value


def _is_hydras(argument: str) -> bool:
    try:
        OverridesParser.create().parse_override(argument)
    except HydraException:
        return False
    return True


def _items(value: str) -> list[str]:
    if not (value.startswith("[") and value.endswith("]")):
        return [unquoted(value)] if value else []
    return [next(filter(None, found), "") for found in _ITEM.findall(value[1:-1].strip())]


def _of_columns(key: str, argument: str, value: str) -> dict[str, str]:
    """Read ``{COLUMN: ROLE, ...}``, or ``COLUMN=ROLE`` of one column."""
    if argument.partition("=")[0].lstrip("+").startswith(f"{key}."):
        name, _, role = value.rpartition("=")
        return {unquoted(name): unquoted(role)}
    inner = value[1:-1].strip()
    found = list(_ROLE.finditer(inner))
    if not value.startswith("{") or not value.endswith("}") or sum(map(len, (f[0] for f in found))) < len(inner):
        what = "ROLE" if key == ROLES else "MARK"
        raise ConfigError(
            f"What {key} says of columns is written as {{COLUMN: {what}, ...}}, e.g. '{key}={OF_COLUMNS[key]}'; got "
            f"'{value}'."
        )
    return {next(filter(None, f.groups()[:3]), ""): f[4] for f in found}
