"""PyTorch's parameters in safetensors form: matched with our layers, or refused saying which does not fit."""

import json
import pickle
import sys
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

import digitprep as dp
from digitprep.errors import MissingExtra, ModelError, UsageError
from digitprep.nn import ZOO, Model
from digitprep.nn.open import open_model
from digitprep.nn.safetensors import load_safetensors

PYTORCH = {"mean": "running_mean", "variance": "running_var"}


def filled(text, **options):
    """A network with random numbers for all parameters, so that none is where it started."""
    model = Model.build(text, **options)
    rng = np.random.default_rng(3)
    for params in model.params:
        for array in params.values():
            array[...] = rng.uniform(0.1, 0.9, array.shape)
    return model


def saved(model, path, names=None, **changes):
    """The parameters as PyTorch names them: `names` are the modules', by default as in nn.Sequential."""
    learnt = [params for params in model.params if params]
    names = names or [str(2 * number) for number in range(len(learnt))]
    tensors = {}
    for module, params in zip(names, learnt, strict=True):
        tensors |= {f"{module}.{PYTORCH.get(name, name)}": array for name, array in params.items()}
        if "mean" in params:
            tensors[f"{module}.num_batches_tracked"] = np.array(7)
    tensors |= changes
    save_file({name: array for name, array in tensors.items() if array is not None}, path)
    return path


def assert_same(found, expected):
    for ours, theirs in zip(found.params, expected.params, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name])


@pytest.mark.parametrize("name", ZOO)
def test_every_network_of_the_zoo_comes_back(name, tmp_path):
    model = filled(ZOO[name].layers)
    assert_same(load_safetensors(saved(model, tmp_path / "net.safetensors"), name), model)


@pytest.mark.parametrize("number", [10, 2])
def test_modules_of_one_shape_go_in_natural_order_of_their_names(number, tmp_path):
    """layer10 comes after layer9, though not in the alphabet, nor in the file."""
    model = filled("flatten" + " | dense(width=10)" * 3, image_shape=(2, 5))
    names = [f"layer{number - 1}", f"layer{number}", f"layer{number + 90}"]
    assert_same(load_safetensors(saved(model, tmp_path / "n.safetensors", names), model.text, (2, 5)), model)


def test_names_are_free_where_shapes_tell(tmp_path):
    model = filled(ZOO["lenet"].layers)
    path = saved(model, tmp_path / "n.safetensors", ["net.last_conv", "net.conv_first", "net.a_fc"])
    assert_same(open_model(path, network="lenet"), model)


def test_a_module_without_bias_gets_one_of_zeros(tmp_path):
    model = filled("conv(channels=4) | batchnorm | relu | flatten | dense(width=10)")
    path = saved(model, tmp_path / "n.safetensors", ["conv1", "bn1", "fc"], **{"conv1.bias": None})
    model.params[0]["bias"][...] = 0
    assert_same(load_safetensors(path, model.text), model)


def test_half_precision_becomes_single(tmp_path):
    model = filled("flatten | dense(width=10)", image_shape=(2, 2))
    weight = model.params[1]["weight"].astype(np.float16)
    path = saved(model, tmp_path / "n.safetensors", ["fc"], **{"fc.weight": weight})
    found = load_safetensors(path, model.text, (2, 2)).params[1]["weight"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, weight.astype(np.float32))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"0.weight": np.zeros((8, 1, 5, 5), np.float32)},
            r"layer 1, .*'0.weight' as \(16, 1, 5, 5\), found \(8",
        ),
        ({"0.bias": np.zeros(8, np.float32)}, r"layer 1, .*'0.bias' as \(16,\), found \(8,\)"),
        (
            {"4.weight": np.zeros((10, 28), np.float32)},
            r"layer 8, .*'4.weight' as \(10, 1568\), found \(10, 28\)",
        ),
        ({"4.weight": None, "4.bias": None}, r"layer 8, .*weight \(10, 1568\), bias \(10,\), found nothing"),
        ({"6.weight": np.zeros((3, 3), np.float32)}, r"found '6.weight' \(3, 3\) as well"),
        ({"0.bias": np.zeros(16, np.int64)}, "'0.bias' as real numbers, found int64"),
        ({"0.bias": np.full(16, np.nan, np.float32)}, "'0.bias' that are not finite"),
    ],
)
def test_what_does_not_fit_is_named_with_both_shapes(changes, message, tmp_path):
    path = saved(filled(ZOO["lenet"].layers), tmp_path / "net.safetensors", **changes)
    with pytest.raises(ModelError, match=message):
        load_safetensors(path, "lenet")


