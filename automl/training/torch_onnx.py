"""PyTorch modules as ONNX: traced, which takes a quarter of a second, or else through ``torch.export``.

Tracing freezes whatever Python decided for the example, so a traced model only counts after it has
agreed with the module for batches of one row and of several. ``torch.export`` takes 2 to 10 seconds.
"""

import copy
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from automl.errors import ExportError
from automl.export.graph import OPSET
from automl.quiet import quiet
from automl.runtime.session import open_session
from automl.training.feed import Feed, inputs_of

if TYPE_CHECKING:
    from automl.task import Rows

OUTPUT = "scores"
_TOLERANCE = 1e-4
# The axes of inputs that are open besides the first one, and what pads them.
_OPEN_AXES = {"subwords": {1: "subwords"}}


def export(module: nn.Module, example: "Rows") -> onnx.ModelProto:
    """Return the module in evaluation mode as a model of plain operators, its rows' axis left open.

    ``example``: a few rows. Inputs are named by ``module.inputs``, the one output is ``scores``.
    Raises ``ExportError`` when neither way gives a model that agrees with the module.
    """
    module = copy.deepcopy(module).to("cpu").eval()
    inputs = tuple(part.cpu() for part in Feed(module, example)[slice(None)])
    reasons = []
    for way in (_traced, _exported):
        reason, model = _attempt(way, module, inputs)
        if model is not None:
            return model
        reasons.append(f"{way.__name__.strip('_')}: {reason}")
    raise ExportError(f"The network {type(module).__name__} could not be exported ({'; '.join(reasons)}).")


def open_axes(name: str) -> dict[int, str]:
    """Return which axes of an input are open, and what they are called."""
    return {0: "rows", **_OPEN_AXES.get(name, {})}


def _attempt(
    way: Callable[[nn.Module, tuple[Tensor, ...]], onnx.ModelProto], module: nn.Module, inputs: tuple[Tensor, ...]
) -> tuple[str, onnx.ModelProto | None]:
    try:
        # Gradients stay on: without them, attention would be traced as one fused operator that ONNX lacks.
        with _one_thread():
            with _silence():
                model = _bare(way(module, inputs))
            error = _error(model, module, inputs)
    except Exception as failure:  # PyTorch raises anything at all for an operator it cannot express
        return f"{type(failure).__name__}: {str(failure).strip().splitlines()[0] if str(failure) else ''}", None
    # Written so that NaN does not pass.
    return (f"it differs by {error:.2g}", None) if not error <= _TOLERANCE else ("", model)


def _traced(module: nn.Module, inputs: tuple[Tensor, ...]) -> onnx.ModelProto:
    buffer = io.BytesIO()
    names = [*inputs_of(module), OUTPUT]
    torch.onnx.export(
        module,
        inputs,
        buffer,  # type: ignore[arg-type]  # the annotation forgets buffers
        dynamo=False,
        input_names=names[:-1],
        output_names=[OUTPUT],
        dynamic_axes={name: open_axes(name) for name in names},
        opset_version=OPSET,
    )
    return onnx.load_from_string(buffer.getvalue())


def _exported(module: nn.Module, inputs: tuple[Tensor, ...]) -> onnx.ModelProto:
    program = torch.onnx.export(
        module,
        inputs,
        dynamo=True,
        input_names=list(inputs_of(module)),
        output_names=[OUTPUT],
        dynamic_shapes=tuple(dict.fromkeys(open_axes(name), torch.export.Dim.DYNAMIC) for name in inputs_of(module)),
        opset_version=OPSET,
        external_data=False,
        verbose=False,
    )
    assert program is not None
    return program.model_proto


def _bare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what only the exporter knew (stack traces, shapes on the way); refuse what cannot be inlined."""
    if model.functions or any(a.HasField("g") for node in model.graph.node for a in node.attribute):
        raise ValueError("the model has functions or control flow")
    versions = {o.domain: o.version for o in model.opset_import}
    if versions.get("") != OPSET or any(node.domain for node in model.graph.node):
        raise ValueError(f"the model is not of opset {OPSET} alone")
    for node in model.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    model.graph.ClearField("metadata_props")
    model.ClearField("metadata_props")
    _narrow(model.graph)
    _without_copies(model.graph)
    return model


def _narrow(graph: onnx.GraphProto) -> None:
    """Store float64 constants that float32 can hold as such: the exporter has folded the cast, and doubled the size."""
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.DOUBLE:
            continue
        wide = numpy_helper.to_array(tensor)
        narrow = wide.astype(np.float32)
        if wide.size > 1 and np.array_equal(narrow, wide):
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(narrow, f"{name}_float"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.DOUBLE))
    nodes = [*casts, *graph.node]
    graph.ClearField("node")
    graph.node.extend(nodes)


def _without_copies(graph: onnx.GraphProto) -> None:
    """Let nodes take weights themselves: the exporter hands those that are used several times on by ``Identity``."""
    weights = {tensor.name for tensor in graph.initializer}
    copies = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "Identity" and n.input[0] in weights}
    for output in graph.output:
        copies.pop(output.name, None)
    nodes = [node for node in graph.node if node.output[0] not in copies]
    for node in nodes:
        for i, name in enumerate(node.input):
            node.input[i] = copies.get(name, name)
    graph.ClearField("node")
    graph.node.extend(nodes)


def _error(model: onnx.ModelProto, module: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """Return the largest difference, relative above 1, for one row, two, and all: also padded, where axes are open."""
    session = open_session(model.SerializeToString(), threads=1)
    known = {i.name for i in session.get_inputs()}
    worst = 0.0
    batches = [tuple(x[:1] for x in inputs), tuple(torch.cat([x, x])[:2] for x in inputs), inputs]
    names = inputs_of(module)
    if any(name in _OPEN_AXES for name in names):
        padded = (functional.pad(x, (0, 3)) if name in _OPEN_AXES else x for name, x in zip(names, inputs, strict=True))
        batches.append(tuple(padded))
    for batch in batches:
        feeds = {n: x.numpy() for n, x in zip(names, batch, strict=True) if n in known}
        (got,) = session.run([OUTPUT], feeds)
        with torch.no_grad():
            wanted = module(*batch).numpy()
        if got.shape != wanted.shape:
            return float("inf")
        worst = max(worst, float(np.max(np.abs(got - wanted) / np.maximum(1, np.abs(wanted)))))
    return worst


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: a few rows are all there is to compute, and to share them takes four times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the exporters' warnings and logs to themselves."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with quiet():
            yield
    finally:
        logger.setLevel(level)
