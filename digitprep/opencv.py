"""OpenCV, imported on first use, with a way out where it cannot be.

`from digitprep.opencv import cv2` costs nothing until a function of it is called, so that
`--help`, `list`, `info` and `convert` neither wait for OpenCV nor need it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from digitprep.errors import MissingExtra, Unavailable

if TYPE_CHECKING:
    import cv2 as cv2  # the same name twice: exported
else:

    class _OpenCV:
        def __getattr__(self, name: str) -> Any:
            return getattr(_load(), name)

    cv2 = _OpenCV()

NO_MEMORY = -4  # cv2.Error.StsNoMem


@contextmanager
def in_memory_of(photo: object) -> Iterator[None]:
    """Turn a want of memory, NumPy's or OpenCV's, into an Unavailable of this photo."""
    try:
        yield
    except Exception as error:
        short = isinstance(error, MemoryError) or getattr(error, "code", None) == NO_MEMORY
        if not short:
            raise
        raise Unavailable.of(
            str(photo),
            expected="a photo that can be worked on in the memory there is",
            found="one that takes more",
            advice="raise --max-memory, or make it smaller",
        ) from error


def _load() -> Any:
    try:
        module = importlib.import_module("cv2")
    except ImportError as error:
        raise MissingExtra(
            f"OpenCV cannot be imported ({error}). It does the work on images here. On a Linux "
            "server without a screen, either install the system libraries it links to "
            "(Debian, Ubuntu: apt-get install libgl1 libglib2.0-0), or put the build that does "
            "without them in its place: pip uninstall opencv-python; pip install "
            "opencv-python-headless"
        ) from error
    return module
