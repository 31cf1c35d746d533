"""Clean many photos, in order, on one core or on many; one bad photo never stops the others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Provenance, Split
from digitprep.errors import DataError, StepError, Unavailable
from digitprep.labels import Labelled
from digitprep.limits import LIMITS, Limits
from digitprep.opencv import in_memory_of
from digitprep.photos import LONGEST_PX, decode_photo
from digitprep.pipeline import Pipeline
from digitprep.shrink import small_picture
from digitprep.sources import Source, read_bytes, without_bytes
from digitprep.steps import Box
from digitprep.workers import in_order

BATCH = 256  # images that a network is asked for, or a split has, at a time


@dataclass(frozen=True, eq=False)
class Cleaned:
    """What became of one photo: its image, or the reason why there is none.

    image: (H, W) or (H, W, 3) uint8, the pipeline's output
    box: the digit's (x, y, width, height) in the upright photo
    thumbnail: the photo itself, small, where that was asked for
    label: what the digit is, where somebody said so
    doubt: why the image may not show what was meant, such as a second digit in the photo
    digit: what the bundled network reads in it, with that confidence, 0..1, where it was asked
    decisions: what each step of the pipeline decided, where that was asked for
    lost: whether there is no image because the process that worked on it came to an end, the file could not
        be read, or memory or a package was wanting: the next time that may be otherwise
    file: the name and the SHA-256 of the file that it was read from, where that could be read
    """

    photo: Source
    image: NDArray[np.uint8] | None = None
    box: Box | None = None
    thumbnail: NDArray[np.uint8] | None = None
    reason: str | None = None
    label: int | None = None
    doubt: str | None = None
    digit: int | None = None
    confidence: float | None = None
    decisions: tuple[str, ...] = ()
    lost: bool = False
    file: tuple[str, str] | None = None


def clean_photo(
    photo: Source,
    pipeline: Pipeline,
    thumbnail_px: int = 0,
    with_decisions: bool = False,
    limits: Limits = LIMITS,
) -> Cleaned:
    """One photo -> Cleaned; a photo that cannot be used gives a reason instead of an error."""
    data, thumbnail = None, None
    try:
        with in_memory_of(photo):
            data = read_bytes(photo, limits.bytes)
            loaded = decode_photo(data, photo, LONGEST_PX, limits)
            if thumbnail_px:
                thumbnail = small_picture(loaded.pixels, thumbnail_px)
            found = pipeline.locate(loaded.pixels, with_decisions)
    except (DataError, StepError) as error:
        return unused(photo, error, data, thumbnail)
    return Cleaned(
        without_bytes(photo),
        found.image,
        loaded.in_full(found.box),
        thumbnail,
        doubt=found.doubt or None,
        decisions=found.decisions,
        file=file_of(photo, data),
    )


def unused(
    photo: Source, error: Exception, data: bytes | None, thumbnail: NDArray[np.uint8] | None = None
) -> Cleaned:
    """A photo of which an error leaves no image; without `data` its file could not be read."""
    return Cleaned(
        without_bytes(photo),
        thumbnail=thumbnail,
        reason=reason_of(photo, error),
        lost=data is None or isinstance(error, Unavailable),
        file=None if data is None else file_of(photo, data),
    )


def file_of(photo: Source, data: bytes) -> tuple[str, str]:
    """The name and the SHA-256 of the file that a photo was read from."""
    return photo.name, hashlib.sha256(data).hexdigest()


def clean(
    photos: Iterable[Source],
    pipeline: Pipeline,
    *,
    executor: Executor | None = None,
    thumbnail_px: int = 0,
    with_decisions: bool = False,
    limits: Limits = LIMITS,
) -> Iterator[Cleaned]:
    """Photos, as `sources.find_photos` finds them -> one Cleaned each, in their order.

    `executor` is any of concurrent.futures, for instance `workers.ProcessPool(jobs)`, for which a photo
    that crashes a process or takes too long is one with a reason; without one the work is done here.
    """
    cleaned = partial(
        clean_photo,
        pipeline=pipeline,
        thumbnail_px=thumbnail_px,
        with_decisions=with_decisions,
        limits=limits,
    )
    yield from in_order(cleaned, photos, executor, lost=_lost)


def _lost(photo: Source, reason: str) -> Cleaned:
    return Cleaned(without_bytes(photo), reason=reason, lost=True)


def with_labels(
    cleaned: Iterable[Cleaned], label_of: Callable[[int, Source], Labelled] | None
) -> Iterator[Cleaned]:
    """Each photo with its label, as a `labels.label_reader` reads it; one without a label is rejected."""
    for index, photo in enumerate(cleaned):
        label = None if label_of is None else label_of(index, photo.photo)
        if isinstance(label, DataError):
            yield replace(photo, image=None, reason=photo.reason or reason_of(photo.photo, label))
        else:
            yield photo if label is None else replace(photo, label=label)


def with_readings(cleaned: Iterable[Cleaned], batch: int = BATCH) -> Iterator[Cleaned]:
    """Each photo with what is read in its image, and what speaks against it.

    That is its own doubt, the gate's, or a label other than what is read. The network and the gate of
    `digitprep.acceptance` are asked `batch` images at a time, of those that have their size.
    """
    from digitprep.acceptance import IMAGE_SHAPE, judge

    photos = iter(cleaned)
    while chosen := list(islice(photos, batch)):
        asked = {
            place: photo.image
            for place, photo in enumerate(chosen)
            if photo.image is not None and photo.image.shape == IMAGE_SHAPE
        }
        verdicts = dict(zip(asked, judge(np.stack([*asked.values()])), strict=True)) if asked else {}
        for place, photo in enumerate(chosen):
            if said := verdicts.get(place):
                doubt = photo.doubt or said.reason or _misread(photo.label, said.digit)
                photo = replace(photo, doubt=doubt, digit=said.digit, confidence=said.confidence)
            yield photo


def _misread(label: int | None, digit: int) -> str | None:
    return None if label in (None, digit) else f"it reads as {digit}, its label is {label}"


def to_splits(
    cleaned: Iterable[Cleaned],
    name: str,
    pipeline: str,
    *,
    seen: Callable[[Cleaned], None] | None = None,
) -> Iterator[Split]:
    """The photos that gave an image, as batches of one split; all of them have its first one's size.

    pipeline: its text, for the splits' provenance
    seen: called with every photo, in order, the rejected ones too
    """
    accepted = _accepted(cleaned, seen)
    while chosen := list(islice(accepted, BATCH)):
        labels = [photo.label for photo in chosen if photo.label is not None]
        yield Split(
            np.stack([photo.image for photo in chosen if photo.image is not None]),
            np.array(labels, dtype=np.int64) if labels else None,
            name,
            sample_names=tuple(photo.photo.name for photo in chosen),
            provenance=Provenance("photos", pipeline),
        )


def _accepted(cleaned: Iterable[Cleaned], seen: Callable[[Cleaned], None] | None) -> Iterator[Cleaned]:
    shape = None
    for photo in cleaned:
        if photo.image is not None:
            shape = shape or photo.image.shape
            if photo.image.shape != shape:
                reason = (
                    f"expected an image of {shape}, as the first one, the pipeline made {photo.image.shape}"
                )
                photo = replace(photo, image=None, reason=f"{reason}; end the pipeline with center")
        if seen:
            seen(photo)
        if photo.image is not None:
            yield photo


def reason_of(photo: Source, error: Exception) -> str:
    """Why a photo was rejected; its name stands beside the reason and not in it."""
    return str(error).removeprefix(f"{photo}: ")
