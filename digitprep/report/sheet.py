"""Contact sheets: photos before and after, with what they are said to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitprep.report.lettering import shortened, width_px, write

CELL_PX = 96
CAPTION_PX = 18
GAP_PX = 6

PAPER, TEXT, GOOD, BAD, EMPTY = "#f4f1ea", "#222222", "#1b7f3b", "#c0261d", "#d9d4c7"


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture of a sheet: (H, W) or (H, W, 3) uint8, a caption, and whether that is good or bad news."""

    picture: NDArray[np.uint8] | None
    caption: str = ""
    good: bool | None = None


def contact_sheet(
    columns: Iterable[Sequence[Cell]], *, titles: Sequence[str] = (), across: int = 10
) -> Image.Image:
    """Cells that belong together, one above the other -> a picture with `across` of them side by side.

    Every column holds as many cells, for instance (before, after); `titles` name the rows.
    """
    stacks = list(columns)
    rows = max((len(stack) for stack in stacks), default=1)
    across = max(1, min(across, len(stacks)))
    bands = max(1, -(-len(stacks) // across))
    left = _title_width(titles)
    cell_height = CELL_PX + CAPTION_PX + GAP_PX
    width = left + across * (CELL_PX + GAP_PX) + GAP_PX
    height = bands * (rows * cell_height + 2 * GAP_PX)
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, stack in enumerate(stacks):
        band, place = divmod(number, across)
        top = band * (rows * cell_height + 2 * GAP_PX) + GAP_PX
        for row, cell in enumerate(stack):
            _draw_cell(sheet, draw, cell, left + GAP_PX + place * (CELL_PX + GAP_PX), top + row * cell_height)
        if place == 0:
            for row, title in enumerate(titles):
                write(draw, (GAP_PX, top + row * cell_height + CELL_PX // 2 - 7), title, TEXT)
    return sheet


def _draw_cell(sheet: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, x: int, y: int) -> None:
    colour = {True: GOOD, False: BAD, None: TEXT}[cell.good]
    if cell.picture is None:
        draw.rectangle((x, y, x + CELL_PX - 1, y + CELL_PX - 1), outline=EMPTY)
    else:
        picture = fitted(cell.picture)
        sheet.paste(picture, (x + (CELL_PX - picture.width) // 2, y + (CELL_PX - picture.height) // 2))
    write(draw, (x + 2, y + CELL_PX + 1), shortened(cell.caption, CELL_PX), colour)


def fitted(pixels: NDArray[np.uint8], side_px: int = CELL_PX) -> Image.Image:
    """The picture in the largest size that fits a square; small ones keep their pixels visible."""
    image = Image.fromarray(pixels).convert("RGB")
    scale = side_px / max(image.size)
    size = (max(1, int(image.width * scale)), max(1, int(image.height * scale)))
    return image.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX)


def _title_width(titles: Sequence[str]) -> int:
    return max((int(width_px(title)) + GAP_PX * 2 for title in titles), default=0)
