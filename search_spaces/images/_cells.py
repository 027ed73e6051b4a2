"""A cell: a directed acyclic graph of operations that leave the size of images and their number of channels."""

from collections.abc import Callable, Collection
from functools import partial

from torch import Tensor, nn

from automl.search_spaces.images._network import conv_norm
from automl.training.layers import ACTIVATIONS

Edge = tuple[int, int, str]  # from a node, to a later one, by an operation


def _conv(kernel: int, width: int, norm: str, activation: str) -> nn.Sequential:
    return nn.Sequential(ACTIVATIONS[activation](), conv_norm(width, width, kernel, norm))


def _separable(kernel: int, width: int, norm: str, activation: str) -> nn.Sequential:
    depthwise = conv_norm(width, width, kernel, norm, groups=width)
    return nn.Sequential(ACTIVATIONS[activation](), depthwise, *_conv(1, width, norm, activation))


# From the width, the norm and the activation, which comes first.
OPERATIONS: dict[str, Callable[[int, str, str], nn.Module]] = {
    "skip": lambda width, norm, activation: nn.Identity(),
    "conv_1x1": partial(_conv, 1),
    "conv_3x3": partial(_conv, 3),
    "separable_3x3": partial(_separable, 3),
    "separable_5x5": partial(_separable, 5),
    "avg_pool_3x3": lambda width, norm, activation: nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    "max_pool_3x3": lambda width, norm, activation: nn.MaxPool2d(3, 1, 1),
}


class Cell(nn.Module):
    """Nodes that are sums: node 0 is what comes in, the last one what comes out, and each edge is an operation.

    ``edges``: those that are there, of a graph with the nodes 0 to ``last``. What lies on no way from the first node to
    the last one is left out; where there is no such way, what comes in goes out.

    Shape: (b, width, h, w) -> the same.
    """

    def __init__(self, edges: Collection[Edge], last: int, width: int, norm: str, activation: str) -> None:
        super().__init__()
        kept = on_a_way(edges, last) or [(0, last, "skip")]
        self.last = last
        self.ends = [(start, end) for start, end, _ in kept]
        self.operations = nn.ModuleList(OPERATIONS[name](width, norm, activation) for _, _, name in kept)

    def forward(self, x: Tensor) -> Tensor:
        nodes = {0: x}
        for (start, end), operation in zip(self.ends, self.operations, strict=True):
            found = operation(nodes[start])
            nodes[end] = nodes[end] + found if end in nodes else found
        return nodes[self.last]


def on_a_way(edges: Collection[Edge], last: int) -> list[Edge]:
    """Return the edges on a way from node 0 to the node ``last``, those into a node before those out of it."""
    ordered = sorted(edges, key=lambda edge: (edge[1], edge[0]))
    reached, needed = {0}, {last}
    for start, end, _ in ordered:
        if start in reached:
            reached.add(end)
    for start, end, _ in reversed(ordered):
        if end in needed:
            needed.add(start)
    return [edge for edge in ordered if edge[0] in reached and edge[1] in needed]
