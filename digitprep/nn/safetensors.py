"""A PyTorch `state_dict` in safetensors form, as a model of ours.

The file names its tensors but not the layers, so the layers come from the caller. Its modules
("conv1" with its weight and bias) are matched with the layers that have parameters: in the order of
the layers, each gets the first unused module, in natural order of names, whose shapes fit.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from digitprep.errors import ModelError
from digitprep.extra import extra
from digitprep.names import natural_key
from digitprep.nn.layers import LAYERS, Array, Params
from digitprep.nn.layers.plain import Dense
from digitprep.nn.model import Model
from digitprep.nn.zoo import ZOO

_OURS = {"running_mean": "mean", "running_var": "variance"}
_IGNORED = "num_batches_tracked"


def load_safetensors(
    path: str | PathLike[str], network: str, image_shape: tuple[int, ...] = (28, 28)
) -> Model:
    """The model with the parameters of a file, for a network of the zoo or the text of any other.

    The names of the modules are free: "0.weight", "conv1.weight" and "features.0.weight" all do. A
    module without bias gets one of zeros. A network of the zoo gets as many classes as the file has
    outputs.

    image_shape: (H, W), or (H, W, 3) for colour, of the images that it was trained on

    Raises ModelError naming the tensor, the shape expected and the one found; UsageError where the
    network's text cannot be read; MissingExtra without the safetensors package.
    """
    file = Path(path)
    modules = _modules(_read(file), file)
    text = _zoo_layers(network, modules, image_shape) if network in ZOO else network
    widths = [layer.width for layer in LAYERS.parse_chain(text) if isinstance(layer, Dense)]
    model = Model.build(text, image_shape, widths[-1] if widths else 10)
    for number, (layer, params) in enumerate(zip(model.layers, model.params, strict=True), start=1):
        if params:
            module = modules.pop(_fitting(modules, params, f"{file}: layer {number}, {layer}"))
            for name, param in params.items():
                param[...] = module.get(name, 0)
    if modules:
        raise ModelError(
            f"{file}: expected the parameters of {text}, found {_listed(modules)} as well; "
            "name the network that the file was saved from"
        )
    return model


def _zoo_layers(network: str, modules: dict[str, Params], image_shape: tuple[int, ...]) -> str:
    """The layers of a network of the zoo with as many outputs as the module that can be its last one."""
    usual = Model.build(ZOO[network].layers, image_shape)
    inputs = next(params["weight"].shape[1] for params in reversed(usual.params) if params)
    weights = [module["weight"] for module in modules.values() if "weight" in module]
    classes = [len(weight) for weight in weights if weight.ndim == 2 and weight.shape[1] == inputs]
    return ZOO[network].layers_for(classes[-1] if classes else usual.classes)


def _modules(tensors: dict[str, Array], file: Path) -> dict[str, Params]:
    """Tensors by module, in natural order of names, under our names of parameters."""
    modules: dict[str, Params] = {}
    for name in sorted(tensors, key=natural_key):
        module, _, param = name.rpartition(".")
        if param != _IGNORED:
            modules.setdefault(module, {})[_OURS.get(param, param)] = _checked(tensors[name], name, file)
    return modules


def _checked(tensor: Array, name: str, file: Path) -> Array:
    if not np.issubdtype(tensor.dtype, np.floating):
        raise ModelError(f"{file}: expected {name!r} as real numbers, found {tensor.dtype}")
    if not np.isfinite(tensor).all():
        raise ModelError(f"{file}: found values in {name!r} that are not finite; train the network again")
    return tensor.astype(np.float32)


def _fitting(modules: dict[str, Params], params: Params, place: str) -> str:
    """The name of the first module whose tensors have the shapes of these parameters."""
    for name, module in modules.items():
        if {"bias": params["bias"].shape} | _shapes(module) == _shapes(params):
            return name
    for name, module in modules.items():  # none does: which was meant, and what of it does not fit?
        if module.keys() | {"bias"} == params.keys() and module["weight"].ndim == params["weight"].ndim:
            param = next(key for key in module if module[key].shape != params[key].shape)
            raise ModelError(
                f"{place}: expected '{name}.{param}' as {params[param].shape}, found {module[param].shape}; "
                "name the network that the file was saved from"
            )
    expected = ", ".join(f"{param} {shape}" for param, shape in _shapes(params).items())
    raise ModelError(f"{place}: expected {expected}, found {_listed(modules) or 'nothing that is left'}")


def _shapes(params: Params) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in params.items()}


def _listed(modules: dict[str, Params]) -> str:
    tensors = [
        (f"'{module}.{name}'", array.shape)
        for module, params in modules.items()
        for name, array in params.items()
    ]
    return ", ".join(f"{name} {shape}" for name, shape in tensors)


def _read(file: Path) -> dict[str, Array]:
    """Every tensor of the file by name."""
    safetensors = extra("safetensors.numpy", "reading safetensors")
    try:
        tensors: dict[str, Array] = safetensors.numpy.load(file.read_bytes())
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror}); expected a safetensors file") from None
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelError(
            f"{file}: expected a safetensors file of float32, found something else ({error}); in Python: "
            "`from safetensors.torch import save_file; "
            'save_file(model.float().state_dict(), "net.safetensors")`'
        ) from None
    return tensors
