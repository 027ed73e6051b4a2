"""The house stays as ARCHITECTURE.md draws it: who may import whom, no cycles, nothing left out of the wheel."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from automl import registry
from automl.leaderboard.store import Store
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
_COMMANDS = (
    *("cli", "hydra_app", "hydra_errors", "again", "compete", "compete_seeds", "blend_runs"),
    *("host", "multi_target", "pseudo_labels", "commands"),
)
TOP = (*_COMMANDS, "estimator", "search", "search_cv", "testing")


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


# Private names of Ray and Optuna that there is no public way around, each in one file, which says in which version.
PRIVATE = {
    "automl.runners._ray_main": {"_node_ip_address", "_temp_dir"},
    "automl.runners._ray_scheduler": {"_supports_buffered_results"},
    "automl.searchers._lazy_tpe": {"_search_space_group", "_sample_relative"},
}


def test_private_names_of_ray_and_optuna_are_few_and_known() -> None:
    known = {name for names in PRIVATE.values() for name in names}
    found: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        tree = ast.parse(path.read_text())
        used = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        for node in used:
            names = [a.name for a in node.names] + ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
            private = [n for n in names if n.split(".")[0] in ("ray", "optuna") and "._" in n]
            assert not private, f"{module} imports {private}"
        named = {getattr(node, key, None) for node in ast.walk(tree) for key in ("attr", "arg", "id")}
        if own := {name for name in named if name in known}:
            found[module] = own
    assert found == PRIVATE
    for module in PRIVATE:
        assert "read in" in (ast.get_docstring(ast.parse(MODULES[module].read_text())) or ""), module


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


RUNTIME = {name: path for name, path in MODULES.items() if name.startswith("automl.runtime")}


@pytest.mark.parametrize("name", sorted(RUNTIME))
def test_the_runtime_stands_alone(name: str) -> None:
    """It becomes predict.py, which needs the standard library, NumPy and, when it runs, onnxruntime."""
    tree = ast.parse(RUNTIME[name].read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {a.name.split(".")[0] for a in node.names} <= {*sys.stdlib_module_names, "numpy", "onnxruntime"}
        elif isinstance(node, ast.ImportFrom) and node.module in RUNTIME.keys() - {"automl.runtime"}:
            assert node in tree.body, "an import of a neighbour stands on top: it falls away there"
            assert not any(a.asname for a in node.names), "what is imported from a neighbour keeps its name"
        elif isinstance(node, ast.ImportFrom):
            assert f"{node.module}".split(".")[0] in sys.stdlib_module_names


def test_sessions_of_onnxruntime_are_opened_in_one_place() -> None:
    """There it is told how many threads it has, and to send nothing to its maker."""
    opening = [name for name, path in MODULES.items() if "InferenceSession" in path.read_text()]
    assert opening == ["automl.runtime.session"]


def test_a_name_has_one_meaning_in_the_runtime() -> None:
    """Whether it is defined or imported: all of its files become one."""
    found: dict[str, set[str]] = {}
    for module, path in RUNTIME.items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                home = node.module if isinstance(node, ast.ImportFrom) else "import"
                meant = {a.asname or a.name: f"{home}.{a.name}" for a in node.names}
            elif isinstance(node, ast.ClassDef | ast.FunctionDef):
                meant = {node.name: f"{module}.{node.name}"}
            else:
                targets = getattr(node, "targets", [getattr(node, "target", None)])
                named = [n.id for target in targets if target for n in ast.walk(target) if isinstance(n, ast.Name)]
                meant = {name: f"{module}.{name}" for name in named}
            for name, meaning in meant.items():
                found.setdefault(name, set()).add(meaning)
    assert {name: meanings for name, meanings in found.items() if len(meanings) > 1} == {}


def test_a_class_name_has_one_meaning() -> None:
    """In the engine and the runners; what is shipped alone has its own words."""
    found: dict[str, list[str]] = {}
    own = {n: p for n, p in MODULES.items() if not n.startswith("automl.search_spaces") and n not in RUNTIME}
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
HOMONYMS = {"text", "dates", "scale", "step", "linear", "brier", "cross_entropy", "pinball", "quantile"}


@pytest.mark.parametrize("name", sorted(n for n in MODULES if not n.startswith("automl.search_spaces")))
def test_the_engine_names_no_option(name: str) -> None:
    options = {option for kind in CLASSES for option in registry.names(kind)} - HOMONYMS
    strings = {n.value for n in ast.walk(ast.parse(MODULES[name].read_text())) if isinstance(n, ast.Constant)}
    assert not options & {s for s in strings if isinstance(s, str)}


LOADED = """
import contextlib, io, sys
from automl.cli import main
found = []
for argv in {commands!r}:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main(argv)
    found.append({{name.partition(".")[0] for name in sys.modules}})
print(found)
"""


def loaded_by(*commands: list[str]) -> list[set[str]]:
    """The packages in memory when each of the commands has come to its end, one after the other in one process."""
    code = LOADED.format(commands=commands)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = ast.literal_eval(done.stdout)
    assert len(found) == len(commands)
    return list(found)


HEAVY = {"torch", "ray", "lightgbm", "catboost", "sklearn", "pandas", "pyarrow", "onnx", "onnxruntime", "optuna"}
FAULTS = {
    "a file that is not there": ["search", "data.train=nosuch.csv"],
    "another one": ["search", "data.train=LICENSE", "data.test=nosuch.csv"],
    "no file": ["search"],
    "a key": ["search", "data.train=LICENSE", "data.tran=x"],
    "an option": ["search", "data.train=LICENSE", "searcher=nosuch"],
    "an option of an option": ["search", "data.train=LICENSE", "scheduler.nosuch=1"],
    "a value of one": ["search", "data.train=LICENSE", "runner=inline", "runner.threads=0"],
    "a part of the space": ["search", "data.train=LICENSE", "space.tables.nosuch=off"],
    "a metric": ["search", "data.train=LICENSE", "metric=nosuch"],
    "a goal": ["search", "data.train=LICENSE", "goals=[score,nosuch]"],
    "a value to measure": ["search", "data.train=LICENSE", "measure=[nosuch]"],
    "a limit": ["search", "data.train=LICENSE", "limits.bytes=-1"],
    "a task": ["search", "data.train=LICENSE", "task=nosuch"],
    "a budget": ["search", "data.train=LICENSE", "budget.seconds=0"],
    "a run": ["resume", "nosuch"],
    "another run": ["export", "nosuch", "-o", "out"],
    "a run for a program": ["torch-export", "nosuch", "-o", "out"],
    "a run to report": ["report", "nosuch"],
    "a contest": ["host", "standings", "nosuch"],
    "a command": ["serach"],
}


def test_what_is_wrong_at_first_sight_is_said_before_anything_heavy_is_loaded() -> None:
    for case, loaded in zip(FAULTS, loaded_by(*FAULTS.values()), strict=True):
        assert loaded & HEAVY == set(), case


def test_what_shows_and_explains_loads_nothing_heavy(tmp_path: Path) -> None:
    Store(str(tmp_path / "leaderboard.db")).close()
    *helps, space, runs = loaded_by(
        ["--help"],
        ["search", "--help"],
        ["space"],
        ["leaderboard", "--runs", "--url", str(tmp_path / "leaderboard.db")],
    )
    for loaded in helps:
        assert loaded & {*HEAVY, "numpy", "hydra"} == set()
    assert (space | runs) & HEAVY == set()
