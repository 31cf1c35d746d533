"""Files that pages find where they are run: what their readers bring along, and what a checkout holds."""

from __future__ import annotations

import csv
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from places import PHOTOS, ROOT
from safetensors.numpy import save_file

import digitprep as dp

FIRST_IMAGE = 2041  # phones count their photos


def the_samples(folder: Path) -> None:
    shutil.copytree(ROOT / "samples", folder / "samples")


def letter(folder: Path) -> None:
    """An A of three strokes."""
    picture = Image.new("L", (160, 160), 235)
    pen = ImageDraw.Draw(picture)
    pen.line([(50, 125), (80, 30), (112, 125)], fill=40, width=9, joint="curve")
    pen.line([(62, 92), (100, 92)], fill=40, width=9)
    picture.save(folder / "letter.jpg")


def forty_two(folder: Path) -> None:
    """Two of the sample photos side by side, a 4 and a 2."""
    four, two = (Image.open(PHOTOS / name) for name in ("04.jpg", "03.jpg"))
    picture = Image.new("RGB", (four.width + two.width, four.height))
    picture.paste(four, (0, 0))
    picture.paste(two, (four.width, 0))
    picture.save(folder / "forty-two.jpg")


def blank(folder: Path) -> None:
    Image.new("L", (160, 160), 235).save(folder / "blank.jpg")


def photos_zip(folder: Path) -> None:
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        for file in sorted((PHOTOS).glob("*.jpg")):
            archive.write(file, file.name)


def theirs(folder: Path) -> None:
    """A network as PyTorch would have trained it: its state_dict, and one for normalised pixels as ONNX."""
    model = dp.Model.build("flatten | dense(width=128) | relu | dense(width=10)")
    data = dp.read(ROOT / "samples" / "digits" / "idx")
    for _ in dp.train(model, data["train"], epochs=10, optimizer="adam(rate=0.003)"):
        pass
    _, first, _, second = model.params
    names = {"net.1": first, "net.3": second}
    tensors = {f"{name}.{key}": array for name, params in names.items() for key, array in params.items()}
    save_file(tensors, folder / "theirs.safetensors")
    # The same function of (x - mean) / deviation as before of x.
    mean, deviation = 0.1307, 0.3081
    first["bias"] += mean * first["weight"].sum(axis=1)
    first["weight"] *= deviation
    dp.export_onnx(model, folder / "theirs.onnx")


