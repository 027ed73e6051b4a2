"""The runtime as one file: it holds what its modules hold, and runs without them."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import automl.runtime
from automl.export.one_file import predict_py


def parts(source: str) -> list[str]:
    """All that stands on top in a file but its docstring and its imports."""
    return [ast.unparse(n) for n in ast.parse(source).body[1:] if not isinstance(n, ast.Import | ast.ImportFrom)]


def test_it_holds_every_part_of_every_module_once() -> None:
    modules = Path(automl.runtime.__file__).parent.glob("*.py")
    expected = [part for path in modules for part in parts(path.read_text())]
    assert sorted(parts(predict_py())) == sorted(expected)


def test_it_imports_each_library_once_and_nothing_of_ours() -> None:
    statements = [node for node in ast.walk(ast.parse(predict_py())) if isinstance(node, ast.Import | ast.ImportFrom)]
    imports = [ast.unparse(name) for node in statements for name in node.names]
    assert len(set(imports)) == len(imports)
    assert not [text for node in statements if "automl" in (text := ast.unparse(node))]


def test_it_is_the_same_in_every_process() -> None:
    code = "from automl.export.one_file import predict_py; print(predict_py(), end='')"
    for seed in "12":
        env = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert done.stdout == predict_py()
