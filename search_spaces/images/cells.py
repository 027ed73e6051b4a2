"""Networks of one cell that is repeated: the cell is a graph, and what is searched is the operation on each edge of it.

Node 0 of a cell is what comes in; there is an edge from each node to each later one, a node is the sum of what its
edges bring, and the last one goes out. The option ``nas_bench_201`` is the space of NAS-Bench-201 (Dong and Yang 2020,
arXiv:2001.00326): 4 nodes, 6 edges, 5 operations, 15,625 cells. ``wide`` has a node and three operations more.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from automl.option import TARGETS, Family
from automl.search_spaces.images.blocks import AROUND, TRAINING, TRANSITION, adapt, around
from automl.space import Choice, Float, Int, Params, Repeat, Space, scope
from automl.task import present

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem, Rows
    from automl.types import Model

NAS_BENCH_201 = ("none", "skip", "conv_1x1", "conv_3x3", "avg_pool_3x3")
WIDE = (*NAS_BENCH_201, "separable_3x3", "separable_5x5", "max_pool_3x3")


def cell(nodes: int, operations: Sequence[str], first: Mapping[tuple[int, int], str]) -> Space:
    """Return the space of cells of ``nodes`` nodes: at ``2.from_0`` the operation on the edge from node 0 to node 2.

    ``first``: the operations of the cell that is tried first; edges that it lacks begin with the first one there is.
    """
    return {
        str(end): {f"from_{start}": Choice(operations, first.get((start, end))) for start in range(end)}
        for end in range(1, nodes)
    }


SPACE: Space = {
    "width": Int(8, 64, log=True, default=16),
    "first_size": Int(12, 64, log=True, default=16),
    "cell": Choice(
        {
            "nas_bench_201": cell(
                4, NAS_BENCH_201, {(0, 1): "conv_3x3", (1, 2): "conv_3x3", (0, 3): "skip", (2, 3): "skip"}
            ),
            "wide": cell(5, WIDE, {(0, 1): "separable_3x3", (1, 2): "separable_5x5", (0, 4): "skip", (2, 4): "skip"}),
        }
    ),
    "stages": Repeat(
        {"cells": Int(1, 5, log=True, default=1), "widen": Float(1.0, 4.0, log=True, default=2.0)}, Int(2, 4, default=3)
    ),
    "transition": TRANSITION,
    **AROUND,
}


def build(params: Params, problem: "Problem") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    from automl.training.network import Network

    return Network(partial(make_module, params), params, problem)


def make_module(params: Params, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for images like those of ``x``, (n, h, w, c)."""
    from automl.search_spaces.images import _cells, _network
    from automl.training.layers import ACTIVATIONS

    height, width_pixels, channels = present(x.image).shape[1:]
    norm, activation = params["norm"], params["activation"]
    width = _network.round_width(params["width"])
    stem, size = _network.stem(channels, width, max(height, width_pixels), params["first_size"], norm)
    edges, last = _edges(scope(params, f"cell.{params['cell']}"))
    layers: list[nn.Module] = [stem]
    exact = float(width)
    for i in range(params["stages.n"]):
        stage = scope(params, f"stages.{i}")
        if i:
            exact *= stage["widen"]
            wider, how = _network.round_width(exact), params["transition"]
            transition, size = _network.transition(width, wider, size, how, norm, activation)
            layers += [ACTIVATIONS[activation](), transition]
            width = wider
        layers += [_cells.Cell(edges, last, width, norm, activation) for _ in range(stage["cells"])]
    layers += [_network.make_norm(norm, width), ACTIVATIONS[activation]()]
    return around(layers, width, params, x, n_outputs)


def _edges(params: Params) -> tuple[list[tuple[int, int, str]], int]:
    """Return the edges that are there, and the last node."""
    found = []
    for path, operation in params.items():
        end, _, start = path.partition(".from_")
        found.append((int(start), int(end), operation))
    return [edge for edge in found if edge[2] != "none"], max(end for _, end, _ in found)


OPTION = Family(space=SPACE, build=build, targets=TARGETS, network=TRAINING, adapt=adapt)
