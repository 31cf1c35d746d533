"""Networks of other programs: how images go in, what comes out, and which files are refused."""

import json
import pickle
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from places import SAMPLES

import digitprep as dp
from digitprep.errors import ModelError, UsageError
from digitprep.nn import Model
from digitprep.nn.engines import OnnxModel
from digitprep.nn.onnx import export_onnx
from digitprep.nn.open import open_model

RNG = np.random.default_rng(5)
WEIGHT = RNG.standard_normal((12, 3)).astype(np.float32)
IMAGES = RNG.integers(0, 256, (5, 3, 4), dtype=np.uint8)


def write(path, nodes, shape, *, output=("n", 3), element=TensorProto.FLOAT, inputs=("x",), **constants):
    """An ONNX file by hand: inputs of one shape, and the nodes that make "y" of it."""
    graph = helper.make_graph(
        [helper.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes],
        "by_hand",
        [helper.make_tensor_value_info(name, element, shape) for name in inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def linear(path, shape, *end):
    """Logits `pixels, row by row @ WEIGHT` of images that come in as (N, ...), then the nodes of `end`."""
    last = "t" if end else "y"
    nodes = [("Flatten", ["x"], ["f"]), ("MatMul", ["f", "w"], [last]), *end]
    return write(path, nodes, shape, w=WEIGHT)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def by_hand(x):
    return softmax(x.reshape(len(x), 12) @ WEIGHT)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        (("n", 1, 3, 4), "nchw"),
        (("n", 3, 4, 1), "nhwc"),
        (("n", 3, 4), "nhw"),
        ((None, 1, 3, 4), "nchw"),
        ((1, 1, 3, 4), "nchw"),
        ((3, 3, 4, 1), "nhwc"),
    ],
)
def test_the_layout_and_the_batch_are_read_from_the_file(shape, layout, tmp_path):
    """A network made for one image, or three, gets one, or three, at a time."""
    model = OnnxModel(linear(tmp_path / "net.onnx", shape))
    assert (model.layout, model.image_shape, model.classes) == (layout, (3, 4), 3)
    assert model.class_names == ("0", "1", "2")
    for batch in (2, 64):
        np.testing.assert_allclose(model.probabilities(IMAGES, batch), by_hand(IMAGES / 255), atol=1e-5)


def test_a_network_that_can_only_do_one_image_is_given_one_at_a_time(tmp_path):
    """As older exports of PyTorch make them: the batch of one is a constant of a reshape."""
    nodes = [("Reshape", ["x", "s"], ["f"]), ("MatMul", ["f", "w"], ["y"])]
    path = write(tmp_path / "net.onnx", nodes, [1, 1, 3, 4], w=WEIGHT, s=np.array([1, 12]))
    np.testing.assert_allclose(OnnxModel(path).probabilities(IMAGES), by_hand(IMAGES / 255), atol=1e-5)


