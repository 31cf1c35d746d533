"""The model and its file, and the text of everything around it that has a name."""

import json
import pickle
import zipfile

import numpy as np
import pytest

from digitprep.errors import DigitprepError, ModelError, UsageError
from digitprep.nn import (
    AUGMENTATIONS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    ZOO,
    Model,
    load_model,
)

SMALL = "conv(channels=2) | relu | maxpool | flatten | dense(width=4)"


@pytest.fixture
def model() -> Model:
    return Model.build(SMALL, (8, 8), classes=4)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize("registry", [LOSSES, OPTIMIZERS, SCHEDULES, AUGMENTATIONS], ids=lambda r: r.kind)
def test_everything_named_round_trips(registry):
    """Text, dict and pickle give the same spec back."""
    for name in registry:
        spec = registry[name]()
        assert registry.parse(str(spec)) == registry.from_dict(spec.to_dict()) == spec
        assert pickle.loads(pickle.dumps(spec)) == spec
        assert registry.summary(name)


# The model


def test_build_counts_names_and_reads_back(model):
    """A model knows its text, its parameters and its classes."""
    assert model.text == "conv(channels=2) | relu | maxpool | flatten | dense(width=4)"
    assert model.parameters == 2 * 9 + 2 + 18 * 4 + 4
    assert model.class_names == ("0", "1", "2", "3")
    again = Model.build(model.text, (8, 8), classes=4)
    np.testing.assert_array_equal(again.params[0]["weight"], model.params[0]["weight"])
    other = Model.build(model.text, (8, 8), classes=4, seed=1)
    assert (other.params[0]["weight"] != model.params[0]["weight"]).any()


@pytest.mark.parametrize(
    ("text", "shape", "error", "words"),
    [
        ("flatten | dense(width=9)", (28, 28), ModelError, r"gives \(9,\), expected \(10,\)"),
        ("conv(channels=2) | relu", (28, 28), ModelError, "end it with flatten"),
        ("relu | dense(width=10)", (28, 28), ModelError, r"layer 2, dense.*: .*put flatten before it"),
        ("maxpool(size=9) | conv(channels=2, kernel=5)", (28, 28), ModelError, "layer 2, conv"),
        ("flatten | dence", (28, 28), UsageError, "did you mean 'dense'"),
        (
            "conv(channels=4096) | flatten | dense(width=16384) | dense(width=10)",
            (900, 900),
            ModelError,
            "memory",
        ),
        ("flatten | dense", (28, 28), UsageError, "needs a value for width"),
        ("", (28, 28), UsageError, "no list of layers"),
        ("flatten | dense(width=10)", (28,), ModelError, "image shape"),
        ("flatten | dense(width=10)", (28, 28, 4), ModelError, "image shape"),
        ("flatten | dense(width=10)", (0, 28), ModelError, "image shape"),
    ],
)
def test_networks_that_cannot_be_say_why(text, shape, error, words):
    """Building names the layer, what was found and what to do."""
    with pytest.raises(error, match=words):
        Model.build(text, shape)


@pytest.mark.parametrize(
    ("names", "words"),
    [("aba", "found 'a' 2 times"), (["a", "", "c"], "found none for class 1"), ([], "found 0")],
)
def test_class_names_tell_the_classes_apart(names, words):
    """A report by class would lose one of two that are called alike."""
    with pytest.raises(UsageError, match=words):
        Model.build("flatten | dense(width=3)", classes=3, class_names=names)


def test_class_names_are_one_a_class():
    """Two names for ten classes are a mistake."""
    with pytest.raises(UsageError, match="a name for each of 10"):
        Model.build("flatten | dense(width=10)", class_names=["a", "b"])


def test_outputs_do_not_depend_on_the_batch(model, images):
    """One image or many, in any batch: the same probabilities, which sum to one."""
    probabilities = model.probabilities(images)
    assert probabilities.shape == (5, 4)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(model.probabilities(images, batch=2), probabilities, rtol=1e-5)
    digits, confidences = model.predict(images)
    digit, confidence = model.predict(images[3])
    assert (type(digit), type(confidence)) == (int, float)
    assert digit == digits[3]
    assert confidence == pytest.approx(confidences[3], rel=1e-5)
    assert model.logits(images[:0]).shape == (0, 4)


def test_colour_images_have_three_channels(images):
    """(H, W, 3) works like (H, W), for one image and for many."""
    model = Model.build(SMALL, (8, 8, 3), classes=4)
    assert model.params[0]["weight"].shape == (2, 3, 3, 3)
    colour = np.stack([images] * 3, axis=-1)
    assert model.predict(colour)[0].shape == (5,)
    assert isinstance(model.predict(colour[0])[0], int)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((5, 9, 8), np.uint8),
        np.zeros((5, 8, 8)),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros(64, np.uint8),
        "x",
    ],
)
def test_images_of_another_kind_are_refused(model, wrong):
    """The message says what fits, what came, and what makes it fit."""
    with pytest.raises(ModelError, match=r"expected images of \(8, 8\) uint8.*found"):
        model.predict(wrong)


# Files


