"""What notebooks show of a result: small pieces of HTML, with names escaped and nothing to load."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

GAP_PX = 2  # between the images of a mosaic
MOST_PX = 140  # the longer side of an image, so that those of a photo stay small


def image_html(pixels: NDArray[np.uint8], text: str, most_px: int = MOST_PX) -> str:
    """(H, W) or (H, W, 3) uint8 -> an image with a text for those who do not see it."""
    data = base64.b64encode(png(pixels, most_px)).decode()
    return (
        f'<img src="data:image/png;base64,{data}" alt="{escape(text)}" title="{escape(text)}" '
        'style="image-rendering: pixelated; min-width: 112px">'
    )


def png(pixels: NDArray[np.uint8], most_px: int = MOST_PX) -> bytes:
    """(H, W) or (H, W, 3) uint8 -> PNG; a longer side than `most_px` is made that long, a small one kept."""
    from PIL import Image

    picture, file = Image.fromarray(pixels), io.BytesIO()
    picture.thumbnail((most_px, most_px), Image.Resampling.BOX)
    picture.save(file, "PNG")
    return file.getvalue()


def mosaic(images: NDArray[np.uint8], across: int = 10) -> NDArray[np.uint8]:
    """(N, H, W) or (N, H, W, 3) uint8, N at least 1 -> one image with `across` of them side by side."""
    count, height, width = images.shape[:3]
    rows, across = -(-count // across), min(across, count)
    shape = (rows * (height + GAP_PX) - GAP_PX, across * (width + GAP_PX) - GAP_PX, *images.shape[3:])
    sheet = np.full(shape, 128, np.uint8)
    for number, image in enumerate(images):
        row, column = divmod(number, across)
        top, left = row * (height + GAP_PX), column * (width + GAP_PX)
        sheet[top : top + height, left : left + width] = image
    return sheet


def table_html(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table, the first cell of each row its name."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        f"<tr><th>{escape(str(name))}</th>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>"
        for name, *cells in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