def test_flat_input_is_a_square_read_row_by_row(tmp_path):
    path = write(tmp_path / "net.onnx", [("MatMul", ["x", "w"], ["y"])], ["n", 9], w=WEIGHT[:9])
    images = RNG.integers(0, 256, (4, 3, 3), dtype=np.uint8)
    model = OnnxModel(path)
    assert model.layout == "flat"
    expected = softmax(images.reshape(4, 9) / 255 @ WEIGHT[:9])
    np.testing.assert_allclose(model.probabilities(images), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "options", "change"),
    [
        (("n", 6, 2, 3), 'onnx(layout="nhwc")', lambda x: x),
        (("n", 3, 2, 6), "onnx", lambda x: x.transpose(0, 3, 1, 2)),
    ],
)
def test_colour_goes_in_as_the_layout_has_it(shape, options, change, tmp_path):
    weight = RNG.standard_normal((36, 3)).astype(np.float32)
    nodes = [("Flatten", ["x"], ["f"]), ("MatMul", ["f", "w"], ["y"])]
    model = OnnxModel(write(tmp_path / "net.onnx", nodes, shape, w=weight), options)
    images = RNG.integers(0, 256, (4, *model.image_shape), dtype=np.uint8)
    assert images.shape[3] == 3
    expected = softmax(change(images / 255).reshape(4, 36) @ weight)
    np.testing.assert_allclose(model.probabilities(images), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "change"),
    [
        ("onnx", lambda pixels: pixels / 255),
        ('onnx(range="0..255", std=100)', lambda pixels: pixels / 100),
        ('onnx(range="-1..1")', lambda pixels: pixels / 127.5 - 1),
        ("onnx(mean=0.1307, std=0.3081)", lambda pixels: (pixels / 255 - 0.1307) / 0.3081),
        ("onnx(invert=True)", lambda pixels: 1 - pixels / 255),
        (
            'onnx(layout="nchw", range="-1..1", mean=0.5, std=0.5, invert=True)',
            lambda pixels: ((255 - pixels) / 127.5 - 1 - 0.5) / 0.5,
        ),
    ],
)
def test_pixels_become_the_numbers_that_the_options_ask_for(options, change, tmp_path):
    model = OnnxModel(linear(tmp_path / "net.onnx", ["n", 1, 3, 4]), options)
    expected = by_hand(change(IMAGES.astype(np.float64)))
    np.testing.assert_allclose(model.probabilities(IMAGES), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("end", "change"),
    [
        ("Softmax", softmax),
        ("LogSoftmax", softmax),
        ("Sigmoid", lambda y: 1 / (1 + np.exp(-y)) / (1 / (1 + np.exp(-y))).sum(axis=1, keepdims=True)),
        ("Identity", softmax),
    ],
)
def test_whatever_comes_out_becomes_probabilities(end, change, tmp_path):
    options = {"axis": 1} if "Softmax" in end else {}
    path = linear(tmp_path / "net.onnx", ["n", 1, 3, 4], (end, ["t"], ["y"], options))
    logits = IMAGES.reshape(5, 12) / 255 @ WEIGHT
    found = OnnxModel(path).probabilities(IMAGES)
    np.testing.assert_allclose(found, change(logits), atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_one_image_and_many_are_read_as_a_model_reads_them(tmp_path):
    """An exported model, run by OpenCV, says what the model says, class names included."""
    model = Model.build("conv(channels=4) | relu | flatten | dense(width=3)", classes=3, class_names="abc")
    export_onnx(model, tmp_path / "m.onnx")
    engine = open_model(tmp_path / "m.onnx")
    images = RNG.integers(0, 256, (6, 28, 28), dtype=np.uint8)
    assert engine.class_names == ("a", "b", "c")
    np.testing.assert_allclose(engine.probabilities(images), model.probabilities(images), atol=1e-5)
    assert engine.predict(images[0]) == (
        model.predict(images[0])[0],
        pytest.approx(model.predict(images[0])[1]),
    )
    np.testing.assert_array_equal(engine.predict(images)[0], model.predict(images)[0])
    assert engine.probabilities(images[:0]).shape == (0, 3)
    split = dp.Split(images, np.arange(6) % 3, "test")
    np.testing.assert_array_equal(dp.evaluate(engine, split).confusion, dp.evaluate(model, split).confusion)


def test_sides_left_open_are_those_of_the_option(tmp_path):
    nodes = [("GlobalAveragePool", ["x"], ["p"]), ("Flatten", ["p"], ["f"]), ("MatMul", ["f", "w"], ["y"])]
    path = write(tmp_path / "net.onnx", nodes, ["n", 1, "h", "w_"], w=WEIGHT[:1])
    assert OnnxModel(path).image_shape == (28, 28)
    assert OnnxModel(path, "onnx(size=32)").image_shape == (32, 32)


@pytest.mark.parametrize(
    "content", [b"", b"hello" * 99, b"\x80" * 99, b"PK\x03\x04" + bytes(99), b"\x08\x08"]
)
def test_files_that_are_no_onnx_are_refused(content, tmp_path):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="expected an ONNX file, found something else"):
        OnnxModel(tmp_path / "net.onnx")


