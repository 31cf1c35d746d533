"""Clean many photos, in order, on one core or on many; one bad photo never stops the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Provenance, Split
from digitprep.errors import DataError, StepError
from digitprep.labels import Labelled
from digitprep.photos import read_photo
from digitprep.pipeline import Pipeline
from digitprep.steps import Box
from digitprep.workers import in_order


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
    lost: whether there is no image because the process that worked on it came to an end
    """

    photo: Path
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


def clean_photo(
    photo: Path, pipeline: Pipeline, thumbnail_px: int = 0, with_decisions: bool = False
) -> Cleaned:
    """One image file -> Cleaned; a photo that cannot be used gives a reason instead of an error."""
    thumbnail = None
    try:
        loaded = read_photo(photo)
        if thumbnail_px:
            thumbnail = _thumbnail(loaded.pixels, thumbnail_px)
        found = pipeline.locate(loaded.pixels, with_decisions)
    except (DataError, StepError) as error:
        return Cleaned(photo, thumbnail=thumbnail, reason=reason_of(photo, error))
    box, doubt = loaded.in_full(found.box), found.doubt or None
    return Cleaned(photo, found.image, box, thumbnail, doubt=doubt, decisions=found.decisions)


def clean(
    photos: Iterable[Path],
    pipeline: Pipeline,
    *,
    executor: Executor | None = None,
    thumbnail_px: int = 0,
    with_decisions: bool = False,
) -> Iterator[Cleaned]:
    """Image files -> one Cleaned each, in their order.

    `executor` is any of concurrent.futures, for instance `workers.ProcessPool(jobs)`, for which a photo
    that crashes a process or takes too long is one with a reason; without one the work is done here.
    """
    cleaned = partial(
        clean_photo, pipeline=pipeline, thumbnail_px=thumbnail_px, with_decisions=with_decisions
    )
    yield from in_order(cleaned, photos, executor, lost=_lost)


def _lost(photo: Path, reason: str) -> Cleaned:
    return Cleaned(photo, reason=reason, lost=True)


def with_labels(cleaned: Iterable[Cleaned], labels: Sequence[Labelled] | None) -> Iterator[Cleaned]:
    """Each photo with its label, as `find_labels` gives them; one that has none is rejected for it."""
    for photo, label in zip(cleaned, labels, strict=True) if labels is not None else _unlabelled(cleaned):
        if isinstance(label, DataError):
            yield replace(photo, image=None, reason=photo.reason or reason_of(photo.photo, label))
        else:
            yield replace(photo, label=label)


def with_readings(cleaned: Iterable[Cleaned], batch: int = 256) -> Iterator[Cleaned]:
    """Each photo with what is read in its image, and what speaks against it: its own doubt or the gate's.

    The network and the gate of `digitprep.acceptance` are asked `batch` images at a time, of those that have
    their size.
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
                doubt = photo.doubt or said.reason
                photo = replace(photo, doubt=doubt, digit=said.digit, confidence=said.confidence)
            yield photo


def to_splits(
    cleaned: Iterable[Cleaned],
    name: str,
    pipeline: str = "",
    *,
    batch: int = 256,
    seen: Callable[[Cleaned], None] | None = None,
) -> Iterator[Split]:
    """The photos that gave an image, as batches of one split; all of them have its first one's size.

    `seen` is called with every photo, in order, the rejected ones too.
    """
    accepted = _accepted(cleaned, seen)
    while chosen := list(islice(accepted, batch)):
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


def _unlabelled(cleaned: Iterable[Cleaned]) -> Iterator[tuple[Cleaned, None]]:
    return ((photo, None) for photo in cleaned)


def reason_of(photo: Path, error: Exception) -> str:
    """Why a photo was rejected; its name stands beside the reason and not in it."""
    return str(error).removeprefix(f"{photo}: ")


def _thumbnail(pixels: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((longest_px, longest_px))
    return np.asarray(image)
