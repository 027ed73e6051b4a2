"""Networks as diagrams: right in their shapes and costs, kept with a trial, shown by the command line and in Python."""

import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from automl import AutoML
from automl.assemble import SpaceConfig, build, networks, task_space
from automl.cli import main
from automl.errors import AutoMLError, ConfigError, UnknownNameError
from automl.figures.network import Diagram
from automl.model_store import ModelStore
from automl.preview import preview
from automl.space import Choice, Defaults, Random, draw
from automl.task import Rows, Task
from automl.testing import make_task
from automl.training.diagram import of_module
from automl.training.objective import FitFolds
from automl.types import Candidate

KINDS = {"image": ("images", (10, 10, 3)), "sequence": ("sequences", (12, 3))}


@cache
def task_of(kind: Any) -> Task:
    return make_task(kind, "multiclass")


FAMILIES = [(kind, name) for kind in KINDS for name in networks(task_space(task_of(kind)), task_of(kind))]


def candidate(kind: str, family: str, seed: int | None = None) -> dict[str, Any]:
    choice = task_space(task_of(kind))["family"]
    assert isinstance(choice, Choice)
    answers = Defaults() if seed is None else Random(np.random.default_rng(seed))
    return draw({"family": Choice({family: choice.options[family]})}, answers)


def leaves(diagram: Diagram) -> list[Diagram]:
    return [leaf for part in diagram.parts for leaf in leaves(part)] if diagram.parts else [diagram]


@pytest.mark.parametrize(("kind", "family"), FAMILIES)
def test_a_diagram_says_what_a_network_costs_before_it_is_trained(kind: str, family: str) -> None:
    x = task_of(kind).data.x
    for seed in (None, 0, 1):
        network: Any = build(candidate(kind, family, seed), task_of(kind).problem).model
        diagram, sizes = network.diagram(x), network.sizes(x)
        assert (diagram.parameters, diagram.multiply_adds) == (sizes["parameters"], sizes["multiply_adds"])
        assert diagram.shape == (3,)
        assert sum(leaf.multiply_adds for leaf in leaves(diagram)) <= diagram.multiply_adds
        assert Diagram.from_dict(diagram.to_dict()) == diagram
        lines = str(diagram).splitlines()
        assert lines[-1] == diagram.total
        assert f"{diagram.parameters:,} parameters" in lines[-1]
        texts = [e.text for e in ElementTree.fromstring(diagram.svg()).iter() if e.tag.endswith("text")]
        assert diagram.title in texts
        assert len(texts) == 4 * (len(lines) - 3) + 1


class Both(nn.Module):
    """Two ways that meet, a part that is used twice, one that changes nothing, and one that gives a tuple."""

    inputs = ("numeric",)

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.drop = nn.Linear(6, 6), nn.Dropout(0.5)
        self.ways = nn.ModuleList([nn.Sequential(nn.Linear(6, 2, bias=False), nn.ReLU()), nn.Identity()])
        self.cell = nn.GRU(1, 4, batch_first=True)

    def forward(self, x: Any) -> Any:
        x = self.ways[1](self.drop(self.shared(self.shared(x))))
        return self.ways[0](x), self.cell(x[:, :, None])[0][:, -1]


def test_what_is_called_is_shown_in_its_order() -> None:
    diagram = of_module(Both(), Rows(numeric=np.zeros((1, 6), np.float32)))
    assert [part.title for part in diagram.parts] == [
        "Linear 6 → 6",
        "Linear 6 → 6",
        "Linear 6 → 2",
        "ReLU",
        "GRU 1 → 4",
    ]
    assert [part.shape for part in diagram.parts] == [(6,), (6,), (2,), (2,), (6, 4)]
    assert [part.parameters for part in diagram.parts] == [42, 42, 12, 0, 84]
    assert [part.multiply_adds for part in diagram.parts[:3]] == [36, 36, 12]
    assert diagram.activation_bytes == 4 * (6 + 6 + 2 + 2 + 24)


