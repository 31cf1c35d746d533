"""Clean many photos, in order, on one core or on many; one bad photo never stops the others."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitprep.errors import DataError, StepError
from digitprep.photos import read_photo
from digitprep.pipeline import Pipeline
from digitprep.steps import Box

# How many photos may be under way for each that is being waited for: enough to keep every core
# busy, few enough that memory does not grow with the number of photos.
AHEAD = 64


@dataclass(frozen=True, eq=False)
class Cleaned:
    """What became of one photo: its image, or the reason why there is none.

    image: (H, W) uint8, the pipeline's output
    box: the digit's (x, y, width, height) in the upright photo
    thumbnail: the photo itself, small, where that was asked for
    """

    photo: Path
    image: NDArray[np.uint8] | None = None
    box: Box | None = None
    thumbnail: NDArray[np.uint8] | None = None
    reason: str | None = None


def clean_photo(photo: Path, pipeline: Pipeline, thumbnail_px: int = 0) -> Cleaned:
    """One image file -> Cleaned; a photo that cannot be used gives a reason instead of an error."""
    thumbnail = None
    try:
        loaded = read_photo(photo)
        if thumbnail_px:
            thumbnail = _thumbnail(loaded.pixels, thumbnail_px)
        image, (x, y, width, height) = pipeline.locate(loaded.pixels)
    except (DataError, StepError) as error:
        return Cleaned(photo, thumbnail=thumbnail, reason=str(error))
    scale = loaded.width_px / loaded.pixels.shape[1], loaded.height_px / loaded.pixels.shape[0]
    box = (
        round(x * scale[0]),
        round(y * scale[1]),
        max(1, round(width * scale[0])),
        max(1, round(height * scale[1])),
    )
    return Cleaned(photo, image, box, thumbnail)


def clean(
    photos: Iterable[Path],
    pipeline: Pipeline,
    *,
    executor: Executor | None = None,
    thumbnail_px: int = 0,
) -> Iterator[Cleaned]:
    """Image files -> one Cleaned each, in their order.

    `executor` is any of concurrent.futures, for instance `process_pool(jobs)`; without one the work
    is done here. At most AHEAD photos are under way at a time.
    """
    if executor is None:
        for photo in photos:
            yield clean_photo(photo, pipeline, thumbnail_px)
        return
    waiting: deque[Future[Cleaned]] = deque()
    try:
        for photo in photos:
            waiting.append(executor.submit(clean_photo, photo, pipeline, thumbnail_px))
            if len(waiting) >= AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def process_pool(jobs: int) -> ProcessPoolExecutor:
    """An executor of `jobs` processes, each on one thread. The caller shuts it down."""
    # Fresh processes: one forked from a process with threads can hang in a lock it inherited.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_one_thread)


def _one_thread() -> None:
    """Keep OpenCV from starting a thread a core in each of a core's processes."""
    from digitprep.opencv import cv2

    cv2.setNumThreads(1)


def _thumbnail(pixels: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((longest_px, longest_px))
    return np.asarray(image)
