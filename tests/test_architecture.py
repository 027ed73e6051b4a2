"""The house stays as ARCHITECTURE.md draws it: who may import whom, no cycles, nothing left out of the wheel."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from automl import registry
from automl.option import CLASSES

ROOT = Path(__file__).parent.parent
ROOMS = {"automl": ROOT / "automl", "automl.search_spaces": ROOT / "search_spaces", "automl.runners": ROOT / "runners"}
# Lower layers may not import upper ones. What is not named stands in the middle.
BOTTOM = (
    "errors",
    "decision",
    "space",
    "formulas",
    "metrics",
    "target",
    "task",
    "types",
    "option",
    "registry",
    "runtime",
)
TOP = ("cli", "hydra_app", "again", "compete", "commands", "estimator", "search", "search_cv", "testing")


def module_files() -> dict[str, Path]:
    """Every module of the product by its import name."""
    found = {}
    for name, folder in ROOMS.items():
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found[".".join((name, *parts))] = path
    return found


MODULES = module_files()


def imports(path: Path) -> set[str]:
    """The modules of ours that a file imports, not counting those for type checkers alone."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(n)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for n in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {
                f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in MODULES else node.module for a in node.names
            }
    return {name for name in found if name.split(".")[0] == "automl"}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_arrows(name: str) -> None:
    used = imports(MODULES[name])
    parts = name.split(".")
    if name.startswith("automl.search_spaces."):
        kind = ".".join(parts[:3])
        for other in used:
            if other.startswith("automl.search_spaces."):
                shared = other in (kind, f"{kind}.blocks") or other.startswith(f"{kind}._")
                assert shared, f"{name} imports another option: {other}"
        assert not any(u.startswith("automl.runners") for u in used)
    elif not name.startswith("automl.runners"):
        outside = [u for u in used if u.startswith(("automl.search_spaces", "automl.runners"))]
        assert not outside, f"{name} imports {outside}; registry.load is the one way there"
    room = parts[1] if len(parts) > 1 else ""
    if room in BOTTOM:
        above = {u for u in used if u.split(".")[1] not in BOTTOM}
        assert not above, f"{name} is at the bottom and imports {above}"
    if room not in TOP and len(parts) != 1:
        above = {u for u in used if u.split(".")[1:2] and u.split(".")[1] in TOP}
        assert not above, f"{name} imports from above: {above}"


def test_no_cycles() -> None:
    """Nor by imports inside functions."""
    graph = {name: imports(path) & MODULES.keys() for name, path in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"cycle: {' -> '.join((*path, name))}"
        if name in done:
            return
        for other in graph[name]:
            visit(other, (*path, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def test_the_runtime_stands_alone() -> None:
    """predict.py is this file: the standard library, NumPy and, when it runs, onnxruntime."""
    tree = ast.parse((ROOT / "automl" / "runtime.py").read_text())
    used = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    used |= {n.module.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert used - sys.stdlib_module_names == {"numpy", "onnxruntime"}


def test_a_class_name_has_one_meaning() -> None:
    """In the engine and the runners; the file that is shipped alone has its own words."""
    found: dict[str, list[str]] = {}
    own = {n: p for n, p in MODULES.items() if not n.startswith("automl.search_spaces") and n != "automl.runtime"}
    for module, path in own.items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(module)
    assert {name: modules for name, modules in found.items() if len(modules) > 1} == {}


def test_every_package_is_in_the_wheel() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    present = {name for name, path in MODULES.items() if path.name == "__init__.py"} | {"automl.conf"}
    assert listed == present


def test_options_are_light_to_import() -> None:
    """Reading every space must not load what only fitting needs."""
    heavy = ("torch", "ray", "lightgbm", "catboost", "sklearn", "onnxruntime", "optuna", "pandas")
    loaded = f"print([m for m in {heavy} if m in sys.modules])"
    code = f"import sys; from automl.assemble import described; described(); {loaded}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == []


# Options' names that mean something else too: roles, metrics, buffers.
HOMONYMS = {"text", "dates", "scale", "step", "linear", "brier", "cross_entropy"}


@pytest.mark.parametrize("name", sorted(n for n in MODULES if not n.startswith("automl.search_spaces")))
def test_the_engine_names_no_option(name: str) -> None:
    options = {option for kind in CLASSES for option in registry.names(kind)} - HOMONYMS
    strings = {n.value for n in ast.walk(ast.parse(MODULES[name].read_text())) if isinstance(n, ast.Constant)}
    assert not options & {s for s in strings if isinstance(s, str)}


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom automl.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy', 'hydra', 'torch', 'ray', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
