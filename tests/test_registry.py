"""Options that are none, and what is said about them; feature steps and the order in which they run."""

from pathlib import Path
from typing import Any

import pytest

from automl import registry
from automl.assemble import SpaceConfig, build, described, in_order, task_space
from automl.errors import ConfigError, UnknownNameError
from automl.option import Step
from automl.portfolio import first_candidates
from automl.space import Choice, Defaults, draw
from tests import tasks

WRONG = {
    "no option": ("SPACE = {}", "has no OPTION"),
    "a misspelt one": ("from automl.option import Loss\nOPTON = Loss(space={}, build=print)", "Did you mean 'OPTON'"),
    "another kind": ("from automl.option import Step\nOPTION = Step(space={}, build=print)", r"Loss\(...\).* a Step"),
    "a misspelt part": ("from automl.option import Loss\nOPTION = Loss(spce={}, build=print)", "Did you mean 'space'"),
    "a missing part": ("from automl.option import Loss\nOPTION = Loss(space={})", "needs the part 'build'"),
    "parts without names": ("from automl.option import Loss\nOPTION = Loss({}, print)", "by name, e.g. space="),
    "no target": (
        "from automl.option import Loss\nOPTION = Loss(space={}, build=print, targets=('binry',))",
        "Did you mean 'binary'",
    ),
    "one target": (
        "from automl.option import Loss\nOPTION = Loss(space={}, build=print, targets='binary')",
        "a tuple of names",
    ),
    "no space": ("from automl.option import Loss\nOPTION = Loss(space=3, build=print)", "'space' of Loss is a mapping"),
    "a number in a space": (
        "from automl.option import Loss\nOPTION = Loss(space={'a': {'b': 3}}, build=print)",
        "'a.b' is one of Float, Int, Choice, Constant, Repeat, or a mapping of these; got 3",
    ),
    "a number in a choice": (
        "from automl.option import Loss\nfrom automl.space import Choice\n"
        "OPTION = Loss(space={'a': Choice({'x': {'b': (1, 2)}})}, build=print)",
        r"'a\.x\.b' is one of Float.* got \(1, 2\)",
    ),
    "a name with a dot": (
        "from automl.option import Loss\nfrom automl.space import Int\n"
        "OPTION = Loss(space={'a.b': Int(1, 2)}, build=print)",
        "no name of a parameter",
    ),
    "an empty choice": (
        "from automl.option import Loss\nfrom automl.space import Choice\n"
        "OPTION = Loss(space={'a': Choice([])}, build=print)",
        "at least one option",
    ),
    "an empty range": (
        "from automl.option import Loss\nfrom automl.space import Int\n"
        "OPTION = Loss(space={'a': Int(3, 1)}, build=print)",
        "low <= high",
    ),
    "not Python": ("OPTION =", "cannot be imported: SyntaxError"),
    "another module is missing": ("import no_such_module", "cannot be imported: ModuleNotFoundError"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_an_option_is_said(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, message = WRONG[case]
    name = "wrong_" + case.replace(" ", "_")
    (tmp_path / f"{name}.py").write_text(text + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=message) as raised:
        registry.load("losses", name)
    assert name in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "name", "nearest"),
    [("losses", "focall", "focal"), ("losses", "no.such.loss", "no.such.loss"), ("searchers", "tpee", "tpe")],
)
def test_an_unknown_name_has_a_nearest_one(kind: str, name: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError, match=nearest):
        registry.load(kind, name)


def step(*after: str, **parts: Any) -> Step:
    return Step(space={}, build=print, after=after, **parts)


def test_steps_run_after_those_they_name() -> None:
    steps = {"c": step("b"), "b": step("a"), "a": step(), "first": step(order=1), "last": step("c", "first")}
    assert in_order(steps) == ["first", "a", "b", "c", "last"]
    with pytest.raises(UnknownNameError, match=r"'after' of 'b'.*Did you mean 'aa'"):
        in_order({"b": step("a"), "aa": step()})
    with pytest.raises(ConfigError, match=r"in a circle: .* after "):
        in_order({"a": step("b"), "b": step("a")})


OWN_STEP = '''"""Numbers times a factor."""
from automl.option import Step
from automl.search_spaces.features.scale import Scale
from automl.space import Choice

OPTION = Step(
    space={"method": Choice(["robust", "standard"])},
    build=lambda params, problem: Scale(params["method"]),
    after=("encode",),
    everywhere=EVERYWHERE,
)
'''


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_step_of_ones_own(everywhere: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"own_step_{everywhere}"
    (tmp_path / f"{name}.py").write_text(OWN_STEP.replace("EVERYWHERE", str(everywhere)))
    monkeypatch.syspath_prepend(tmp_path)
    plugins = {"features": [name]}
    if not everywhere:
        with pytest.raises(ConfigError, match="No family takes"):
            described(plugins)
        return
    assert name in described(plugins)["tables"]["linear"]["steps"]
    task = tasks.make("table", "binary")
    space = task_space(task, SpaceConfig(plugins=plugins))
    (point,) = (p for p in first_candidates(space) if p["family"] == "linear")
    assert point[f"family.linear.steps.{name}"] == "on"
    model: Any = build(point, task.problem)
    kinds = [type(s).__name__ for s in model.steps]
    assert kinds.count("Scale") == 2
    assert kinds.index("OneHot") < kinds.index("Scale")
    off = task_space(task, SpaceConfig({"tables": {"linear": {"steps": {name: "off"}}}}, plugins))
    assert isinstance(off["family"], Choice)
    without: Any = build(draw(off, Defaults({"family": "linear"})), task.problem)
    assert [type(s).__name__ for s in without.steps].count("Scale") == 1


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_option_is_found_by_import_path_too(kind: str) -> None:
    name = registry.names(kind)[0]
    module = f"{registry._package(kind).__name__}.{name}"
    assert registry.load(kind, module) is registry.load(kind, name)