def test_every_cut_of_a_file_is_refused(tmp_path):
    whole = linear(tmp_path / "whole.onnx", ["n", 1, 3, 4]).read_bytes()
    for size in range(0, len(whole) - 1, 3):
        (tmp_path / "cut.onnx").write_bytes(whole[:size])
        with pytest.raises(ModelError, match=r"cut\.onnx"):
            OnnxModel(tmp_path / "cut.onnx")
    with pytest.raises(ModelError, match="cannot be read"):
        OnnxModel(tmp_path / "none.onnx")


def test_an_operator_that_opencv_does_not_know_is_named(tmp_path, capfd):
    path = write(tmp_path / "net.onnx", [("Frobnicate", ["x"], ["y"])], ["n", 1, 3, 4])
    with pytest.raises(ModelError, match="does not know the operator Frobnicate"):
        OnnxModel(path)
    assert capfd.readouterr() == ("", "")


def test_networks_that_do_not_turn_images_into_classes_say_so(tmp_path):
    path = tmp_path / "net.onnx"
    with pytest.raises(ModelError, match=r"expected one number a class .* found an output of \(2, 1, 3, 4\)"):
        OnnxModel(write(path, [("Relu", ["x"], ["y"])], ["n", 1, 3, 4], output=["n", 1, 3, 4]))
    with pytest.raises(ModelError, match=r"expected one input, the images, found 2: x, z"):
        OnnxModel(write(path, [("Add", ["x", "z"], ["y"])], ["n", 12], inputs=("x", "z")))
    with pytest.raises(ModelError, match="as float32"):
        OnnxModel(write(path, [("Flatten", ["x"], ["y"])], ["n", 12], element=TensorProto.UINT8))
    with pytest.raises(ModelError, match=r"input of \(any, 2, 2, 2, 2\)"):
        OnnxModel(write(path, [("Flatten", ["x"], ["y"])], ["n", 2, 2, 2, 2]))
    with pytest.raises(ModelError, match="square number of pixels"):
        OnnxModel(write(path, [("Relu", ["x"], ["y"])], ["n", 12]))
    with pytest.raises(ModelError, match=r"1 or 3 channels, found an input of \(any, 5, 3, 4\)"):
        OnnxModel(write(path, [("Flatten", ["x"], ["y"])], ["n", 5, 3, 4]))


def test_layouts_that_cannot_be_and_options_that_do_not_exist_say_so(tmp_path):
    path = linear(tmp_path / "net.onnx", ["n", 1, 3, 4])
    with pytest.raises(ModelError, match=r"'flat' is \(N, P\), found an input of \(any, 1, 3, 4\)"):
        OnnxModel(path, 'onnx(layout="flat")')
    with pytest.raises(UsageError, match='one of "auto", "nchw"'):
        OnnxModel(path, 'onnx(layout="chwn")')
    with pytest.raises(UsageError, match="did you mean 'mean'"):
        OnnxModel(path, "onnx(meen=0.5)")
    with pytest.raises(UsageError, match=r"are for an \.onnx file"):
        open_model(None, "onnx(mean=0.5)")
    with pytest.raises(UsageError, match=r"for a \.safetensors file"):
        open_model(path, None, "lenet")


def test_images_of_another_size_say_what_was_expected(tmp_path):
    model = OnnxModel(linear(tmp_path / "net.onnx", ["n", 1, 3, 4]))
    with pytest.raises(ModelError, match=r"\(3, 4\) uint8, found \(28, 28\) uint8; .*center\(size=...\)"):
        model.probabilities(np.zeros((2, 28, 28), np.uint8))
    with pytest.raises(ModelError, match=r"found .* float32"):
        model.predict(np.zeros((3, 4), np.float32))
    with pytest.raises(ModelError, match=r"found .* list"):
        model.predict([1, 2])


