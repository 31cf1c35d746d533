"""A network as an ONNX file, which OpenCV, onnxruntime, browsers and phones run.

    input    images         (N, 1 or 3, H, W) float32, from 0 for paper to 1 for ink, any N
    output   probabilities  (N, classes) float32, each row sums to one; of a network whose last layer
                            is a sigmoid, that layer's outputs as they are
    notes    digitprep (the version that wrote the file), class_names (JSON), network (its text)

To export a new kind of layer, add its line to `NODES`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from digitprep.errors import ModelError
from digitprep.extra import extra
from digitprep.nn.model import Model
from digitprep.place import check_destination, place
from digitprep.spec import spec_name

# What OpenCV from 4.8 and every onnxruntime of the last years read.
OPSET = 13
IR_VERSION = 8


@dataclass(frozen=True)
class Node:
    """One ONNX operator: the layer's parameters in the order of its inputs, and its attributes."""

    operator: str
    params: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)


def _window(layer: Any) -> dict[str, Any]:
    """The attributes of a pooling layer: squares side by side; what fills no square is dropped."""
    return {"kernel_shape": [layer.size] * 2, "strides": [layer.size] * 2}


# A layer's name -> its operator; None for a layer that does nothing once the network is trained.
NODES: dict[str, Callable[[Any], Node | None]] = {
    "conv": lambda layer: Node(
        "Conv",
        ("weight", "bias"),
        {"kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2, "pads": [layer.pad] * 4},
    ),
    "maxpool": lambda layer: Node("MaxPool", (), _window(layer)),
    "avgpool": lambda layer: Node("AveragePool", (), _window(layer)),
    "relu": lambda _: Node("Relu"),
    "leaky_relu": lambda layer: Node("LeakyRelu", (), {"alpha": layer.slope}),
    "sigmoid": lambda _: Node("Sigmoid"),
    "batchnorm": lambda layer: Node(
        "BatchNormalization", ("weight", "bias", "mean", "variance"), {"epsilon": layer.epsilon}
    ),
    "dropout": lambda _: None,
    "flatten": lambda _: Node("Flatten"),
    "dense": lambda _: Node("Gemm", ("weight", "bias"), {"transB": 1}),
}


def export_onnx(model: Model, path: str | PathLike[str], overwrite: bool = False) -> None:
    """Write a model to one ONNX file; the same model gives the same bytes.

    Raises UsageError where the file is there already, without `overwrite`; DigitprepError where the
    disk refuses; ModelError where a layer has no operator in ONNX; MissingExtra without the onnx
    package.
    """
    check_destination(Path(path), overwrite)
    content = to_onnx(model)
    place(Path(path), lambda result: result.write_bytes(content), overwrite=overwrite)


def to_onnx(model: Model) -> bytes:
    """The content of the ONNX file of a model. Raises ModelError and MissingExtra as `export_onnx` does."""
    onnx = extra("onnx.numpy_helper", "writing ONNX")
    nodes, tensors = _graph(model, onnx)
    height, width, *channels = model.image_shape
    graph = onnx.helper.make_graph(
        nodes,
        "digitprep",
        [_float_value(onnx, "images", ["N", *(channels or [1]), height, width])],
        [_float_value(onnx, "probabilities", ["N", model.classes])],
        tensors,
    )
    exported = onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="digitprep",
    )
    for key, value in _notes(model).items():
        exported.metadata_props.add(key=key, value=value)
    content: bytes = exported.SerializeToString(deterministic=True)
    return content


def _graph(model: Model, onnx: Any) -> tuple[list[Any], list[Any]]:
    """The operators from "images" to "probabilities", and the parameters under a model file's names."""
    chosen = [(number, params, _node(model, number)) for number, params in enumerate(model.params)]
    steps = [(node, number, params) for number, params, node in chosen if node]
    if spec_name(type(model.layers[-1])) != "sigmoid":
        steps.append((Node("Softmax", (), {"axis": 1}), len(model.layers), {}))
    nodes, tensors, source = [], [], "images"
    for node, number, params in steps:
        result = "probabilities" if node is steps[-1][0] else f"{number}.output"
        names = [f"{number}.{name}" for name in node.params]
        nodes.append(onnx.helper.make_node(node.operator, [source, *names], [result], **node.attributes))
        for key, name in zip(node.params, names, strict=True):
            tensors.append(onnx.numpy_helper.from_array(np.ascontiguousarray(params[key], "<f4"), name))
        source = result
    return nodes, tensors


def _node(model: Model, number: int) -> Node | None:
    layer = model.layers[number]
    name = spec_name(type(layer))
    if name not in NODES:
        raise ModelError(
            f"layer {number + 1}, {layer}: it cannot be exported to ONNX; those that can: {', '.join(NODES)}"
        )
    return NODES[name](layer)


def _float_value(onnx: Any, name: str, shape: list[Any]) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _notes(model: Model) -> dict[str, str]:
    names = json.dumps(list(model.class_names), ensure_ascii=False)
    return {"digitprep": _version(), "class_names": names, "network": model.text}


def _version() -> str:
    try:
        return version("digitprep")
    except PackageNotFoundError:  # run from a checkout
        return "unknown"