def test_names_are_shown_as_text() -> None:
    hostile = Diagram("<script>&\x1b[31m", '"><b', (1,), 0, 0)
    texts = [e.text for e in ElementTree.fromstring(hostile.svg()).iter() if e.tag.endswith("text")]
    assert texts[0] == hostile.title
    assert "\x1b" not in str(hostile)
    assert "<script" not in hostile.svg()


def test_a_trial_of_a_network_leaves_its_diagram_and_others_none(tmp_path: Path) -> None:
    store, task = ModelStore(str(tmp_path / "trials")), task_of("sequence")
    store.create()
    params = {**candidate("sequence", "recurrent"), "family.recurrent.epochs": 1}
    *_, ended = FitFolds(task, store)(Candidate("7", params), 1, None)
    model: Any = store.model(ended.folds[0]).model
    assert store.diagram("7") == model.diagram() == model.diagram(task.data.x)
    (file,) = (tmp_path / "trials" / "7").glob("*.json")
    for damaged in (
        "{}",
        "[]",
        "{",
        '{"kind": 1, "detail": 2, "shape": 3, "parameters": 4, "multiply_adds": 5, "parts": 6}',
    ):
        file.write_text(damaged)
        assert store.diagram("7") is None
    store.drop("7")
    assert store.diagram("7") is None


def test_a_model_shows_its_networks() -> None:
    task = task_of("sequence")
    space = {"sequences": {"recurrent": {"epochs": 1, "hidden": 16}, "options": ["recurrent"]}}
    x, y = task.data.x, task.data.y
    model = AutoML(seconds=None, trials=2, folds=2, runner="inline", space=space).fit(x.sequence, y, lengths=x.lengths)
    best = model.plot.network()
    assert best.kind == "SequenceNet"
    assert {model.plot.network(trial.candidate.id) for trial in model.board_.trials} >= {best}
    with pytest.raises(UnknownNameError, match="trial '77'"):
        model.plot.network(77)


def test_what_is_no_network_is_said() -> None:
    x = np.random.default_rng(0).normal(size=(40, 2))
    model = AutoML(seconds=None, trials=1, folds=2, runner="inline", space={"tables": ["decision_tree"]}).fit(
        x, x[:, 0] > 0
    )
    with pytest.raises(ConfigError, match="No model of the ensemble is a network"):
        model.plot.network()
    with pytest.raises(ConfigError, match="is no network"):
        model.plot.network(0)


@pytest.mark.parametrize(("kind", "family"), FAMILIES)
def test_a_network_is_seen_before_there_is_data(kind: str, family: str) -> None:
    folder, shape = KINDS[kind]
    first = preview(f"{folder}.{family}", SpaceConfig(), shape, 3)
    other = preview(f"{folder}.{family}", SpaceConfig(), shape, 0, seed=4)
    assert first.shape == (3,)
    assert other.shape in ((1,), (2,))  # some losses of values take two outputs
    assert first != other


def test_the_command_prints_and_draws_a_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "network.svg"
    main(
        ["space", "sequences.recurrent", "--network", "20,2", "space.sequences.recurrent.hidden=24", "--svg", str(file)]
    )
    printed = capsys.readouterr().out
    assert "SequenceNet" in printed
    assert " → 24" in printed
    assert ElementTree.fromstring(file.read_text()).tag.endswith("svg")


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("Did you mean 'recurrent'", ["sequences.recurent", "--network", "20,2"]),
        ("Did you mean 'images'", ["image.conv_stages", "--network", "20,2"]),
        ("is steps,channels; got 20", ["sequences.recurrent", "--network", "20"]),
        ("got '20x2'", ["sequences.recurrent", "--network", "20x2"]),
        ("2 or more", ["sequences.recurrent", "--network", "20,2", "--classes", "1"]),
    ],
)
def test_what_cannot_be_drawn_is_said(words: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((SystemExit, AutoMLError)):
        main(["space", *arguments])
    assert words in capsys.readouterr().err