def test_the_exported_network_reads_as_the_bundled_one_does(run, tmp_path):
    run("export", "digitnet", "m.onnx")
    whole = (tmp_path / "m.onnx").read_bytes()
    assert "--overwrite" in run("export", "digitnet", "m.onnx", check=2).stderr
    run("export", "digitnet", "m.onnx", "--overwrite")
    assert (tmp_path / "m.onnx").read_bytes() == whole
    assert "ends in .onnx" in run("export", "digitnet", "m.txt", check=2).stderr

    data = SAMPLES / "digits" / "idx"
    ours = json.loads(run("evaluate", data, "--split", "test", "--json").stdout)["test"]
    theirs = run("evaluate", data, "--split", "test", "--json", "--model", "m.onnx").stdout
    assert json.loads(theirs)["test"]["confusion"] == ours["confusion"]
    low, high = ours["accuracy_interval"]
    assert low < ours["accuracy"] < high
    assert 0 <= ours["calibration_error"] < 0.05

    photo = SAMPLES / "photos" / "01.jpg"
    assert run("predict", photo, "--model", "m.onnx").stdout == run("predict", photo).stdout


def test_the_command_line_says_which_options_go_with_which_file(run, tmp_path):
    linear(tmp_path / "small.onnx", ["n", 1, 3, 4])
    photo = SAMPLES / "photos" / "01.jpg"
    assert "center(size=3)" in run("predict", photo, "--model", "small.onnx", check=5).stderr
    assert (
        "'layoutt'"
        in run("predict", photo, "--model", "small.onnx", "--input", "onnx(layoutt=1)", check=2).stderr
    )
    both = ("--network", "lenet", "--layers", "flatten")
    assert "give one" in run("predict", photo, "--model", "net.safetensors", *both, check=2).stderr
    assert "any code" in run("predict", photo, "--model", "net.pth", check=5).stderr


def test_a_network_says_itself_how_many_classes_it_tells_apart(run, tmp_path):
    """`evaluate` need not be told; a class without images has no recall, and none of them gets lost."""
    names = [f"class {number}" for number in range(12)]
    model = dp.Model.build("flatten | dense(width=12)", (8, 8), 12, class_names=names)
    model.save(tmp_path / "m.npz")
    images = np.random.default_rng(0).integers(0, 255, (11, 8, 8), dtype=np.uint8)
    dp.write(dp.Split(images, np.arange(1, 12), "test"), tmp_path / "test.npz")
    lines = run("evaluate", "test.npz", "--model", "m.npz").stdout.splitlines()
    assert lines[2].split()[-1] == "-"
    assert "nan" not in "".join(lines)
    printed = run("evaluate", "test.npz", "--model", "m.npz", "--json").stdout
    assert list(json.loads(printed)["test"]["per_class"]) == names
    assert "this network tells 10 classes apart" in run("evaluate", "test.npz", check=3).stderr


def test_a_network_for_colour_reads_photos_by_a_pipeline_that_keeps_the_colours(run, tmp_path):
    dp.Model.build("flatten | dense(width=10)", (28, 28, 3)).save(tmp_path / "m.npz")
    photo = SAMPLES / "photos" / "03.jpg"
    said = run("predict", photo, "--model", "m.npz", check=5).stderr
    assert "a network for colour" in said
    (advised,) = re.findall(r"the pipeline '(.*)'", said)
    run("predict", photo, "--model", "m.npz", "--pipeline", advised)


def test_a_network_of_onnx_can_be_sent_to_other_processes(tmp_path):
    export_onnx(dp.load_model(), tmp_path / "m.onnx")
    model = OnnxModel(tmp_path / "m.onnx")
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    sent = pickle.loads(pickle.dumps(model))
    assert np.array_equal(sent.probabilities(images), model.probabilities(images))
