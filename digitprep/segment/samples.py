"""Image files of pages: read by `read_photo_page`, and by `samples_of` cut into samples of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from digitprep.batch import Cleaned, file_of
from digitprep.errors import DataError, UsageError
from digitprep.limits import LIMITS, Limits
from digitprep.opencv import in_memory_of
from digitprep.photos import Photo, decode_photo
from digitprep.segment.page import Page
from digitprep.segment.paper import FINEST_PX
from digitprep.segment.reader import Reading, read_page
from digitprep.shrink import small_picture
from digitprep.sources import Source, read_bytes, without_bytes
from digitprep.steps.base import Box, Image

if TYPE_CHECKING:
    from digitprep.nn.engines import Classifier

# How much of the page around a digit its thumbnail shows, as a share of the digit's longer side.
THUMBNAIL_MARGIN = 0.25


def read_photo_page(photo: Source, net: Classifier, limits: Limits) -> tuple[Photo, Reading]:
    """A photo -> its pixels, and what a network reads on it; boxes are in those pixels.

    Raises DataError for a file that is no image, StepError where there is nothing to read.
    """
    return _read(photo, read_bytes(photo, limits.bytes), net, limits)


def _read(photo: Source, data: bytes, net: Classifier, limits: Limits) -> tuple[Photo, Reading]:
    with in_memory_of(photo):
        loaded = decode_photo(data, photo, FINEST_PX, limits)
        return loaded, read_page(net, loaded.pixels)


def samples_of(
    data: bytes,
    photo: Source,
    net: Classifier,
    text: str | None = None,
    thumbnail_px: int = 0,
    limits: Limits = LIMITS,
) -> Iterator[Cleaned]:
    """An image file's bytes -> each digit on it, in reading order, named after photo, row and place there.

    text: what stands on the page; its digits become the labels

    What is doubtful about a digit comes with it, and where it reads as another one than `text` says.

    Raises DataError for what is no image, StepError where there is nothing to read, and as `labels_of`.
    """
    loaded, reading = _read(photo, data, net, limits)
    file = file_of(photo, data)
    labels = [None] * len(reading.page.digits) if text is None else labels_of(photo, reading.page, text)
    places = places_of(reading.page)
    for digit, said, label, place in zip(reading.page.digits, reading.digits, labels, places, strict=True):
        name = without_bytes(photo).with_name(f"{photo.stem}-{place}.png")
        thumbnail = _cut(loaded.pixels, digit.box, thumbnail_px) if thumbnail_px else None
        doubt = said.reason
        if label is not None and said.digit != label:
            doubt = f"it reads as {net.class_names[said.digit]}, the text says {label}"
        yield Cleaned(
            name,
            digit.image,
            loaded.in_full(digit.box),
            thumbnail,
            label=label,
            doubt=doubt,
            digit=said.digit,
            confidence=said.confidence,
            file=file,
        )


def places_of(page: Page) -> Iterator[str]:
    """What each digit of a page is called, after its row and its place there: "r1-c03"."""
    for _, row in groupby(page.digits, key=lambda digit: digit.row):
        for place, digit in enumerate(row, start=1):
            yield f"r{digit.row + 1}-c{place:02}"


def labels_of(photo: Source, page: Page, text: str) -> list[int]:
    """The labels of a page's digits, from the text that stands on it; blanks part rows or groups.

    Raises DataError where its words do not make up the rows that were found: a label that is not its
    digit's would be worse than none. UsageError as `words_of` does.
    """
    words = words_of(text)
    rows = [len(list(row)) for _, row in groupby(page.digits, key=lambda digit: digit.row)]
    expected, found = [len(word) for word in words], rows
    if len(words) == 1:
        found = [sum(rows)]
    if not set(np.cumsum(found).tolist()) <= set(np.cumsum(expected).tolist()) or sum(expected) != sum(rows):
        raise DataError.of(
            str(photo),
            expected=f"{sum(expected)} digits ({_counts(expected)}), as the text says",
            found=f"{sum(rows)} in {len(rows)} row{'s' * (len(rows) != 1)} ({_counts(rows)})",
            advice="`digitprep predict --many` shows what was read; correct the text, or take a closer photo",
        )
    return [int(character) for character in "".join(words)]


def words_of(text: str) -> list[str]:
    """The groups of digits in the text of a page.

    Raises UsageError where it holds anything but digits and blanks, or no digit.
    """
    words = text.split()
    if not words or not all(word.isascii() and word.isdecimal() for word in words):
        raise UsageError(f"the text of a page is digits and blanks; found {text!r}")
    return words


def _counts(numbers: Sequence[int]) -> str:
    return " + ".join(map(str, numbers))


def _cut(pixels: Image, box: Box, longest_px: int) -> Image:
    x, y, width, height = box
    margin = round(THUMBNAIL_MARGIN * max(width, height))
    part = pixels[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]
    return small_picture(part, longest_px)
