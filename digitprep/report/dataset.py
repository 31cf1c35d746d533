"""Sheets of datasets: each class with its mean image and samples, and how sizes and greys are spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitprep.overview import Difference, Overview
from digitprep.report.lettering import shortened, write
from digitprep.report.sheet import EMPTY, PAPER, TEXT, Cell, contact_sheet, fitted

SHOWN_SAMPLES, SHOWN_CLASSES = 10, 30
PICTURE_PX, GAP_PX, MARGIN_PX = 48, 4, 16
NAME_PX, BAR_PX, COUNT_PX, CHART_PX = 110, 110, 70, 90
QUIET, BAR = "#77726a", "#4a4a4a"
ROW_PX = PICTURE_PX + GAP_PX
WIDTH_PX = 2 * MARGIN_PX + NAME_PX + BAR_PX + COUNT_PX + (SHOWN_SAMPLES + 1) * ROW_PX + 2 * GAP_PX


def dataset_sheet(title: str, overviews: Mapping[str, Overview]) -> Image.Image:
    """Overviews by split -> a picture with a row a class, and the histograms of each split below."""
    heading = Image.new("RGB", (WIDTH_PX, 34), PAPER)
    write(ImageDraw.Draw(heading), (MARGIN_PX, 12), shortened(title, WIDTH_PX - 2 * MARGIN_PX, 18), TEXT, 18)
    return _stacked([heading, *(_split_sheet(name, one) for name, one in overviews.items())])


def comparison_sheet(
    title_a: str,
    a: Mapping[str, Overview],
    title_b: str,
    b: Mapping[str, Overview],
    said: str,
    differing: Sequence[Difference] = (),
) -> Image.Image:
    """Two datasets side by side, below what is said of them and the first samples that differ."""
    sheets = dataset_sheet(f"A: {title_a}", a), dataset_sheet(f"B: {title_b}", b)
    both = Image.new("RGB", (2 * WIDTH_PX, max(sheet.height for sheet in sheets)), PAPER)
    for number, sheet in enumerate(sheets):
        both.paste(sheet, (number * WIDTH_PX, 0))
    heading = Image.new("RGB", (2 * WIDTH_PX, 42), PAPER)
    said = shortened(said, 2 * (WIDTH_PX - MARGIN_PX), 18)
    write(ImageDraw.Draw(heading), (MARGIN_PX, 14), said, TEXT, 18)
    columns = [_difference_cells(one) for one in differing]
    found = [contact_sheet(columns, titles=("A", "B", "between"))] if columns else []
    return _stacked([heading, *found, both])


def _difference_cells(one: Difference) -> list[Cell]:
    between = np.abs(one.a.astype(np.int16) - one.b)
    labels = one.label_a, one.label_b
    of_a, of_b = ("no label" if label is None else f"a {label}" for label in labels)
    return [
        Cell(one.a, of_a),
        Cell(one.b, of_b, None if of_a == of_b else False),
        Cell(between.astype(np.uint8), f"{one.split} {one.index}"),
    ]


def _split_sheet(name: str, overview: Overview) -> Image.Image:
    labels = sorted(overview.counts, key=lambda label: -1 if label is None else label)
    shown = [label for label in labels if label in overview.samples][:SHOWN_CLASSES]
    sheet = Image.new("RGB", (WIDTH_PX, 66 + len(shown) * ROW_PX + 50 + CHART_PX), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.line((MARGIN_PX, 10, WIDTH_PX - MARGIN_PX, 10), EMPTY)
    more = f", the first {len(shown)} of {len(labels)} classes" if len(shown) < len(labels) else ""
    title = f"{name}: {overview.count:,} images of {overview.size}{more}"
    write(draw, (MARGIN_PX, 18), shortened(title, WIDTH_PX - 2 * MARGIN_PX, 15), TEXT, 15)
    left = MARGIN_PX + NAME_PX + BAR_PX + COUNT_PX
    for place, text in ((MARGIN_PX, "class"), (left, "mean"), (left + ROW_PX + 2 * GAP_PX, "samples")):
        write(draw, (place, 44), text, QUIET, 12)
    most = max(overview.counts.values(), default=1)
    for row, label in enumerate(shown):
        _draw_class(sheet, draw, overview, label, 64 + row * ROW_PX, most)
    _draw_charts(draw, overview, 64 + len(shown) * ROW_PX + 10)
    return sheet


def _draw_class(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, overview: Overview, label: int | None, top: int, most: int
) -> None:
    """A row: name, bar, count, mean image, samples."""
    middle = top + PICTURE_PX // 2 - 8
    write(draw, (MARGIN_PX, middle), shortened(overview.name(label), NAME_PX - 8), TEXT)
    left, count = MARGIN_PX + NAME_PX, overview.counts[label]
    draw.rectangle((left, middle + 1, left + max(1, round((BAR_PX - 8) * count / most)), middle + 15), BAR)
    write(draw, (left + BAR_PX, middle), f"{count:,}", TEXT)
    left += BAR_PX + COUNT_PX
    _paste(sheet, overview.mean(label), left, top)
    samples = overview.samples[label].images
    chosen = np.linspace(0, len(samples) - 1, min(SHOWN_SAMPLES, len(samples))).round().astype(int)
    for number, index in enumerate(chosen.tolist()):
        _paste(sheet, samples[index], left + (number + 1) * ROW_PX + 2 * GAP_PX, top)


def _paste(sheet: Image.Image, pixels: NDArray[np.uint8], left: int, top: int) -> None:
    picture = fitted(pixels, PICTURE_PX)
    sheet.paste(picture, (left + (PICTURE_PX - picture.width) // 2, top + (PICTURE_PX - picture.height) // 2))


def _draw_charts(draw: ImageDraw.ImageDraw, overview: Overview, top: int) -> None:
    """Three histograms: of the grey levels, on a logarithmic scale, and of the ink's height and width."""
    levels = np.log1p(overview.levels.reshape(64, 4).sum(axis=1))
    charts = {
        "grey levels 0 to 255, logarithmic": levels,
        f"ink's height, 0 to {len(overview.heights) - 1} px": overview.heights,
        f"ink's width, 0 to {len(overview.widths) - 1} px": overview.widths,
    }
    across = (WIDTH_PX - 2 * MARGIN_PX + MARGIN_PX) // len(charts)
    for number, (title, values) in enumerate(charts.items()):
        left = MARGIN_PX + number * across
        write(draw, (left, top), shortened(title, across - MARGIN_PX, 12), QUIET, 12)
        _draw_bars(draw, values, left, top + 20, across - MARGIN_PX)


def _draw_bars(
    draw: ImageDraw.ImageDraw,
    values: NDArray[np.int64] | NDArray[np.float64],
    left: int,
    top: int,
    width: int,
) -> None:
    """Bars as high as their share of the greatest."""
    bottom, most = top + CHART_PX, max(float(values.max(initial=0)), 1e-9)
    draw.line((left, bottom, left + width - 1, bottom), QUIET)
    for number, value in enumerate(values.tolist()):
        x, end = left + number * width // len(values), left + (number + 1) * width // len(values) - 1
        height = round((CHART_PX - 2) * value / most)
        if height:
            draw.rectangle((x, bottom - height, max(x, end - 1), bottom - 1), BAR)


def _stacked(pictures: Iterable[Image.Image]) -> Image.Image:
    """Pictures one below the other."""
    parts = list(pictures)
    sheet = Image.new("RGB", (max(part.width for part in parts), sum(part.height for part in parts)), PAPER)
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    return sheet
