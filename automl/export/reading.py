"""A shipped graph, read back: which node makes a tensor, and from what."""

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


class Reading:
    """The nodes and constants of an ONNX model, by the tensors they make."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}

    def maker(self, tensor: str, *kinds: str) -> Any:
        """Return the node that makes ``tensor`` if it is of one of these kinds (none given: of any), else None."""
        node = self._makers.get(tensor)
        return node if node is not None and (not kinds or node.op_type in kinds) else None

    def made(self, tensor: str) -> Any:
        """Return the node that makes ``tensor``. Raises ``KeyError`` where none does."""
        return self._makers[tensor]

    def through(self, tensor: str, *kinds: str) -> Any:
        """Follow first inputs back through nodes of these kinds, and return the last node; None if one is another."""
        node: Any = None
        for kind in kinds:
            node = self.maker(tensor, kind)
            if node is None:
                return None
            tensor = node.input[0]
        return node

    def is_constant(self, tensor: str) -> bool:
        """Return whether a tensor is a constant, be it one in another type."""
        node = self.maker(tensor, "Cast")
        return tensor in self._constants or (node is not None and self.is_constant(node.input[0]))

    def constant(self, tensor: str) -> np.ndarray:
        """Return the value of a constant. Raises ``KeyError`` for a tensor that is none."""
        if tensor not in self._constants:
            return self.constant(self._makers[tensor].input[0])
        return np.asarray(numpy_helper.to_array(self._constants[tensor]))

    def attributes(self, node: Any) -> dict[str, Any]:
        """Return the attributes of a node; tensors as arrays."""
        found = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        is_tensor = {name: isinstance(value, onnx.TensorProto) for name, value in found.items()}
        return {name: numpy_helper.to_array(value) if is_tensor[name] else value for name, value in found.items()}
