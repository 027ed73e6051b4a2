"""A PyTorch module as a ``Model``: prediction, export, what it costs, how it is saved.

PyTorch is imported when a model is used, so that its space can be read without it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from automl import alarm
from automl.errors import TrialError
from automl.goals import COUNTED

if TYPE_CHECKING:
    import numpy as np
    import onnx
    import torch

    from automl.export.graph import Graph
    from automl.figures.network import Diagram
    from automl.target import Head
    from automl.task import Problem, Rows
    from automl.training.test_time import View


class TorchModel:
    """What all models around a PyTorch module are, however it is fitted.

    ``make_module(x, width)``: a picklable callable that builds the module from the training
    rows. The module names the fields of ``Rows`` it takes in ``inputs``; ``forward(*tensors)`` returns
    raw outputs (b, width), or (b, members, width) of members that answer each for itself. Tensors:
    numeric, sparse, image (b, h, w, c) and sequence float32 in their raw range; categories, subwords (b, longest of
    them) and lengths int64. It may say in ``widens`` by how much inner layers are wider than the input, where that is
    much: then fewer rows are answered at once. Where it has a method ``settled()``, this returns the module that is
    shipped: one that answers the same, with all that does not depend on the rows computed before.

    ``module`` stays on the CPU; ``head`` makes predictions of its raw outputs; ``example`` keeps four training rows,
    which the exporter needs; ``views``: what its answers are averaged over (see ``test_time``), none for the row alone.
    """

    state_is_data = True  # ``automl.model_file`` takes the module apart by itself
    views: tuple[View, ...] = ()

    def __init__(self, make_module: Callable[[Rows, int], torch.nn.Module], problem: Problem) -> None:
        self.make_module = make_module
        self.problem = problem
        self.module: torch.nn.Module | None = None
        self.head: Head
        self.example: Rows | None = None

    @property
    def fitted(self) -> torch.nn.Module:
        """The module; raises ``RuntimeError`` before ``fit``."""
        if self.module is None:
            raise RuntimeError("The network has no weights yet: call fit first.")
        return self.module

    @property
    def settled(self) -> torch.nn.Module:
        """The fitted module as it is shipped."""
        module = _settled(self.fitted)
        if not self.views:
            return module
        from automl.training.test_time import Averaged

        return Averaged(module, self.views)

    def sizes(self, x: Rows, names: Collection[str] = COUNTED) -> dict[str, float]:
        """Return what the module costs, or would before a fit, for rows like those of ``x``; see ``training.sizes``."""
        from automl.training import sizes

        row = x.take(slice(0, 1))
        if self.module is not None:
            return sizes.of_module(self.settled, row, names)
        look = partial(sizes.of_module, row=row, names=names)
        return sizes.planned(lambda: _settled(self.make_module(x, self.n_outputs)), look)

    def diagram(self, x: Rows | None = None) -> Diagram:
        """Return the module's layers with their shapes and costs; before a fit, those for rows like ``x``."""
        from automl.training import diagram, sizes

        if self.module is not None and self.example is not None:
            return diagram.of_module(_settled(self.fitted), self.example.take(slice(0, 1)))
        assert x is not None
        look = partial(diagram.of_module, row=x.take(slice(0, 1)))
        return sizes.planned(lambda: _settled(self.make_module(x, self.n_outputs)), look)

    @property
    def n_outputs(self) -> int:
        """How many raw outputs the module has."""
        return self.problem.target.width

    def _check_sizes(self, x: Rows) -> None:
        """Raise ``TrialError`` where the module is larger than is allowed."""
        limited = self.problem.limits.keys() & set(COUNTED)
        if not limited:  # what else is limited is measured after a fit
            return
        for name, value in self.sizes(x, limited).items():
            if value > self.problem.limits.get(name, math.inf):
                raise TrialError(
                    f"limits.{name} is {self.problem.limits[name]:,.6g}; this network has {value:,.6g}, and was not "
                    "trained. Raise the limit, or narrow the space."
                )

    def scores(self, x: Rows) -> np.ndarray:
        """Return the module's raw outputs, float32; see ``Head``."""
        from automl.training import feed

        with alarm.whole():
            self._prepare()
            return feed.scores(self.settled, x)

    def predict(self, x: Rows) -> np.ndarray:
        """Return (n, width) probabilities, or values on the target's own scale."""
        return self.head.predict(self.scores(x))

    def with_module(self, module: torch.nn.Module | None) -> Self:
        """Return a model that is the same but for its fitted module."""
        other = object.__new__(type(self))  # copy.copy would pack the module
        other.__dict__ |= self.__dict__ | {"module": module}
        return other

    def module_onnx(self) -> onnx.ModelProto:
        """Return the module alone as ONNX: inputs named by the fields of ``Rows``, one output of raw scores."""
        from automl.training import torch_onnx

        assert self.example is not None
        return torch_onnx.export(self.settled, self.example)

    def to_onnx(self, graph: Graph, inputs: Mapping[str, str]) -> str:
        """Add the network to ``graph``; see ``types.Model``."""
        return self.inline(graph, self.module_onnx(), inputs)

    def inline(self, graph: Graph, module: onnx.ModelProto, inputs: Mapping[str, str]) -> str:
        """Add the module as ONNX, and the head behind it; return the output's name."""
        (raw,) = graph.inline(module, inputs)
        members = len(module.graph.output[0].type.tensor_type.shape.dim) == 3
        return self.head.emit(graph, raw, members)

    def _prepare(self, seed: bool = False) -> None:
        import torch

        torch.set_num_threads(max(1, self.problem.threads))
        if seed:
            torch.manual_seed(self.problem.seed)

    def __getstate__(self) -> dict[str, Any]:
        """Save the module as one archive: pickling its tensors one by one costs a kilobyte each."""
        state = dict(self.__dict__)
        if self.module is not None:
            import torch

            buffer = io.BytesIO()
            torch.save(self.module, buffer)
            state["module"] = buffer.getvalue()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self.module, bytes):
            import torch

            self.module = torch.load(io.BytesIO(self.module), map_location="cpu", weights_only=False)


def _settled(module: torch.nn.Module) -> torch.nn.Module:
    return module.settled() if hasattr(module, "settled") else module  # type: ignore[operator, no-any-return]
