"""The versions of what decides about results: with others a photo may become another image."""

from __future__ import annotations

import platform
from contextlib import suppress
from importlib import import_module

from digitprep.opencv import cv2

PACKAGES = {"digitprep": "digitprep", "NumPy": "numpy", "Pillow": "PIL"}
OPTIONAL = {"pillow-heif": "pillow_heif"}


def versions() -> dict[str, str | None]:
    """The versions, here, of Python and the packages, None for an optional one that is not there.

    Raises MissingExtra where OpenCV cannot be imported.
    """
    found: dict[str, str | None] = {}
    for name, module in PACKAGES.items():
        found[name] = str(import_module(module).__version__)
    for name, module in OPTIONAL.items():
        found[name] = None
        with suppress(ImportError):
            found[name] = str(import_module(module).__version__)
    found["OpenCV"] = str(cv2.__version__)
    return found | {"Python": ".".join(platform.python_version_tuple()[:2])}
