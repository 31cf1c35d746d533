"""Many PNG files at once are what the plain decoder makes of each, whatever their filters."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from png_file import png_file, rows_chunk

from digitprep.formats.png import decode_png, encode_png
from digitprep.formats.png_batch import decode_alike

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 9, 7), np.uint8)
COLOURED = np.random.default_rng(1).integers(0, 256, (20, 6, 5, 3), np.uint8)


def by_pillow(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def with_filters(rows: np.ndarray, width: int, colour: int) -> bytes:
    """A PNG file of these bytes, (H, 1 + W * channels), whatever image that makes."""
    return png_file(width, len(rows), rows_chunk(rows.tobytes()), colours=colour)


@pytest.mark.parametrize("images", [IMAGES, COLOURED], ids=["grey", "RGB"])
@pytest.mark.parametrize("encode", [encode_png, by_pillow])
def test_images_come_back(images: np.ndarray, encode) -> None:
    np.testing.assert_array_equal(decode_alike(map(encode, images)), images)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("filters", [[1], [2], [3], [4], [0, 1, 2, 3, 4]])
def test_filters_are_taken_back_as_the_plain_decoder_does(channels: int, filters: list[int]) -> None:
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 256, (30, 8, 1 + 6 * channels), np.uint8)
    rows[:, :, 0] = rng.choice(filters, rows.shape[:2])
    files = [with_filters(image, 6, 0 if channels == 1 else 2) for image in rows]
    expected = np.stack([decode_png(file, "a.png") for file in files])
    np.testing.assert_array_equal(decode_alike(files), expected)


def test_what_is_not_plain_or_damaged_is_left_to_the_plain_decoder() -> None:
    good = encode_png(IMAGES[0])
    assert decode_alike([good, good]) is not None
    others = [encode_png(COLOURED[0]), encode_png(IMAGES[0][1:]), b"", b"GIF89a", good + b"\0"]
    others += [
        with_filters(np.full((9, 8), 5, np.uint8), 7, 0),
        with_filters(np.zeros((9, 9), np.uint8), 7, 0),
    ]
    for position in range(len(good)):
        others += [good[:position], good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :]]
    for other in others:
        assert decode_alike([good, other]) is None
    assert decode_alike([]) is None
