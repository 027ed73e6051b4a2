"""Whether an ONNX model asks for files outside itself."""

from collections.abc import Iterator
from typing import Any

_EXTERNAL_DATA = 13  # the field of a tensor that says where it lies
_ONNX = {  # the messages of onnx.proto that may hold tensors: by the number of the field, which message it holds
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}


def has_external_data(model: bytes) -> bool:
    """Whether a tensor of an ONNX model lies in a file of its own, which could be any file of this machine."""
    if b"location" not in model:  # the key that names the file
        return False
    pending: list[tuple[str, memoryview]] = [("model", memoryview(model))]
    try:
        while pending:
            message, content = pending.pop()
            for number_, value in _protobuf_fields(content):
                if message == "tensor" and number_ == _EXTERNAL_DATA:
                    return True
                if number_ in _ONNX[message] and isinstance(value, memoryview):
                    pending.append((_ONNX[message][number_], value))
    except (IndexError, ValueError):  # a message that others may read in another way is not trusted
        return True
    return False


def _protobuf_fields(content: memoryview) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of each field of a message: bytes where it has a length, else None.

    https://protobuf.dev/programming-guides/encoding
    """
    position = 0

    def varint() -> int:
        nonlocal position
        result = shift = 0
        while True:
            byte = content[position]
            position += 1
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result

    while position < len(content):
        number_, kind = divmod(varint(), 8)
        if kind == 0:
            varint()
            yield number_, None
            continue
        size = {1: 8, 5: 4}.get(kind) if kind != 2 else varint()
        if size is None or position + size > len(content):
            raise ValueError("no protobuf")
        yield number_, content[position : position + size] if kind == 2 else None
        position += size
