"""What in a value of JSON or YAML is not as its shape says."""

import re
from collections.abc import Mapping
from typing import Any

from automl.runtime.errors import nearest
from automl.runtime.printable import shown

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", None: "null"}
_TOO_LARGE = 2**1023  # whole numbers from there on are no floating-point numbers


def fault(value: Any, shape: Any, path: str = "") -> str:
    """Return the first thing in a value of JSON or YAML that is not as ``shape`` says, in words; "" if there is none.

    A shape is a type (``int`` is no truth value, ``float`` any number that a float can be, ``object`` anything), None,
    a set of the values there are, a pattern that a whole text matches, a tuple of shapes of which one fits, a list of
    one shape, or a mapping: a name that ends in "?" may be absent, and ``...`` stands for names of any kind. ``path``:
    of the value, like "schema.columns[0]".
    """
    if isinstance(shape, dict) and isinstance(value, dict):
        return _fault_in_mapping(value, shape, path)
    if isinstance(shape, list) and isinstance(value, list):
        return next(filter(None, (fault(v, shape[0], f"{path}[{i}]") for i, v in enumerate(value))), "")
    alternatives = shape if isinstance(shape, tuple) else (shape,)
    nested = next((one for one in alternatives if isinstance(one, (dict, list)) and isinstance(value, type(one))), None)
    if nested is not None:
        return fault(value, nested, path)
    if any(_fits(value, one) for one in alternatives):
        return ""
    return f"{_called(path)} must be {' or '.join(map(_wanted, alternatives))}, and is {_what(value)}"


def _fault_in_mapping(value: Mapping[Any, Any], shape: Mapping[Any, Any], path: str) -> str:
    known = {name.removesuffix("?"): one for name, one in shape.items() if name is not ...}
    absent = next((name for name in shape if name in known and name not in value), None)
    if absent is not None:
        return f"{_called(path)} lacks '{absent}'"
    for name, inner in value.items():
        if name not in known and ... not in shape:
            return f"{_called(path)} has the unknown name '{shown(name)}'.{nearest(str(name), known)}"
        wrong = fault(inner, known.get(name, shape.get(...)), f"{path}.{shown(name)}" if path else shown(name))
        if wrong:
            return wrong
    return ""


def _called(path: str) -> str:
    return f"'{path}'" if path else "it"


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    if isinstance(shape, (set, frozenset)):
        return isinstance(value, str) and value in shape
    if isinstance(shape, (dict, list)):
        return False
    if shape is None or shape is bool or shape is object:
        return value is None if shape is None else isinstance(value, shape)
    if shape is float and isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < _TOO_LARGE
    return isinstance(value, shape) and not isinstance(value, bool)


def _wanted(shape: Any) -> str:
    if isinstance(shape, re.Pattern):
        return f"a text like {shape.pattern}"
    if isinstance(shape, (set, frozenset)):
        return f"one of {', '.join(sorted(shape))}"
    if isinstance(shape, (dict, list)):
        return "a mapping" if isinstance(shape, dict) else "a list"
    return _WORDS.get(shape, "null")


def _what(value: Any) -> str:
    return f"a {type(value).__name__}" if isinstance(value, (dict, list)) else f"{shown(repr(value))}"
