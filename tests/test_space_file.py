"""A space of a person's own in a file: read, composed with the command line, searched over, and refused in words."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl import AutoML, registry
from automl.again import command_of
from automl.assemble import SpaceConfig, build, task_space
from automl.errors import ConfigError, SpaceError
from automl.hydra_app import composed, recomposed
from automl.space import Choice, Constant, Int, Random, Repeat, configure, draw, mutate, scope, validate
from automl.space_file import read
from automl.task import Task
from automl.testing import make_task

EXAMPLE = Path(__file__).parent.parent / "examples" / "own_space.yaml"
REPEATED = {"blocks": Repeat({"kernel": Choice([3, 5]), "width": Int(4, 64)}, Int(1, 4))}


@pytest.fixture(scope="module")
def images() -> Task:
    return make_task("image", "multiclass")


def candidates(task: Task, space: Any, n: int = 20) -> list[dict[str, Any]]:
    whole = task_space(task, SpaceConfig(space))
    rng = np.random.default_rng(0)
    drawn = [draw(whole, Random(rng)) for _ in range(n)]
    drawn += [mutate(whole, params, rng) for params in drawn]
    return [validate(whole, params) for params in drawn]


def check_example(params: dict[str, Any]) -> None:
    assert params["family"] == "conv_stages"
    own = scope(params, "family.conv_stages")
    assert (own["stages.n"], own["stages.0.block"], own["stages.0.depth"]) == (3, "plain", 1)
    assert own["stages.1.block"] in ("residual", "inverted")
    assert own["stages.2.block"] in ("separable", "convnext")
    assert own.get("stages.1.block.inverted.kernel", 3) in (3, 5)
    assert 8 <= own["width"] <= 16


def test_the_example_is_a_space_of_networks(images: Task) -> None:
    drawn = candidates(images, read(EXAMPLE))
    for params in drawn:
        check_example(params)
    assert len({str(params) for params in drawn}) > 20
    for params in drawn[:3]:
        model: Any = build(params, images.problem).model
        assert model.sizes(images.data.x)["parameters"] > 0


def test_the_command_line_changes_what_a_file_says(images: Task) -> None:
    config = composed(["data.train=x", f"space_file={EXAMPLE}", "space.images.conv_stages.width.high=12"])
    for params in candidates(images, config["space"]):
        check_example(params)
        assert params["family.conv_stages.width"] <= 12
    assert config["space_file"] == str(EXAMPLE)


def test_a_run_goes_on_without_the_file_and_its_command_says_it_all(tmp_path: Path, images: Task) -> None:
    file = tmp_path / "my space.yaml"
    file.write_text(EXAMPLE.read_text())
    config = composed(["data.train=y", f"space_file={file}"])
    file.unlink()
    again = recomposed(config, ["budget.seconds=5"])
    assert again["space"] == config["space"]
    program, command, *overrides = shlex.split(command_of(config))
    assert (program, command) == ("automl", "search")
    assert candidates(images, composed(overrides)["space"]) == candidates(images, config["space"])


def test_a_list_gives_each_repetition_a_space_of_its_own() -> None:
    changed = configure(REPEATED, {"blocks": [{"width": 8}, {}, {"kernel": [5], "width": {"low": 16}}]})
    assert changed["blocks"] == {
        "n": Constant(3),
        "0": {"kernel": Choice([3, 5]), "width": Constant(8)},
        "1": dict(REPEATED["blocks"].space),
        "2": {"kernel": Choice([5]), "width": Int(16, 64, default=34)},
    }
    rng = np.random.default_rng(0)
    for _ in range(20):
        params = draw(changed, Random(rng))
        assert validate(REPEATED, params) == params


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            r"'space.images.conv_stages.stages.1.block' has no option 'residul'. Did you mean 'residual'",
            "block: residul",
        ),
        (r"'space.images.conv_stages.stages.1' has no 'blok'. Did you mean 'block'", "blok: [plain]"),
        (r"stages.1.block.inverted' has no 'expansoin'. Did you mean 'expansion'", "block: {inverted: {expansoin: 3}}"),
        (r"stages.1.depth' is a whole number", "depth: 1.5"),
        (r"stages.1.widen'.* low <= high", "widen: {low: 3, high: 2}"),
    ],
)
def test_what_is_wrong_names_its_path(words: str, text: str, tmp_path: Path, images: Task) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(f"images: {{conv_stages: {{stages: [{{}}, {{{text}}}]}}}}")
    for space in (read(file), composed(["data.train=x", f"space_file={file}"])["space"]):
        with pytest.raises(SpaceError, match=words):
            task_space(images, SpaceConfig(space))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("cannot be read: No such file", None),
        ("is no YAML that can be used: .*line 2", "images: {conv_stages: "),
        ("is no YAML that can be used: .*duplicate", "images: {}\nimages: {}"),
        ("it has aliases", "images: &all {conv_stages: off}\ntext: *all"),
        ("nested in more than 60 levels", "images: " + "{a: " * 70 + "1" + "}" * 70),
        ("larger than 10,000,000 bytes", "images: {}\n" + "#" * 10_000_001),
        ("holds parts of the space", "- images"),
        ("holds parts of the space", "images: 3"),
        ("holds parts of the space", "3"),
        ("holds parts of the space", "images"),
    ],
    ids=["absent", "torn", "twice", "aliases", "deep", "large", "a list", "a part", "a number", "a word"],
)
def test_what_is_no_such_file_is_said(words: str, text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        composed(["data.train=x", f"space_file={file}"])


def test_numbers_are_read_as_hydra_reads_them(tmp_path: Path) -> None:
    (file := tmp_path / "space.yaml").write_text("tables: {mlp: {x: 1e-3, y: 1.0e-5, z: 2020-01-01}}")
    assert read(file) == {"tables": {"mlp": {"x": 0.001, "y": 1e-05, "z": "2020-01-01"}}}


def test_an_unknown_part_is_said(tmp_path: Path, images: Task) -> None:
    (file := tmp_path / "space.yaml").write_text("image: {conv_stages: {dropout: 0.1}}")
    with pytest.raises(ConfigError, match="Did you mean 'images'"):
        task_space(images, SpaceConfig(composed(["data.train=x", f"space_file={file}"])["space"]))


def test_python_takes_a_file_too(tmp_path: Path) -> None:
    off = "".join(f", {name}: off" for name in registry.available("tables") if name != "decision_tree")
    (file := tmp_path / "space.yaml").write_text(f"tables: {{decision_tree: {{max_depth: 2}}{off}}}")
    x = np.random.default_rng(0).normal(size=(60, 3))
    model = AutoML(seconds=None, trials=2, folds=2, runner="inline", space=file).fit(x, x[:, 0] > 0)
    assert {
        t.candidate.params["family.decision_tree.max_depth"]
        for t in model.board_.trials
        if t.candidate.id != "baseline"
    } == {2}
