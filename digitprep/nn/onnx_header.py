"""What an ONNX file says of itself: its input, its last operator and its notes.

`cv2.dnn` runs a network but tells neither the shape of its input nor its notes, and the onnx package
is a large one to ask for four facts. An ONNX file is a protocol buffer, a sequence of numbered
fields; the numbers below are those of onnx.proto3 (https://github.com/onnx/onnx).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from digitprep.errors import ModelError
from digitprep.nn.onnx_graph import check_graph
from digitprep.nn.protobuf import Field, fields_of, only, parts, text

# Of ModelProto, GraphProto, NodeProto, ValueInfoProto, TypeProto, TensorShapeProto, TensorProto.
_GRAPH, _OPSET, _NOTES = 7, 8, 14
_DOMAIN, _DEFAULT_DOMAINS = 1, {"", "ai.onnx"}
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _OPERATOR = 1, 2, 4
_NAME, _TYPE, _TENSOR_TYPE, _ELEMENT, _SHAPE = 1, 2, 1, 1, 2
_DIMENSION, _DIMENSION_VALUE, _TENSOR_NAME = 1, 1, 8
_NOTE_KEY, _NOTE_VALUE = 1, 2
_FLOAT32 = 1
_PASSED_ON = {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast", "Dropout"}


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
        model = list(fields_of(memoryview(file.read_bytes())))
        graph = list(fields_of(only(model, _GRAPH)))
        if not (sets := parts(model, _OPSET)):
            raise ValueError("no opset: the file was cut off after its graph")
        imported = {bytes(name).decode() for entry in sets for name in parts(list(fields_of(entry)), _DOMAIN)}
        check_graph(graph, imported | _DEFAULT_DOMAINS)
        inputs = _inputs(graph)
        notes = dict(_note(entry) for entry in parts(model, _NOTES))
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


def _note(entry: memoryview) -> tuple[str, str]:
    fields = list(fields_of(entry))
    return text(fields, _NOTE_KEY), "".join(bytes(part).decode() for part in parts(fields, _NOTE_VALUE))


def _inputs(graph: list[Field]) -> dict[str, tuple[int, tuple[int | None, ...]]]:
    """Type and shape of each input; old files list their parameters among the inputs, which are left out."""
    parameters = {text(list(fields_of(part)), _TENSOR_NAME) for part in parts(graph, _INITIALIZER)}
    found = {}
    for part in parts(graph, _INPUT):
        fields = list(fields_of(part))
        name = text(fields, _NAME)
        if name not in parameters:
            tensor = list(fields_of(only(list(fields_of(only(fields, _TYPE))), _TENSOR_TYPE)))
            element = next((value for key, value in tensor if key == _ELEMENT and isinstance(value, int)), 0)
            shapes = parts(tensor, _SHAPE)
            found[name] = element, _shape(shapes[0]) if shapes else ()
    return found


def _shape(message: memoryview) -> tuple[int | None, ...]:
    """The sides of a tensor; one that has a name, zero or nothing for its size is left open."""
    sides = []
    for dimension in parts(list(fields_of(message)), _DIMENSION):
        values = [
            value
            for key, value in fields_of(dimension)
            if key == _DIMENSION_VALUE and isinstance(value, int) and 0 < value < 2**31
        ]
        sides.append(values[0] if values else None)
    return tuple(sides)


def _last_operator(graph: list[Field]) -> str:
    """The operator that computes the first output, behind those that only pass values on."""
    makers = {}
    for part in parts(graph, _NODE):
        fields = list(fields_of(part))
        sources = [bytes(name).decode() for name in parts(fields, _NODE_INPUT)]
        for name in parts(fields, _NODE_OUTPUT):
            makers[bytes(name).decode()] = text(fields, _OPERATOR), sources
    operator, sources = makers.pop(text(list(fields_of(parts(graph, _OUTPUT)[0])), _NAME), ("", []))
    while operator in _PASSED_ON and sources and sources[0] in makers:
        operator, sources = makers.pop(sources[0])
    return operator
