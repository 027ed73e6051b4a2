"""The runtime as one file: what is shipped as ``predict.py``."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import automl.runtime

_FOLDER = Path(automl.runtime.__file__).parent
_ROOM = "automl.runtime."
_WIDTH = 105  # of the line above each module, in characters

Import = ast.Import | ast.ImportFrom


class _Module(NamedTuple):
    needs: list[str]  # names of modules of the runtime
    imports: list[Import]  # from libraries
    text: str  # without imports; its docstring is a comment


@cache
def predict_py() -> str:
    """Return the modules of ``automl.runtime`` as one file, which needs nothing but NumPy and onnxruntime.

    It begins as the package does. Each module comes after those that it imports from, and without its imports: those
    from libraries stand once, above all. So a name may mean only one thing in all modules.
    """
    head = (_FOLDER / "__init__.py").read_text(encoding="utf-8").rstrip("\n")
    modules = _with_needed("main", {}).values()
    imports = _merged(node for module in modules for node in module.imports)
    there = [line for line in head.split("\n") if line]
    return "\n".join([head, "", *(line for line in imports if line not in there), *(m.text for m in modules)]) + "\n"


def _with_needed(name: str, before: dict[str, _Module]) -> dict[str, _Module]:
    """Return ``before`` and the module ``name``, with those that it needs ahead of it."""
    if name in before:
        return before
    module = _read(name)
    for needed in module.needs:
        before = _with_needed(needed, before)
    return before | {name: module}


def _read(name: str) -> _Module:
    source = (_FOLDER / f"{name}.py").read_text(encoding="utf-8").rstrip("\n")
    tree = ast.parse(source)
    imports = [node for node in tree.body if isinstance(node, Import)]
    start = max(node.end_lineno or 0 for node in [tree.body[0], *imports])
    own = [node for node in imports if isinstance(node, ast.ImportFrom) and f"{node.module}".startswith(_ROOM)]
    about = [f"# {line}".rstrip() for line in (ast.get_docstring(tree) or "").split("\n")]
    text = "\n".join(["\n", "# " + f" {name}".rjust(_WIDTH, "-"), *about, *source.split("\n")[start:]])
    return _Module([f"{node.module}".removeprefix(_ROOM) for node in own], [n for n in imports if n not in own], text)


def _merged(imports: Iterable[Import]) -> list[str]:
    """Return imports as lines: those of the standard library, an empty one, the others."""
    parts = defaultdict[str, set[str]](set)
    for node in imports:
        parts[f"{node.module}" if isinstance(node, ast.ImportFrom) else ""] |= set(map(ast.unparse, node.names))
    lines = [f"import {name}" for name in sorted(parts.pop("", ()))]
    for module, names in sorted(parts.items()):
        lines.append(f"from {module} import {', '.join(sorted(names, key=lambda name: (not name.isupper(), name)))}")
    standard = [line for line in lines if line.split()[1].split(".")[0] in sys.stdlib_module_names]
    return [*standard, "", *(line for line in lines if line not in standard)]
