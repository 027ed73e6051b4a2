"""A small builder of ONNX graphs: every model and feature step writes itself into one of these."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
ML_OPSET = 5  # onnxruntime 1.21 and newer
ML = "ai.onnx.ml"
IR_VERSION = 10


class Graph:
    """Collects nodes and constants; tensors are handed around by name.

    The first axis of every input is the number of rows and is left open.
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._by_value: dict[tuple[Any, ...], str] = {}
        self._count = 0

    def input(self, name: str, dtype: Any, shape: Sequence[int | str]) -> str:
        """Declare an input of the whole graph; ``dtype`` is a NumPy dtype, or ``str`` for text."""
        kind = TensorProto.STRING if dtype is str else helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._inputs.append(helper.make_tensor_value_info(name, kind, ["rows", *shape]))
        return name

    def constant(self, value: Any) -> str:
        """Add an array once, however often it is asked for. float64 is stored as float32."""
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype == np.float64 else np.ascontiguousarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._by_value:
            name = self._fresh("c")
            self._constants[name] = numpy_helper.from_array(array, name)
            self._by_value[key] = name
        return self._by_value[key]

    def double(self, value: Any) -> str:
        """Add numbers for computations in float64; they are stored as float32."""
        return self.cast(self.constant(np.asarray(value, np.float32)), np.float64)

    def exact(self, value: Any) -> str:
        """Add a few numbers that are stored as float64."""
        array = np.asarray(value, np.float64)
        name = self._fresh("c")
        self._constants[name] = numpy_helper.from_array(array, name)
        return name

    def cast(self, tensor: str, dtype: Any) -> str:
        """Return a tensor in another NumPy dtype."""
        return self.op("Cast", tensor, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name. An input "" is left out."""
        return self.ops(kind, *inputs, domain=domain, n_outputs=1, **attributes)[0]

    def ops(self, kind: str, *inputs: str, n_outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        """Add a node with several outputs and return their names."""
        outputs = [self._fresh("t") for _ in range(n_outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), outputs, domain=domain, **attributes))
        return outputs

    def made_by(self, kind: str, tensor: str) -> str | None:
        """Return what a node of this kind makes ``tensor`` of; None where it is made otherwise."""
        return next((n.input[0] for n in reversed(self._nodes) if n.op_type == kind and tensor in n.output), None)

    def columns(self, tensor: str, index: Sequence[int] | np.ndarray) -> str:
        """Return the columns ``index`` of an (n, p) tensor."""
        return self.op("Gather", tensor, self.constant(np.asarray(index, np.int64)), axis=1)

    def concat(self, tensors: Sequence[str]) -> str:
        """Put (n, p_i) tensors side by side."""
        return tensors[0] if len(tensors) == 1 else self.op("Concat", *tensors, axis=1)

    def inline(self, model: onnx.ModelProto, inputs: Mapping[str, str]) -> list[str]:
        """Copy another model into this graph, its inputs fed from ``inputs``; return its outputs' names.

        Tensors get short names: an exporter's own make up a third of a small network's bytes.
        """
        name = {"": "", **inputs}
        for tensor in model.graph.initializer:
            copy = onnx.TensorProto()
            copy.CopyFrom(tensor)
            copy.name = name[tensor.name] = self._fresh("c")
            self._constants[copy.name] = copy
        for node in model.graph.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.ClearField("name")
            copy.ClearField("doc_string")
            copy.ClearField("metadata_props")
            copy.input[:] = [name[given] for given in node.input]
            for made in node.output:
                name.setdefault(made, self._fresh("t"))
            copy.output[:] = [name[made] for made in node.output]
            self._nodes.append(copy)
        return [name[o.name] for o in model.graph.output]

    def model(self, outputs: Mapping[str, str], dtype: Any = np.float32) -> onnx.ModelProto:
        """Return the finished model; ``outputs`` maps public names to tensors (n, k), which it gives as ``dtype``."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        ends = [helper.make_node("Cast", [tensor], [public], to=kind) for public, tensor in outputs.items()]
        infos = [helper.make_tensor_value_info(o, kind, ["rows", None]) for o in outputs]
        nodes = [*self._needed(outputs.values()), *ends]
        used = {tensor for node in nodes for tensor in node.input}
        constants = [constant for name, constant in self._constants.items() if name in used]
        graph = helper.make_graph(nodes, "model", self._inputs, infos, constants)
        imports = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        return helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION, producer_name="automl")

    def _needed(self, tensors: Iterable[str]) -> list[onnx.NodeProto]:
        """Return the nodes that ``tensors`` are computed from, in their order."""
        wanted, needed = set(tensors), []
        for node in reversed(self._nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                needed.append(node)
        return needed[::-1]

    def _fresh(self, stem: str) -> str:
        self._count += 1
        return f"{stem}{self._count}"
