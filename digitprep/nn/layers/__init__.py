"""The layers of a network: options in, arithmetic out. `base` says what a layer is and how to add one.

`plain` has those that look at no neighbours, `spatial` convolutions and pools, `normalize` batch
normalisation.
"""

import importlib
import pkgutil

from digitprep.nn.layers.base import LAYERS, Array, Backward, Forward, Layer, Params, Shape

__all__ = ["LAYERS", "Array", "Backward", "Forward", "Layer", "Params", "Shape"]

for _module in pkgutil.iter_modules(__path__):  # each layer registers itself
    importlib.import_module(f"{__name__}.{_module.name}")
