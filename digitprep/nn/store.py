"""Models as files: one .npz with the network's text, its notes and every parameter array.

    digitprep_model   the version of this layout, an integer
    network           JSON text: layers, image_shape, class_names, metadata
    0.weight, 0.bias  the float32 parameters, by number of layer and name

Nothing in it is pickled, so a model of unknown origin can be read without running its code.
"""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from digitprep.archive import array_entry, read_arrays
from digitprep.errors import DigitprepError, ModelError
from digitprep.nn.layers import Array
from digitprep.nn.model import Model
from digitprep.place import place, writing
from digitprep.sync import sync_file, sync_folder

VERSION = 1
SMALL = 1 << 20  # parameters for which memory is taken, whether the file has them or not
BUNDLED = Path(__file__).parent / "weights" / "digitnet.npz"


def load_model(path: str | PathLike[str] | None = None) -> Model:
    """The model saved at `path`, or the one that comes with digitprep.

    Raises ModelError naming the file, what was expected in it and what was found.
    """
    file = BUNDLED if path is None else Path(path)
    arrays = read_npz(file, "a model", "digitprep train writes models")
    version = _text_or_number(arrays, "digitprep_model", file)
    if version != VERSION:
        raise ModelError(
            f"{file}: expected a model of layout {VERSION}, found {version}; a newer digitprep may read it"
        )
    network = _text_or_number(arrays, "network", file)
    model = _network(network, max(SMALL, sum(array.size for array in arrays.values())), file)
    expected = dict(_named(model))
    for name in sorted(arrays.keys() - expected.keys()):
        raise ModelError(f"{file}: expected parameters for {model.text}, found an extra array {name!r}")
    for name, param in expected.items():
        param[...] = _checked(arrays, name, param, file)
    return model


def save_model(model: Model, path: str | PathLike[str], overwrite: bool = False) -> None:
    """Write a model, as a whole or not at all; the same model gives the same bytes.

    Raises UsageError where the file is there already, without `overwrite`, and DigitprepError where
    the disk refuses.
    """
    network = {
        "layers": model.text,
        "image_shape": model.image_shape,
        "class_names": model.class_names,
        "metadata": model.metadata,
    }
    arrays: dict[str, Array] = {
        "digitprep_model": np.array(VERSION, dtype="<i8"),
        "network": np.array(json.dumps(network, sort_keys=True, ensure_ascii=False)),
    }
    arrays.update((name, param.astype("<f4")) for name, param in _named(model))
    content = npz_bytes(arrays)
    place(Path(path), lambda result: result.write_bytes(content), overwrite=overwrite)


def write_whole(file: Path, content: bytes) -> None:
    """Replace a file through a neighbour: a kill or a power cut leaves the old bytes or the new ones.

    What a killed run leaves of the neighbour, the next one takes over.

    Raises DigitprepError where the disk refuses.
    """
    partial = file.with_name(f".{file.name[-60:]}.partial")  # longer than a long name, it would be no name
    try:
        with writing(file):
            partial.write_bytes(content)
            sync_file(partial)
            partial.replace(file)
            sync_folder(file.parent)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def npz_bytes(arrays: dict[str, Array]) -> bytes:
    """What np.savez writes, but always the same bytes: no clock, no trace of the operating system."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            npy.write_array(content, array, allow_pickle=False)
            archive.writestr(array_entry(name, 0o600), content.getvalue())
    return buffer.getvalue()


def read_npz(file: Path, what: str, advice: str) -> dict[str, Array]:
    """Every array of an .npz file by name. Raises ModelError where the file is not `what` it should be."""
    if not file.is_file():
        raise ModelError(f"{file}: expected {what}, found {'a folder' if file.is_dir() else 'nothing'}")
    try:
        with file.open("rb") as opened:
            if not zipfile.is_zipfile(opened):
                found = "something else, or half of one"
                raise ModelError(f"{file}: expected {what} (.npz), found {found}; {advice}")
            return read_arrays(opened)
    except (OSError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"{file}: expected {what} of plain arrays, found a damaged file or pickled objects ({error}); "
            f"{advice}"
        ) from None


def _text_or_number(arrays: dict[str, Array], name: str, file: Path) -> Any:
    array = arrays.pop(name, None)
    if array is None or array.ndim != 0:
        raise ModelError(
            f"{file}: expected a model of digitprep, found no {name!r} in it; digitprep train writes models"
        )
    return array.item()


def _network(text: Any, parameters: int, file: Path) -> Model:
    """A fresh model as the network's JSON describes it, of no more than so many parameters."""
    try:
        network = json.loads(text)
        names = [str(name) for name in network["class_names"]]
        shape = [int(side) for side in network["image_shape"]]
        model = Model.build(network["layers"], shape, len(names), 0, names, parameters)
        model.metadata.update((str(key), str(value)) for key, value in network["metadata"].items())
    except DigitprepError as error:
        raise ModelError(f"{file}: its network cannot be built: {error}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise ModelError(
            f"{file}: expected JSON with layers, image_shape, class_names and metadata as its network, "
            f"found something else ({type(error).__name__}: {error})"
        ) from None
    return model


def _named(model: Model) -> list[tuple[str, Array]]:
    """The parameters under the names that they have in a file."""
    return [
        (f"{number}.{name}", param)
        for number, params in enumerate(model.params)
        for name, param in params.items()
    ]


def _checked(arrays: dict[str, Array], name: str, param: Array, file: Path) -> Array:
    array = arrays.get(name)
    expected = f"{file}: expected {name!r} as {param.shape} float32"
    if array is None:
        raise ModelError(f"{expected}, found no such array")
    if array.shape != param.shape or array.dtype != np.float32:
        raise ModelError(f"{expected}, found {array.shape} {array.dtype}")
    if not np.isfinite(array).all():
        raise ModelError(f"{expected}, found values in it that are not finite; train the model again")
    return array
