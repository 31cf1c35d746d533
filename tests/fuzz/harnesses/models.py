"""Readers of networks: model files, checkpoints, others' networks, logs, and texts of layers."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
from containers import SAFETENSORS, ZIP

from digitprep.nn.checkpoint import Checkpoint, named
from digitprep.nn.engines import OnnxModel
from digitprep.nn.log import read_log
from digitprep.nn.loss import LOSSES
from digitprep.nn.model import Model
from digitprep.nn.onnx import export_onnx
from digitprep.nn.onnx_header import read_header
from digitprep.nn.onnx_input import INPUTS
from digitprep.nn.open import open_model
from digitprep.nn.optim import OPTIMIZERS, SCHEDULES
from digitprep.nn.safetensors import load_safetensors
from digitprep.nn.zoo import ZOO
from harnesses import harness, parse_with, scratch, written

LAYERS = (
    "flatten | dense(width=10)",
    "conv(channels=2) | maxpool | batchnorm | relu | flatten | dropout(rate=0.5) | dense(width=3) | sigmoid",
)
SHAPE = (6, 6)


@cache
def models() -> list[Model]:
    return [Model.build(text, SHAPE, classes) for text, classes in zip(LAYERS, (10, 3), strict=True)]


def _saved(model: Model) -> bytes:
    file = scratch() / "seed-model.npz"
    model.save(file, overwrite=True)
    return file.read_bytes()


@harness(seeds=lambda: [_saved(model) for model in models()], container=ZIP)
def model_npz(data):
    model = open_model(written("model.npz", data))
    if np.prod(model.image_shape) < 1000:
        model.predict(np.zeros(model.image_shape, np.uint8))


def checkpoint_seeds() -> list[bytes]:
    file = scratch() / "seed-checkpoint.npz"
    arrays = named("params", models()[0].params)
    history, generators = [{"number": 1, "loss": 0.5}], {"order": {"state": {}}}
    Checkpoint({"epochs": "5"}, history, generators, losses=[0.5], arrays=arrays).save(file)
    return [file.read_bytes()]


@harness(seeds=checkpoint_seeds, container=ZIP)
def checkpoint(data):
    file = written("checkpoint.npz", data)
    Checkpoint.load(file).fill("params", models()[0].params, file)


def _tensors(names: tuple[str, str], dtype: str = "f4") -> bytes:
    from safetensors.numpy import save

    weight, bias = (models()[0].params[-1][name].astype(dtype) for name in ("weight", "bias"))
    return save({names[0]: weight, names[1]: bias})


@harness(
    seeds=lambda: [_tensors(("1.weight", "1.bias")), _tensors(("fc.weight", "fc.bias"), "f2")],
    container=SAFETENSORS,
)
def safetensors(data):
    load_safetensors(written("net.safetensors", data), LAYERS[0], SHAPE)


def onnx_seeds() -> list[bytes]:
    made = []
    for model in models():
        file = scratch() / "seed.onnx"
        export_onnx(model, file, overwrite=True)
        made.append(file.read_bytes())
    return made


@harness(seeds=onnx_seeds)
def onnx_header(data):
    read_header(written("header.onnx", data))


@harness(seeds=onnx_seeds, share=0.1)
def onnx_network(data):
    OnnxModel(written("net.onnx", data))


@harness(seeds=lambda: [text.encode() for text in (*LAYERS, *(network.layers for network in ZOO.values()))])
def network_text(data):
    Model.build(data.decode("utf-8", "replace"), SHAPE)


@harness(
    seeds=lambda: [b"adam", b"sgd(rate=0.1, momentum=0.9)", b"one_cycle", b'onnx(layout="nhwc", mean=0.1)']
)
def training_texts(data):
    parse_with((OPTIMIZERS, SCHEDULES, LOSSES, INPUTS), data)


ROW = {"number": 1, "loss": 0.5, "accuracy": 0.9, "validation_loss": None, "validation_accuracy": None}
ROW |= {"seconds": 1.5, "images_per_second": 9.0, "best": True, "steps": None, "learning_rate": 0.1}


def log_seeds() -> list[bytes]:
    csv = (
        ",".join(ROW) + "\n" + ",".join("" if value is None else str(value) for value in ROW.values()) + "\n"
    )
    return [json.dumps([ROW, ROW]).encode(), f"{json.dumps(ROW)}\n".encode(), csv.encode()]


@harness(seeds=log_seeds)
def training_log(data):
    suffix = ".json" if data[:1] == b"[" else ".jsonl" if data[:1] == b"{" else ".csv"
    read_log(written(f"log{suffix}", data))
