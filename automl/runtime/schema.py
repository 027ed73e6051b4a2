"""What a schema says: the plain mapping that a manifest holds, with a mapping for each column."""

from collections.abc import Mapping
from typing import Any

from automl.runtime.date_parts import DATE_PARTS
from automl.runtime.errors import listed

Schema = Mapping[str, Any]
Columns = Mapping[str, Any]
Column = Mapping[str, Any]
UNKNOWN: Column = {}  # a column of which nothing is known


def numeric_names(schema: Schema) -> tuple[str, ...]:
    """Return the names of the columns of ``numeric``: a column's own, or ``column.year`` for a part of it."""
    return tuple(f"{column['name']}{part}" for column in schema["columns"] for part in numeric_parts(column))


def numeric_parts(column: Column) -> tuple[str, ...]:
    """Return what follows the name of a column in those of its numbers: nothing, or .year and so on; or .1, .2, ..."""
    if column["role"] == "datetime":
        return tuple(f".{part}" for part in DATE_PARTS)
    if column.get("several"):
        return tuple(f".{i}" for i in range(1, column["several"] + 1))
    return ("",) if column["role"] in ("numeric", "boolean") else ()


def takes(schema: Schema) -> str:
    """Say what a model takes, for people."""
    if schema["kind"] in ("image", "sequence"):
        return f"{schema['kind']}s, an array of shape {shape_of_rows(schema)}, as in an .npz file"
    return f"a table with the columns {listed([c['name'] for c in schema['columns'] if c['role'] != 'dropped'])}"


def shape_of_rows(schema: Schema) -> str:
    """Say what shape the images or sequences of a model have."""
    first = "(n, steps, " if schema["kind"] == "sequence" else "(n, "
    sizes = schema["shape"][1:] if schema["kind"] == "sequence" else schema["shape"]
    return first + ", ".join(map(str, sizes)) + ")"
