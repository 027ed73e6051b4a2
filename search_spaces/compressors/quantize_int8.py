"""Weights, and where it applies activations, as 8-bit integers (Jacob et al. 2018, arXiv:1712.05877).

Convolutions and matrix products get QuantizeLinear/DequantizeLinear pairs whose ranges are calibrated
on training rows; recurrent layers keep float activations and store integer weights. A quarter of the
size; whether it is faster depends on the processor.
"""

import contextlib
import io
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.option import Compressor
from automl.runtime.session import open_session
from automl.space import Choice, Params

if TYPE_CHECKING:
    import onnx

    from automl.export.graph import Graph
    from automl.task import Batch, Problem, Rows
    from automl.training.network import Network
    from automl.types import Model

# "float" activations: only the weights are integers.
SPACE = {"activations": Choice({"int8": {"range": Choice(["minmax", "percentile"])}, "float": {}})}
_MULTIPLIED = ("Conv", "Gemm", "MatMul")
_RECURRENT = ("GRU", "LSTM")
_N_CALIBRATION = 256
_CALIBRATION_BATCH = 32
_LEAST_VALUES = 256  # a smaller array is not worth its scales


def build(params: Params, problem: "Problem") -> "QuantizeInt8":
    """Return the compressor for ``params``."""
    return QuantizeInt8(params, problem)


class QuantizeInt8:
    """Turns a fitted ``Network`` into a ``QuantizedNetwork``; see ``types.ModelCompressor``."""

    def __init__(self, params: Params, problem: "Problem") -> None:
        self.params = params
        self.seed = problem.seed

    def compress(self, model: "Model", train: "Batch") -> "QuantizedNetwork | None":
        """Return the quantised network; None for what is no network or has no large weights."""
        from automl.training.network import Network

        if not isinstance(model, Network):
            return None
        before = model.module_onnx()
        after = before
        if self.params["activations"] == "int8" and any(node.op_type in _MULTIPLIED for node in before.graph.node):
            index = np.random.default_rng(self.seed).permutation(len(train))[:_N_CALIBRATION]
            # The histograms need batches of one size.
            index = index[: max(1, len(index) // _CALIBRATION_BATCH) * _CALIBRATION_BATCH]
            after = _with_integer_activations(before, model, train.x.take(index), self.params["activations.int8.range"])
        after = _with_integer_weights(after)
        return QuantizedNetwork(model, after) if after.ByteSize() < before.ByteSize() else None


class QuantizedNetwork:
    """A network whose module is a quantised ONNX model, run by onnxruntime; otherwise the network it came from."""

    def __init__(self, network: "Network", model: "onnx.ModelProto") -> None:
        module: Any = network.fitted
        self.inputs: tuple[str, ...] = tuple(module.inputs)
        self.network = network.with_module(None)
        self.model_bytes = model.SerializeToString()
        self._session: Any = None

    def fit(self, train: "Batch", valid: "Batch") -> Iterator[float]:
        """Refuse: only a fitted network is quantised."""
        raise RuntimeError("A quantised network cannot be fitted: fit the network, then quantise it.")

    def predict(self, x: "Rows") -> np.ndarray:
        """Return (n, width) probabilities, or values on the target's own scale."""
        if self._session is None:
            self._session = open_session(self.model_bytes, max(1, self.network.problem.threads))
        scores = [self._session.run(None, feeds)[0] for feeds in _feeds(self, x, _taken(self._session))]
        return self.network.head.predict(np.concatenate(scores))

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        """Add the quantised network to ``graph``; see ``types.Model``."""
        import onnx

        own = {name: inputs[name] for name in self.inputs}
        return self.network.inline(graph, onnx.load_from_string(self.model_bytes), own)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_session": None}


def _taken(session: Any) -> tuple[str, ...]:
    return tuple(given.name for given in session.get_inputs())


def _feeds(module: Any, x: "Rows", taken: tuple[str, ...], size: int | None = None) -> Iterator[dict[str, np.ndarray]]:
    """Yield what onnxruntime is given, slice by slice; ``module.inputs`` names the fields of ``x``."""
    from automl.training.feed import Feed

    feed = Feed(module, x)
    for rows in feed.slices() if size is None else (slice(i, i + size) for i in range(0, len(x), size)):
        tensors = dict(zip(feed.names, feed[rows], strict=True))
        yield {name: tensors[name].cpu().numpy() for name in taken}


def _with_integer_activations(
    model: "onnx.ModelProto", network: "Network", x: "Rows", limits: str
) -> "onnx.ModelProto":
    """Quantise convolutions and products with activation ranges seen on ``x``: the extremes, or a high percentile."""
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    taken = tuple(given.name for given in model.graph.input)

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.feeds = _feeds(network.module, x, taken, _CALIBRATION_BATCH)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.feeds, None)

    # The exporter has folded constants already; the mark says so to the quantiser, which works in place.
    prepared = onnx.ModelProto()
    prepared.CopyFrom(model)
    onnx.helper.set_model_props(prepared, {"onnx.quant.pre_process": "onnxruntime.quant"})
    method = CalibrationMethod.MinMax if limits == "minmax" else CalibrationMethod.Percentile
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder) / "model.onnx"
        # 7-bit weights: processors without VNNI saturate sums of unsigned and signed 8-bit products.
        quantize_static(
            prepared,
            path,
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_MULTIPLIED),
            nodes_to_exclude=_stacked_products(prepared),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=method,
            calibration_providers=["CPUExecutionProvider"],
        )
        return onnx.load(path)


