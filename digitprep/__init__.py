"""digitprep: other people's handwriting in MNIST's format, any digit dataset in any other.

The public names are imported from their modules on first use, so that importing the package, and
with it `digitprep --help`, costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digitprep.acceptance import judge as judge
    from digitprep.conformance import check as check
    from digitprep.conformance import check_all as check_all
    from digitprep.contents import difference as difference
    from digitprep.contents import fingerprint as fingerprint
    from digitprep.dataset import Dataset as Dataset
    from digitprep.dataset import Split as Split
    from digitprep.downloads import download as download
    from digitprep.errors import DataError as DataError
    from digitprep.errors import DigitprepError as DigitprepError
    from digitprep.errors import MissingExtra as MissingExtra
    from digitprep.errors import ModelError as ModelError
    from digitprep.errors import StepError as StepError
    from digitprep.errors import UsageError as UsageError
    from digitprep.evaluating import evaluate as evaluate
    from digitprep.formats import read as read
    from digitprep.formats import read_idx as read_idx
    from digitprep.formats import stream as stream
    from digitprep.formats import write as write
    from digitprep.formats import write_idx as write_idx
    from digitprep.nn import Model as Model
    from digitprep.nn import load_model as load_model
    from digitprep.nn import train as train
    from digitprep.nn.function import FunctionModel as FunctionModel
    from digitprep.nn.onnx import export_onnx as export_onnx
    from digitprep.nn.open import open_model as open_model
    from digitprep.photos import load_photo as load_photo
    from digitprep.pipeline import Pipeline as Pipeline
    from digitprep.recipes import prepare as prepare
    from digitprep.segment import read_page as read_page
    from digitprep.selection import divide as divide

__version__ = "0.1.0"

_HOMES = {
    "acceptance": ("judge",),
    "conformance": ("check", "check_all"),
    "contents": ("difference", "fingerprint"),
    "dataset": ("Dataset", "Split"),
    "downloads": ("download",),
    "errors": ("DataError", "DigitprepError", "MissingExtra", "ModelError", "StepError", "UsageError"),
    "evaluating": ("evaluate",),
    "formats": ("read", "read_idx", "stream", "write", "write_idx"),
    "nn": ("Model", "load_model", "train"),
    "nn.function": ("FunctionModel",),
    "nn.onnx": ("export_onnx",),
    "nn.open": ("open_model",),
    "photos": ("load_photo",),
    "pipeline": ("Pipeline",),
    "recipes": ("prepare",),
    "segment": ("read_page",),
    "selection": ("divide",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
