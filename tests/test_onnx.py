"""Export: what the file computes, says of itself, and does when it cannot be written."""

import json
from dataclasses import dataclass

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest

from digitprep.errors import DigitprepError, MissingExtra, ModelError, UsageError
from digitprep.nn import LAYERS, ZOO, Model
from digitprep.nn.layers import Layer
from digitprep.nn.onnx import NODES, export_onnx, to_onnx
from digitprep.nn.onnx_header import read_header

LINES = {  # each layer once, on sizes that its squares and strides do not divide
    "strided, odd sizes": "conv(channels=3, kernel=5, stride=2, pad=1) | maxpool | flatten | dense(width=10)",
    "maxpool of 3": "conv(channels=3, kernel=2) | maxpool(size=3) | flatten | dropout | dense(width=10)",
    "avgpool": "conv(channels=3, kernel=2) | avgpool(size=2) | relu | flatten | dense(width=10)",
    "leaky_relu": "conv(channels=3) | leaky_relu(slope=0.02) | flatten | dense(width=10)",
    "batchnorm": "conv(channels=3) | batchnorm | flatten | dense(width=16) | batchnorm | dense(width=10)",
    "sigmoid": "flatten | dense(width=12) | sigmoid | dense(width=10) | sigmoid",
}
SHAPES = [(28, 28), (17, 14, 3)]


def trained_a_little(text, shape=(28, 28), **options):
    """A network whose every parameter, running statistics among them, is away from its start."""
    model = Model.build(text, shape, **options)
    rng = np.random.default_rng(1)
    for params in model.params:
        for array in params.values():
            array += rng.uniform(0.01, 0.3, array.shape).astype(np.float32) * 0.3
    return model


def images_for(model, count=7):
    return np.random.default_rng(2).integers(0, 256, (count, *model.image_shape), dtype=np.uint8)


def expected(model, images):
    """What the output "probabilities" should hold: a last sigmoid as it is."""
    return model.logits(images) if model.text.endswith("sigmoid") else model.probabilities(images)


def as_input(images):
    planes = images if images.ndim == 4 else images[..., None]
    return np.ascontiguousarray(planes.transpose(0, 3, 1, 2), np.float32) / np.float32(255)


def by_onnxruntime(content, x):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"images": x})[0]


def by_opencv(content, x):
    net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
    net.setInput(x)
    return net.forward()


@pytest.mark.parametrize("engine", [by_onnxruntime, by_opencv])
@pytest.mark.parametrize("name", ZOO)
def test_other_engines_compute_every_network_of_the_zoo_as_we_do(name, engine):
    model = trained_a_little(ZOO[name].layers)
    images = images_for(model)
    found = engine(to_onnx(model), as_input(images))
    np.testing.assert_allclose(found, expected(model, images), atol=1e-5)


@pytest.mark.parametrize("engine", [by_onnxruntime, by_opencv])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("text", LINES.values(), ids=LINES)
def test_other_engines_compute_every_layer_as_we_do(text, shape, engine):
    model = trained_a_little(text, shape)
    images = images_for(model)
    found = engine(to_onnx(model), as_input(images))
    np.testing.assert_allclose(found, expected(model, images), atol=1e-5)


def test_statistics_of_training_are_those_that_are_exported():
    """After a forward in training, batchnorm's statistics are no longer those it began with."""
    model = Model.build("conv(channels=3) | batchnorm | relu | flatten | dense(width=10)")
    images = images_for(model, 32)
    model.forward(images, np.random.default_rng(0))
    found = by_onnxruntime(to_onnx(model), as_input(images))
    np.testing.assert_allclose(found, model.probabilities(images), atol=1e-5)


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_images_goes_in(count):
    model = trained_a_little(ZOO["mlp"].layers)
    images = images_for(model, count)
    for engine in (by_onnxruntime, by_opencv):
        assert engine(to_onnx(model), as_input(images)).shape == (count, 10)


def test_every_layer_can_be_exported():
    assert set(LAYERS) <= set(NODES)


def test_the_file_is_valid_and_says_what_it_is(tmp_path):
    model = trained_a_little("flatten | dense(width=3)", (4, 5, 3), classes=3, class_names=["a", "ü", "c"])
    export_onnx(model, tmp_path / "m.onnx")
    onnx.checker.check_model(str(tmp_path / "m.onnx"), full_check=True)
    header = read_header(tmp_path / "m.onnx")
    assert header.input_shape == (None, 3, 4, 5)
    assert header.last_operator == "Softmax"
    assert json.loads(header.notes["class_names"]) == ["a", "ü", "c"]
    assert header.notes["network"] == model.text
    assert header.notes["digitprep"]


def test_the_same_model_gives_the_same_bytes(tmp_path):
    model = trained_a_little(ZOO["mlp"].layers)
    export_onnx(model, tmp_path / "a.onnx")
    export_onnx(model, tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_nothing_is_overwritten_unasked_and_nothing_half_is_left(tmp_path):
    model = trained_a_little(ZOO["mlp"].layers)
    (tmp_path / "m.onnx").write_bytes(b"precious")
    with pytest.raises(UsageError, match="--overwrite"):
        export_onnx(model, tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == b"precious"
    export_onnx(model, tmp_path / "m.onnx", overwrite=True)
    with pytest.raises(DigitprepError, match=r"cannot be written: .*choose another destination"):
        export_onnx(model, tmp_path / "m.onnx" / "m.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]
    export_onnx(model, tmp_path / "new" / "m.onnx")


def test_a_layer_without_an_operator_is_named_with_those_that_have_one():
    @dataclass(frozen=True)
    class Swirl(Layer):
        def forward(self, params, x, rng=None):  # noqa: ARG002
            return x, lambda dy: (dy, {})

    model = trained_a_little("flatten | dense(width=10)")
    model.layers, model.params = (*model.layers, Swirl()), [*model.params, {}]
    with pytest.raises(ModelError, match=r"layer 3, swirl: .* those that can: conv, maxpool"):
        to_onnx(model)


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    monkeypatch.setitem(__import__("sys").modules, "onnx.numpy_helper", None)
    with pytest.raises(MissingExtra, match=r'pip install "digitprep\[onnx\]"'):
        to_onnx(trained_a_little("flatten | dense(width=10)"))
