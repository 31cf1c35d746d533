"""What an ONNX file says of itself: its input, its last operator and its notes.

`cv2.dnn` runs a network but tells neither the shape of its input nor its notes, and the onnx package
is a large one to ask for four facts. An ONNX file is a protocol buffer, a sequence of numbered
fields; the numbers below are those of onnx.proto3 (https://github.com/onnx/onnx).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from digitprep.errors import ModelError

# Of ModelProto, GraphProto, NodeProto, ValueInfoProto, TypeProto, TensorShapeProto, TensorProto.
_GRAPH, _OPSET, _NOTES = 7, 8, 14
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _OPERATOR = 1, 2, 4
_NAME, _TYPE, _TENSOR_TYPE, _ELEMENT, _SHAPE = 1, 2, 1, 1, 2
_DIMENSION, _DIMENSION_VALUE, _TENSOR_NAME = 1, 1, 8
_NOTE_KEY, _NOTE_VALUE = 1, 2
_FLOAT32 = 1
_PASSED_ON = {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast", "Dropout"}

_Field = tuple[int, "int | memoryview"]


@dataclass(frozen=True)
class Header:
    """The one input's shape (None for a side left open), what computes the output, and the notes."""

    input_shape: tuple[int | None, ...]
    last_operator: str
    notes: dict[str, str]


def read_header(file: Path) -> Header:
    """The header of an ONNX file.

    Raises ModelError where the file cannot be read, is none, or has not one input of float32.
    """
    try:
        model = list(_fields(memoryview(file.read_bytes())))
        graph = list(_fields(_only(model, _GRAPH)))
        if not _parts(model, _OPSET):
            raise ValueError("no opset: the file was cut off after its graph")
        inputs = _inputs(graph)
        notes = dict(_note(entry) for entry in _parts(model, _NOTES))
        operator = _last_operator(graph)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror}); expected an ONNX file") from None
    except (ValueError, IndexError):
        raise ModelError(
            f"{file}: expected an ONNX file, found something else, or half of one; "
            "export the network again, or download it again"
        ) from None
    if len(inputs) != 1:
        raise ModelError(
            f"{file}: expected one input, the images, found {len(inputs)}: {', '.join(inputs) or 'none'}"
        )
    [(name, (element, shape))] = inputs.items()
    if element != _FLOAT32:
        raise ModelError(
            f"{file}: expected input {name!r} as float32, found ONNX's type {element}; "
            "export the network with a float32 input"
        )
    return Header(shape, operator, notes)


def _fields(data: memoryview) -> Iterator[_Field]:
    """The numbered fields of a message. Raises ValueError or IndexError where it is none."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind = tag & 7
        if kind == 0:
            value, position = _varint(data, position)
            yield tag >> 3, value
            continue
        if kind == 2:
            size, position = _varint(data, position)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"no wire type {kind}")
        if position + size > len(data):
            raise ValueError("a field goes on past the end")
        yield tag >> 3, data[position : position + size]
        position += size


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _parts(fields: list[_Field], number: int) -> list[memoryview]:
    """The messages and texts among the fields of that number."""
    return [value for key, value in fields if key == number and isinstance(value, memoryview)]


def _only(fields: list[_Field], number: int) -> memoryview:
    [part] = _parts(fields, number)
    return part


def _text(fields: list[_Field], number: int) -> str:
    return bytes(_only(fields, number)).decode()


def _note(entry: memoryview) -> tuple[str, str]:
    fields = list(_fields(entry))
    return _text(fields, _NOTE_KEY), "".join(bytes(part).decode() for part in _parts(fields, _NOTE_VALUE))


def _inputs(graph: list[_Field]) -> dict[str, tuple[int, tuple[int | None, ...]]]:
    """Type and shape of each input; old files list their parameters among the inputs, which are left out."""
    parameters = {_text(list(_fields(part)), _TENSOR_NAME) for part in _parts(graph, _INITIALIZER)}
    found = {}
    for part in _parts(graph, _INPUT):
        fields = list(_fields(part))
        name = _text(fields, _NAME)
        if name not in parameters:
            tensor = list(_fields(_only(list(_fields(_only(fields, _TYPE))), _TENSOR_TYPE)))
            element = next((value for key, value in tensor if key == _ELEMENT and isinstance(value, int)), 0)
            shapes = _parts(tensor, _SHAPE)
            found[name] = element, _shape(shapes[0]) if shapes else ()
    return found


def _shape(message: memoryview) -> tuple[int | None, ...]:
    """The sides of a tensor; one that has a name, zero or nothing for its size is left open."""
    sides = []
    for dimension in _parts(list(_fields(message)), _DIMENSION):
        values = [
            value
            for key, value in _fields(dimension)
            if key == _DIMENSION_VALUE and isinstance(value, int) and 0 < value < 2**31
        ]
        sides.append(values[0] if values else None)
    return tuple(sides)


def _last_operator(graph: list[_Field]) -> str:
    """The operator that computes the first output, behind those that only pass values on."""
    makers = {}
    for part in _parts(graph, _NODE):
        fields = list(_fields(part))
        sources = [bytes(name).decode() for name in _parts(fields, _NODE_INPUT)]
        for name in _parts(fields, _NODE_OUTPUT):
            makers[bytes(name).decode()] = _text(fields, _OPERATOR), sources
    operator, sources = makers.pop(_text(list(_fields(_parts(graph, _OUTPUT)[0])), _NAME), ("", []))
    while operator in _PASSED_ON and sources and sources[0] in makers:
        operator, sources = makers.pop(sources[0])
    return operator