def test_a_saved_model_comes_back_whole(model, images, tmp_path):
    """Layers, names, notes and every bit of the parameters, in the same bytes each time."""
    model.class_names = ("naught", "one", "two", "three")
    model.metadata["trained"] = "äußerst gut"
    model.save(tmp_path / "a.npz")
    model.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]
    again = load_model(tmp_path / "a.npz")
    assert (again.text, again.image_shape) == (model.text, model.image_shape)
    assert (again.class_names, again.metadata) == (model.class_names, model.metadata)
    np.testing.assert_array_equal(again.logits(images), model.logits(images))


def test_saving_replaces_nothing_unasked(model, tmp_path):
    """An existing file stays as it is, unless overwrite is given."""
    file = tmp_path / "m.npz"
    file.write_text("mine")
    with pytest.raises(UsageError, match="overwrite"):
        model.save(file)
    assert file.read_text() == "mine"
    model.save(file, overwrite=True)
    assert load_model(file).text == model.text


def test_saving_creates_folders_keeps_links_and_takes_long_names(model, tmp_path):
    file = tmp_path / "new" / ("x" * 251 + ".npz")
    model.save(file)
    assert load_model(file).text == model.text
    link = tmp_path / "link.npz"
    link.symlink_to(file)
    model.save(link, overwrite=True)
    assert link.is_symlink()
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_what_the_disk_refuses_to_save_names_the_file(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DigitprepError, match=r"m\.npz: cannot be written") as caught:
        model.save(tmp_path / "file" / "m.npz")
    assert caught.value.exit_code == 1


def rewritten(model, file, **changes):
    """A saved model with some of its arrays replaced, added or (None) taken out."""
    model.save(file, overwrite=True)
    with np.load(file) as archive:
        arrays = dict(archive) | {name.replace("__", "."): array for name, array in changes.items()}
    np.savez(file, **{name: array for name, array in arrays.items() if array is not None})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"4__bias": None}, r"expected '4.bias' as \(4,\) float32, found no such array"),
        ({"4__bias": np.zeros(5, np.float32)}, r"found \(5,\) float32"),
        ({"4__bias": np.zeros(4)}, r"found \(4,\) float64"),
        ({"4__bias": np.full(4, np.nan, np.float32)}, "not finite"),
        ({"4__bias": np.array([{}] * 4, dtype=object)}, "pickled objects"),
        ({"5__bias": np.zeros(4, np.float32)}, "extra array '5.bias'"),
        ({"digitprep_model": None}, "no 'digitprep_model' in it"),
        ({"digitprep_model": np.array(2)}, "layout 1, found 2"),
        ({"network": None}, "no 'network' in it"),
        ({"network": np.array("{")}, "expected JSON"),
        ({"network": np.array("[]")}, "expected JSON"),
        ({"network": np.array(7)}, "expected JSON"),
    ],
)
def test_a_file_that_does_not_fit_says_where(model, tmp_path, changes, words):
    """Each error names the file, what was expected and what was found."""
    file = tmp_path / "m.npz"
    rewritten(model, file, **changes)
    with pytest.raises(ModelError, match=words) as caught:
        load_model(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"layers": "flatten | nonsense"}, "nonsense"),
        ({"layers": 3}, "expected JSON"),
        ({"image_shape": [8]}, "image shape"),
        ({"class_names": []}, "gives"),
        ({"metadata": None}, "expected JSON"),
    ],
)
def test_a_network_that_cannot_be_built_says_why(model, tmp_path, entry, words):
    """An unknown layer or a broken description is the file's fault, and a ModelError."""
    file = tmp_path / "m.npz"
    good = {"layers": model.text, "image_shape": [8, 8], "class_names": ["a", "b", "c", "d"], "metadata": {}}
    rewritten(model, file, network=np.array(json.dumps(good | entry)))
    with pytest.raises(ModelError, match=words):
        load_model(file)


def test_files_that_are_no_models_are_refused(tmp_path):
    """Nothing, a folder, other bytes, a lone array and other archives."""
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    for name in ("missing.npz", ".", "array.npy", "text.npz", "empty.npz", "other.npz"):
        with pytest.raises(ModelError, match="expected"):
            load_model(tmp_path / name)


def test_damage_anywhere_is_noticed_or_harmless(model, tmp_path):
    """Cut at any length, a file is refused; with a byte changed, it is refused or the same model."""
    file = tmp_path / "m.npz"
    model.save(file)
    whole = file.read_bytes()
    for length in range(0, len(whole), 37):
        file.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            load_model(file)
    for position in range(0, len(whole), 11):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        try:
            again = load_model(file)
        except ModelError:
            continue
        assert again.text == model.text
        np.testing.assert_array_equal(again.params[4]["weight"], model.params[4]["weight"])


def test_the_bundled_network_is_small_and_reads():
    """It comes with the package, takes 28 x 28 images and stays below 500 KB."""
    model = load_model()
    assert (model.image_shape, model.classes) == ((28, 28), 10)
    assert model.parameters * 4 < 500_000
    assert model.text == ZOO["digitnet"].layers