def test_files_that_are_none_say_what_was_expected(tmp_path):
    for content in (b"", b"PK\x03\x04" + bytes(100), np.uint64(2**40).tobytes() + b"{}"):
        (tmp_path / "bad.safetensors").write_bytes(content)
        with pytest.raises(ModelError, match="expected a safetensors file"):
            load_safetensors(tmp_path / "bad.safetensors", "lenet")
    with pytest.raises(ModelError, match="cannot be read"):
        load_safetensors(tmp_path / "none.safetensors", "lenet")


def test_the_layers_have_to_be_named_and_known(tmp_path):
    path = saved(filled(ZOO["mlp"].layers), tmp_path / "net.safetensors")
    with pytest.raises(UsageError, match="--network NAME"):
        open_model(path)
    with pytest.raises(UsageError, match="'lenett'"):
        open_model(path, network="lenett")
    with pytest.raises(UsageError, match=r"\.onnx file"):
        open_model(path, "onnx", "mlp")


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingExtra, match=r'pip install "digitprep\[safetensors\]"'):
        load_safetensors(tmp_path / "net.safetensors", "mlp")


@pytest.mark.parametrize("suffix", ["pt", "pth", "pkl", "PTH"])
def test_pickles_are_refused_unread_with_the_reason_and_the_way_out(suffix, tmp_path):
    with pytest.raises(ModelError, match=r"(?s)pickle can run any code.*save_file\(model.state_dict\(\)"):
        open_model(tmp_path / f"net.{suffix}")


@pytest.mark.parametrize("name", ["net.ckpt", "net.bin", "net.pth.tar", "net.joblib"])
@pytest.mark.parametrize("is_archive", [True, False])
def test_pickles_are_known_by_their_content_too(name, is_archive, tmp_path):
    """PyTorch's are an archive with a pickle in it, those of others begin as pickles do."""
    path = tmp_path / name
    path.write_bytes(pickle.dumps([1]))
    if is_archive:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps([1]))
    with pytest.raises(ModelError, match="reading a pickle can run any code"):
        open_model(path)
    path.write_bytes(b"something else")
    with pytest.raises(ModelError, match="expected a model"):
        open_model(path)


@pytest.mark.parametrize("name", ["mlp", "lenet", "strided"])
def test_a_network_of_the_zoo_has_as_many_classes_as_the_file(name, tmp_path):
    """And images of the size that it was trained on."""
    model = filled(ZOO[name].layers_for(26), image_shape=(32, 20), classes=26)
    path = saved(model, tmp_path / "net.safetensors")
    found = load_safetensors(path, name, (32, 20))
    assert found.classes == 26
    assert_same(found, model)


def test_the_command_line_takes_classes_and_size_from_file_and_data(run, tmp_path):
    model = filled(ZOO["mlp"].layers_for(26), image_shape=(12, 9), classes=26)
    path = saved(model, tmp_path / "net.safetensors")
    images = np.random.default_rng(0).integers(0, 256, (30, 12, 9), dtype=np.uint8)
    dp.write(dp.Split(images, np.arange(30) % 26, "test"), tmp_path / "data.npz")
    printed = run("evaluate", "data.npz", "--model", path, "--network", "mlp", "--json").stdout
    expected = dp.evaluate(model, dp.Split(images, np.arange(30) % 26, "test"))
    assert json.loads(printed)["test"]["confusion"] == expected.confusion.tolist()


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_keras_files_are_refused_with_the_line_that_exports_onnx(suffix, tmp_path):
    with pytest.raises(ModelError, match=r'(?s)Keras.*model.export\("net.onnx", format="onnx"\)'):
        open_model(tmp_path / f"net.{suffix}")