def _stacked_products(model: "onnx.ModelProto") -> list[str]:
    """Name the products with a stack of matrices: they have no integer kernel with a scale per channel."""
    stacked = {tensor.name for tensor in model.graph.initializer if len(tensor.dims) > 2}
    return [node.name for node in model.graph.node if node.op_type == "MatMul" and stacked & set(node.input)]


def _with_integer_weights(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """Store float weights of products and recurrent layers as int8 with a scale per output, and DequantizeLinear."""
    import onnx
    from onnx import helper, numpy_helper

    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    axes: dict[str, int] = {}
    for node in graph.node:
        for name in node.input[1:3]:
            if node.op_type in (*_MULTIPLIED, *_RECURRENT):
                axes.setdefault(name, _output_axis(node))
    nodes = []
    for tensor in list(graph.initializer):
        array = numpy_helper.to_array(tensor)
        if tensor.name not in axes or array.dtype != np.float32 or array.ndim < 2 or array.size < _LEAST_VALUES:
            continue
        axis = axes[tensor.name] % array.ndim
        others = tuple(i for i in range(array.ndim) if i != axis)
        scale = np.maximum(np.abs(array).max(axis=others) / 127, 1e-12).astype(np.float32)
        codes = np.rint(array / np.expand_dims(scale, others)).astype(np.int8)
        graph.initializer.remove(tensor)
        parts = {f"{tensor.name}_codes": codes, f"{tensor.name}_scale": scale}
        graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in parts.items())
        nodes.append(
            helper.make_node("DequantizeLinear", list(parts), [tensor.name], axis=axis, name=f"{tensor.name}_float")
        )
    kept = list(graph.node)
    graph.ClearField("node")
    graph.ClearField("value_info")
    graph.node.extend([*nodes, *kept])
    return result


def _output_axis(node: "onnx.NodeProto") -> int:
    """Return the axis of a weight that runs over the outputs."""
    if node.op_type == "MatMul":
        return -1
    transposed = any(a.name == "transB" and a.i for a in node.attribute)
    return {"Conv": 0, "Gemm": 0 if transposed else 1}.get(node.op_type, 1)  # GRU, LSTM: (directions, gates, inputs)


OPTION = Compressor(space=SPACE, build=build, order=20)