def samples() -> Iterator[tuple[Path, str]]:
    """The sample photos, and what each shows."""
    with (PHOTOS / "labels.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            yield PHOTOS / row["file"], row["label"]


def photos_in_folders(folder: Path) -> None:
    """`photos/`: 22 photos with a phone's names, in a folder a digit; one of them is in the wrong folder,
    one is HEIC, one lies on its side, one shows two digits and one nothing.
    """
    photos = folder / "photos"
    for digit in "0123456789":
        (photos / digit).mkdir(parents=True)
    for number, (sample, label) in enumerate(samples(), FIRST_IMAGE):
        where = photos / ("4" if sample.stem == "10" else label)  # a 9 among the fours
        if sample.stem == "09":
            write_heic(sample, where / f"IMG_{number}.HEIC")
        else:
            (where / f"IMG_{number}{sample.suffix}").write_bytes(sample.read_bytes())
    written("").save(photos / "7" / "IMG_2061.jpg")
    written("42").save(photos / "2" / "IMG_2062.jpg")


def write_heic(photo: Path, file: Path) -> None:
    """The photo as phones of one maker store it."""
    from pillow_heif import from_pillow

    with Image.open(photo) as picture:
        from_pillow(picture.convert("RGB")).save(file, quality=90)


def written(text: str) -> Image.Image:
    """A text on grey paper."""
    paper = np.full((420, 560), 225, np.uint8)
    cv2.putText(paper, text, (120, 280), cv2.FONT_HERSHEY_SIMPLEX, 6, 50, 14, cv2.LINE_AA)
    return Image.fromarray(paper)


def kaggle(folder: Path) -> None:
    """`kaggle/`: train.csv and test.csv as Kaggle's competition has them, the latter without labels."""
    (folder / "kaggle").mkdir()
    names = [f"pixel{number}" for number in range(784)]
    for split in dp.read(ROOT / "samples" / "digits" / "idx").values():
        pixels = split.images.reshape(len(split), 784)
        is_train = split.name == "train"
        rows = np.column_stack([split.labels, pixels]) if is_train else pixels
        header = ",".join([*(["label"] if is_train else []), *names])
        file = folder / "kaggle" / f"{split.name}.csv"
        np.savetxt(file, rows, fmt="%d", delimiter=",", header=header, comments="")


def class_pages(folder: Path) -> None:
    """`pages/`: a page each of three pupils with the digits from 0 to 9 in two rows; Ben's second 4 is a 6,
    and Carla left out the last 9. `room-13/`: one each of two who wrote them all.
    """
    digits = dp.read(ROOT / "samples" / "digits" / "idx")["test"]
    right = "0123456789 0123456789"
    rows = {"pages/anna": right, "pages/ben": "0123456789 0123656789", "pages/carla": "0123456789 012345678"}
    rows |= {"room-13/dora": right, "room-13/emil": right}
    for first, (name, text) in enumerate(rows.items()):
        paper = np.full((600, 1300), 232, np.float32)
        for row, word in enumerate(text.split()):
            for column, digit in enumerate(word):
                own = digits.images[digits.labels == int(digit)][2 * first + row]
                top, left = 90 + 260 * row, 60 + 120 * column
                ink = cv2.resize(own, (112, 112), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
                paper[top : top + 112, left : left + 112] -= 180 * ink
        noise = np.random.default_rng(first).normal(0, 2, paper.shape)
        picture = np.clip(paper + noise, 0, 255).astype(np.uint8)
        page = folder / f"{name}.jpg"
        page.parent.mkdir(exist_ok=True)
        Image.fromarray(picture).save(page)


def pupils_photos(folder: Path) -> None:
    """`fatma/` and `georg/`: the sample photos, one of each digit for either, in a folder a digit."""
    for sample, label in samples():
        pupil = "georg" if (folder / "fatma" / label).exists() else "fatma"
        (folder / pupil / label).mkdir(parents=True)
        shutil.copy(sample, folder / pupil / label)


def keras_model(folder: Path) -> None:
    """`my_model.keras`, where Keras is there, and the same as `my_model.onnx`, as Keras exports it.

    It was trained on the small sample set and reads less than a good one.
    """
    model = dp.Model.build("flatten | dense(width=64) | relu | dense(width=10)")
    for _ in dp.train(model, dp.read(ROOT / "samples" / "digits" / "idx")["train"], epochs=10):
        pass
    dense = (model.params[1], model.params[3])
    weights = [array for params in dense for array in (params["weight"].T, params["bias"])]
    write_onnx(weights, folder / "my_model.onnx")
    if find_spec("torch") and find_spec("keras"):
        os.environ.setdefault("KERAS_BACKEND", "torch")
        write_keras(weights, folder / "my_model.keras")


def write_onnx(weights: list[NDArray[np.float32]], file: Path) -> None:
    """Two dense layers on images of (N, 28, 28, 1), and a softmax."""
    from onnx import TensorProto, helper, numpy_helper, save

    first, first_bias, second, second_bias = weights
    arrays = {"shape": np.array([-1, 784]), "a": first, "b": first_bias, "c": second, "d": second_bias}
    nodes = [
        helper.make_node("Reshape", ["input", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "a"], ["a_flat"]),
        helper.make_node("Add", ["a_flat", "b"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "c"], ["c_active"]),
        helper.make_node("Add", ["c_active", "d"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "my_model",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ("batch", 28, 28, 1))],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ("batch", 10))],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), file)


def write_keras(weights: list[NDArray[np.float32]], file: Path) -> None:
    """The same network as Keras stores it."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.set_weights(weights)
    model.save(file)


# Each makes its files in the reader's folder.
FILES: dict[str, Callable[[Path], None]] = {
    "blank": blank,
    "class-pages": class_pages,
    "forty-two": forty_two,
    "kaggle": kaggle,
    "keras-model": keras_model,
    "letter": letter,
    "photos-in-folders": photos_in_folders,
    "photos.zip": photos_zip,
    "pupils-photos": pupils_photos,
    "samples": the_samples,
    "theirs": theirs,
}
