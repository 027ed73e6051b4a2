"""Cells: graphs are what the space says, what leads nowhere is left out, every operation learns and exports."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from automl.assemble import task_space
from automl.search_spaces.images import _cells, cells
from automl.space import Choice, Defaults, Params, Random, draw
from automl.task import Rows
from tests.search_spaces.networks import assert_exports, fitted, n_weights
from tests.search_spaces.test_image_families import digits

NONE = {"1.from_0": "none", "2.from_0": "none", "2.from_1": "none"} | {f"3.from_{i}": "none" for i in range(3)}


def params(**changes: object) -> Params:
    return draw(task_space(digits())["family"].options["cells"], Defaults({"width": 8, **changes}))


def of_edges(**edges: str) -> Params:
    """A network of cells that have these edges alone, as in ``_1_from_0``."""
    named = NONE | {edge.strip("_").replace("_", ".", 1): operation for edge, operation in edges.items()}
    return params(**{f"cell.nas_bench_201.{path}": operation for path, operation in named.items()})


def module(drawn: Params) -> Any:
    return cells.make_module(drawn, digits().data.x.take(slice(0, 4)), 10).eval()


def n_convolutions(net: torch.nn.Module) -> int:
    inside = [cell for cell in net.modules() if isinstance(cell, _cells.Cell)]
    return sum(isinstance(part, torch.nn.Conv2d) for cell in inside for part in cell.modules())


def test_nas_bench_201_is_a_setting_of_the_space() -> None:
    nodes: Any = cells.cell(4, cells.NAS_BENCH_201, {})
    edges = [choice for node in nodes.values() for choice in node.values()]
    assert [list(node) for node in nodes.values()] == [
        ["from_0"],
        ["from_0", "from_1"],
        ["from_0", "from_1", "from_2"],
    ]
    assert math.prod(len(edge.options) for edge in edges) == 15_625
    assert params()["cell"] == "nas_bench_201"


@pytest.mark.parametrize("norm", ["batch", "group", "none"])
@pytest.mark.parametrize("operation", _cells.OPERATIONS)
def test_every_operation_learns_and_exports(operation: str, norm: str) -> None:
    task, changes = digits(), {f"cell.wide.2.from_{i}": operation for i in range(2)}
    model: Any = fitted(cells, params(cell="wide", norm=norm, **changes), task, rows=slice(0, 40))
    assert_exports(model, task.data.x.take(slice(0, 64)))


@pytest.mark.parametrize(
    ("name", "option"),
    [(name, option) for name, domain in cells.SPACE.items() if isinstance(domain, Choice) for option in domain.options],
)
def test_every_option_exports(name: str, option: object) -> None:
    task = digits()
    assert_exports(fitted(cells, params(**{name: option}), task, rows=slice(0, 40)), task.data.x.take(slice(0, 64)))


def test_what_is_on_no_way_through_a_cell_is_left_out() -> None:
    edges = [(0, 1, "a"), (1, 2, "b"), (0, 3, "c"), (2, 4, "d"), (3, 5, "e"), (0, 5, "f")]
    assert _cells.on_a_way(edges, 5) == [(0, 3, "c"), (0, 5, "f"), (3, 5, "e")]
    assert _cells.on_a_way(edges, 4) == [(0, 1, "a"), (1, 2, "b"), (2, 4, "d")]
    assert _cells.on_a_way([(1, 2, "b")], 2) == []
    # Two of the three convolutions lead nowhere: one has no beginning, one no end.
    net = module(of_edges(_1_from_0="conv_3x3", _3_from_0="skip", _3_from_2="conv_3x3", _2_from_1="none"))
    assert n_convolutions(net) == 0
    assert n_convolutions(module(of_edges(_1_from_0="conv_3x3", _3_from_1="conv_1x1"))) == 3 * 2


def test_a_cell_through_which_there_is_no_way_changes_nothing() -> None:
    x = torch.randn(2, 8, 5, 5)
    assert _cells.Cell([(0, 1, "conv_3x3")], 3, 8, "batch", "relu")(x) is x


def test_a_node_is_the_sum_of_its_edges() -> None:
    x = torch.randn(2, 8, 5, 6)
    cell = _cells.Cell([(0, 1, "avg_pool_3x3"), (0, 2, "skip"), (1, 2, "skip")], 2, 8, "batch", "relu")
    pooled = torch.nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    torch.testing.assert_close(cell(x), x + pooled)


def test_cells_and_widths_grow_the_network() -> None:
    small = n_weights(module(params()))
    assert n_weights(module(params(**{"stages.1.cells": 3}))) > small < n_weights(module(params(width=32)))


def test_random_candidates_build_and_answer() -> None:
    rng = np.random.default_rng(0)
    for shape in [(9, 14, 3), (5, 5, 1), (70, 40, 2)]:
        x = Rows(image=rng.integers(0, 255, (3, *shape)).astype(np.uint8))
        for _ in range(4):
            net = cells.make_module(draw(cells.SPACE, Random(rng)), x, 4).eval()
            assert net(torch.tensor(x.image).float()).shape == (3, 4)
