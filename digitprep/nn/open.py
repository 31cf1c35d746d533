"""A network from any file that holds one: `open_model`.

    .npz           digitprep's own, with its layers and notes
    .onnx          any framework's, run by OpenCV
    .safetensors   the parameters of a PyTorch network whose layers the caller names

Pickles, known by their content too, and formats that need their framework to be read, are refused with
a way out.
"""

from __future__ import annotations

import zipfile
from contextlib import suppress
from os import PathLike
from pathlib import Path

from digitprep.errors import ModelError, UsageError
from digitprep.nn.engines import Classifier, OnnxModel
from digitprep.nn.store import load_model

# Each is one line: the command line shows the end of one as it shows those in names that mean harm.
_PICKLE = (
    "it is, or may be, a pickle, and reading a pickle can run any code that someone put into it; "
    "save the network again, in Python: `from safetensors.torch import save_file; "
    'save_file(model.state_dict(), "net.safetensors")`, then --model net.safetensors --network NAME; '
    "or, for a network of any layers: "
    '`torch.onnx.export(model.eval(), torch.zeros(1, 1, 28, 28), "net.onnx")`, then --model net.onnx'
)
_KERAS = (
    "reading it takes Keras itself, and it can hold code as well as numbers; "
    'save the network again, in Python: `model = keras.saving.load_model("net.keras"); '
    'model.export("net.onnx", format="onnx")`, then --model net.onnx'
)
REFUSED = {
    **dict.fromkeys([".pt", ".pth", ".pkl", ".pickle"], _PICKLE),
    **dict.fromkeys([".h5", ".keras"], _KERAS),
}


def open_model(
    path: str | PathLike[str] | None = None,
    options: str | None = None,
    network: str | None = None,
    image_shape: tuple[int, ...] = (28, 28),
) -> Classifier:
    """The network in a file, or the bundled one without a path.

    options: how an ONNX network takes its images: `onnx(layout="nhwc")`, see `Onnx`
    network: the network of the zoo, or the text of one, that a safetensors file belongs to
    image_shape: (H, W) or (H, W, 3) of the images that a safetensors file was trained on

    Raises ModelError where the file holds no network or must not be read, UsageError where an
    option is missing or does not go with the file, MissingExtra where a package is missing.
    """
    suffix = Path(path).suffix.lower() if path is not None else ""
    if suffix in REFUSED:
        raise ModelError(f"{path}: refused: {REFUSED[suffix]}")
    if options is not None and suffix != ".onnx":
        raise UsageError(f"input options are for an .onnx file, found {path or 'the bundled network'}")
    if network is not None and suffix != ".safetensors":
        raise UsageError(f"a network's layers are for a .safetensors file, found {path or 'none'}")
    if path is not None and suffix == ".onnx":
        return OnnxModel(path, options or "onnx")
    if path is None or suffix != ".safetensors":
        if path is not None and _is_pickle(Path(path)):
            raise ModelError(f"{path}: refused: {_PICKLE}")
        return load_model(path)
    if network is None:
        raise UsageError(
            f"{path} holds parameters but not the layers they belong to; "
            "name them with --network NAME or --layers TEXT"
        )
    from digitprep.nn.safetensors import load_safetensors

    return load_safetensors(path, network, image_shape)


def _is_pickle(file: Path) -> bool:
    """Whether a file starts as pickles do, or is an archive with one inside, as PyTorch makes them."""
    if not file.is_file():
        return False
    with suppress(OSError, ValueError, NotImplementedError, zipfile.BadZipFile):  # of odd archives
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                return any(name.endswith(".pkl") for name in archive.namelist())
        with file.open("rb") as stream:
            return stream.read(1) == b"\x80"
    return False
