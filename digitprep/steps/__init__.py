"""Steps: what can be done to one image, each a small frozen dataclass that is called with it."""

import importlib
import pkgutil

from digitprep.steps.base import STEPS, Box, Image, Step

__all__ = ["STEPS", "Box", "Image", "Step"]

for _module in pkgutil.iter_modules(__path__):  # each step registers itself
    importlib.import_module(f"{__name__}.{_module.name}")
