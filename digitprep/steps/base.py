"""What a step is. To add one, write a class like this in a module of this folder, and edit nothing else:

    @STEPS.register
    @dataclass(frozen=True)
    class Invert(Step):
        '''(H, W) -> (H, W): dark becomes bright and bright dark.'''

        def apply(self, image: Image) -> Image:
            return 255 - image

Its options are the fields of the dataclass, checked as `digitprep.spec` describes; the docstring has a
line `name: what it is` for each, and the `Source:` of the method. `apply` gets a
uint8 image that it must leave alone and returns a new one; where it decides something, `decision`
says what, told from the images before and after alone. Images are bright ink on dark paper
once `invert` has run; 0 is paper, 255 is ink. Where there is nothing to work on, a step raises
StepError with a reason that a person can act on.

The tests in `tests/contracts/test_steps.py` pick the new step up from the registry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import StepError, UsageError
from digitprep.opencv import cv2
from digitprep.spec import Between, Registry, Spec, spec_name

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Box = tuple[int, int, int, int]  # x, y, width, height

Pixels = Annotated[int, Between(1, 10_000)]
Share = Annotated[float, Between(0, 1)]


@dataclass(frozen=True)
class Step(Spec, ABC):
    """One thing done to one image."""

    takes_colour: ClassVar[bool] = False

    def __call__(self, image: Image) -> Image:
        """(H, W) or (H, W, 3) uint8 -> uint8: a new image.

        Raises StepError where there is nothing to work on, UsageError for what is no uint8 image
        or for colour where a step needs grey.
        """
        with self._checked(image):
            return self.apply(image)

    @abstractmethod
    def apply(self, image: Image) -> Image:
        """(H, W) uint8, or (H, W, 3) where it takes colour, checked -> uint8: the step itself."""

    def window(self, image: Image) -> Box:
        """(H, W[, 3]) -> the part of it that the output shows: (x, y, width, height), by default all."""
        return (0, 0, image.shape[1], image.shape[0])

    def told(self, image: Image) -> tuple[Image, str]:
        """(H, W[, 3]) uint8 -> what the step makes of it, and what it decided.

        Raises StepError and UsageError as calling does.
        """
        with self._checked(image):
            return self.apply_told(image)

    def apply_told(self, image: Image) -> tuple[Image, str]:
        """(H, W[, 3]) -> `apply` and `decision`: to be overridden where both at once are much less work."""
        after = self.apply(image)
        return after, self.decision(image, after)

    def decision(self, before: Image, after: Image) -> str:  # noqa: ARG002
        """What the step decided where it made `after` of `before`, both (H, W[, 3]); "" where nothing."""
        return ""

    def doubt(self, before: Image, after: Image) -> str:  # noqa: ARG002
        """Why `after`, (H, W[, 3]), may not show what was meant, and what to do; "" where it does."""
        return ""

    @contextmanager
    def _checked(self, image: Image) -> Iterator[None]:
        """For the work on an image that the step can take: what it raises is named after the step."""
        self._check(image)
        try:
            yield
        except StepError as error:
            raise StepError(f"{spec_name(type(self))}: {error}") from error

    def _check(self, image: Image) -> None:
        name = spec_name(type(self))
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
            found = getattr(image, "dtype", type(image).__name__)
            raise UsageError(f"{name} takes an image of uint8, found {found}")
        colour = image.ndim == 3 and image.shape[2] == 3
        if not (image.ndim == 2 or colour) or image.size == 0:
            raise UsageError(f"{name} takes an image of (H, W) or (H, W, 3), found {image.shape}")
        if colour and not self.takes_colour:
            raise UsageError(f"{name} takes a grey image, found colour; put grayscale before it")


STEPS: Registry[Step] = Registry("step")


def size_px(image: Image) -> str:
    """How a decision calls an image: "480 x 640 px", the height first."""
    return f"{image.shape[0]} x {image.shape[1]} px"


def touching(mask: Mask, seeds: Mask) -> Mask:
    """(H, W), (H, W) -> those pieces of a mask, connected by sides or corners, in which a seed lies."""
    count, components = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    keep = np.zeros(count, dtype=bool)
    keep[components[seeds]] = True
    keep[0] = False
    return np.asarray(keep[components])


def ink_box(image: Image) -> Box:
    """The tight box around everything that is not 0. Raises StepError where all of it is."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not len(rows):
        raise StepError("the image is empty, there is no ink")
    return (
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0] + 1),
        int(rows[-1] - rows[0] + 1),
    )
