"""What an ONNX graph must keep to, so that a library in C can be handed it: OpenCV trusts what it is told.

Each array of parameters holds as many bytes as its shape and type say, and what an operator slides,
strides or groups by is a number from 1. Each array that an operator takes is one that something makes, and
each operator is of a set that the model imports.
"""

from __future__ import annotations

import math

from digitprep.nn.protobuf import Field, fields_of, numbers, parts, text

# Of GraphProto, NodeProto, AttributeProto, TensorProto and ValueInfoProto, as in onnx.proto3.
_NODE, _INITIALIZER, _INPUT = 1, 5, 11
_NODE_INPUT, _NODE_OUTPUT, _TENSOR_NAME, _INPUT_NAME = 1, 2, 8, 1
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_NUMBER, _ATTRIBUTE_NUMBERS = 1, 3, 8
_SIDES, _ELEMENT, _RAW = 1, 2, 9
# The bytes of a number of each type, by ONNX's number of the type.
_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
_COUNTS = {"kernel_shape", "strides", "dilations", "group"}
_NEEDED = {key: {"kernel_shape", "strides"} for key in ("MaxPool", "AveragePool")}
_LARGEST_COUNT = 1 << 16
_LARGEST_SIDE = 1 << 31


def check_graph(graph: list[Field], domains: set[str]) -> None:
    """Raise ValueError where an array is not as large as it says, or an operator cannot be what it is.

    domains: of the operators that the model imports
    """
    for part in parts(graph, _INITIALIZER):
        tensor = list(fields_of(part))
        sides, raw = numbers(tensor, _SIDES), parts(tensor, _RAW)
        if any(side >= _LARGEST_SIDE for side in sides):
            raise ValueError(f"an array of {sides}")
        size = _BYTES.get(next(iter(numbers(tensor, _ELEMENT)), 0), 0)
        if raw and size and math.prod(sides) * size != len(raw[0]):
            raise ValueError(f"an array of {sides} in {len(raw[0])} bytes")
    made = {"", *_names(graph, _INITIALIZER, _TENSOR_NAME), *_names(graph, _INPUT, _INPUT_NAME)}
    for part in parts(graph, _NODE):
        node = list(fields_of(part))
        if unmade := {bytes(name).decode() for name in parts(node, _NODE_INPUT)} - made:
            raise ValueError(f"nothing makes {', '.join(unmade)}")
        made |= {bytes(name).decode() for name in parts(node, _NODE_OUTPUT)}
        operator = text(node, _NODE_OPERATOR)
        if unknown := {bytes(name).decode() for name in parts(node, _NODE_DOMAIN)} - domains:
            raise ValueError(f"{operator} of {', '.join(unknown)}, which the model does not import")
        found = dict(map(_attribute, parts(node, _NODE_ATTRIBUTE)))
        if not _NEEDED.get(operator, set()) <= {name for name, counts in found.items() if counts}:
            raise ValueError(f"{operator} without {', '.join(_NEEDED[operator])}")
        for name in _COUNTS & found.keys():
            if not all(1 <= count <= _LARGEST_COUNT for count in found[name]):
                raise ValueError(f"{operator} with {name} of {found[name]}")


def _names(graph: list[Field], kind: int, number: int) -> list[str]:
    return [text(list(fields_of(part)), number) for part in parts(graph, kind)]


def _attribute(part: memoryview) -> tuple[str, list[int]]:
    fields = list(fields_of(part))
    counts = numbers(fields, _ATTRIBUTE_NUMBERS) or numbers(fields, _ATTRIBUTE_NUMBER)
    return text(fields, _ATTRIBUTE_NAME), counts
