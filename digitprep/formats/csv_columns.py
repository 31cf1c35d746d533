"""What the columns of a CSV file are: by their names, or by their number and what the caller says."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count, product, repeat
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images
from digitprep.errors import DataError
from digitprep.formats.cells import NUMBER, cell_error, unquoted

LABEL_NAMES = {"label", "labels", "class", "digit", "target", "y"}
COLOURS = ("red", "green", "blue")
PIXEL = re.compile(
    r"(?P<prefix>\D*?)(?P<row>\d{1,7})(?:(?P<between>[x_])(?P<column>\d{1,7})(?P<colour>_red|_green|_blue)?)?"
)
ONLY_PIXELS = "the columns are a label and all pixels in order; save it without others, such as row numbers"
Label = Literal["auto", "first", "last", "none"]
Colour = Literal["grey", "rgb", "planar"]


@dataclass(frozen=True)
class Columns:
    """Which column is the label, and how the others make an image of (H, W) or (H, W, 3).

    `label` is its index, or None where there is none; `zeros` is the index of a column that could be
    the label as well, were it not zero in every row; `planar` images come as red, green, blue planes.
    """

    count: int
    shape: tuple[int, ...]
    label: int | None = None
    zeros: int | None = None
    planar: bool = False

    def images(self, table: NDArray[np.integer]) -> Images:
        """(n, count) numbers from 0 to 255 -> (n, *shape) uint8."""
        if self.label in (0, self.count - 1):
            pixels = table[:, 1:] if self.label == 0 else table[:, :-1]
        else:
            pixels = table if self.label is None else np.delete(table, self.label, axis=1)
        values = pixels.astype(np.uint8, order="C")
        if self.planar:
            planes = values.reshape(len(table), 3, *self.shape[:2])
            return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
        return values.reshape(len(table), *self.shape)


@dataclass(frozen=True)
class Wanted:
    """What the caller says of the columns."""

    label: Label
    height: int | None
    width: int | None
    color: Colour

    @property
    def says_no_shape(self) -> bool:
        """Whether the shape is left to the file."""
        return self.height is None and self.width is None and self.color == "grey"

    def shape(self, pixels: int) -> tuple[int, ...] | None:
        """The image shape of so many numbers, or None where they do not fill images as wanted."""
        places, rest = divmod(pixels, 1 if self.color == "grey" else 3)
        height, width = self.height, self.width
        if height is None and width is None:
            height = width = math.isqrt(places)
        height = height or places // (width or 1)
        width = width or places // height if height else 0
        if rest or not places or height * width != places:
            return None
        return (height, width) if self.color == "grey" else (height, width, 3)


def is_header(line: bytes) -> bool:
    """Whether a line names columns: one of its cells is neither empty nor a number."""
    cells = [unquoted(cell) for cell in line.split(b",")]
    return not all(
        not cell or NUMBER.fullmatch(cell) or cell.lower().lstrip(b"+-") in (b"nan", b"inf") for cell in cells
    )


def may_be_images(line: bytes) -> bool:
    """Whether a first line is numbers, or names of columns all of which look like pixels or labels."""
    names = [unquoted(cell).decode("utf-8", "replace") for cell in line.split(b",")]
    pixels = [name for name in names if name.lower() not in LABEL_NAMES]
    return bool(line) and (not is_header(line) or (bool(pixels) and all(map(PIXEL.fullmatch, pixels))))


def from_header(line: bytes, path: Path, number: int, wanted: Wanted) -> Columns:
    """The columns that a header names. Raises DataError where it names something else."""
    names = [unquoted(cell).decode("utf-8", "replace") for cell in line.split(b",")]
    labels = [index for index, name in enumerate(names) if name.lower() in LABEL_NAMES]
    if len(labels) > 1:
        found = f"{len(labels)}, {', '.join(names[index] for index in labels)}"
        raise DataError.of(path, f"line {number}", expected="one column of labels", found=found)
    asked = {"first": 0, "last": len(names) - 1}.get(wanted.label)
    label = labels[0] if labels else asked
    if labels and wanted.label != "auto" and asked != label:
        found = f"column {label + 1}, {names[label]!r}" if label is not None else ""
        raise DataError.of(path, f"line {number}", expected=f"the label {wanted.label}", found=found)
    pixels = [(index, name) for index, name in enumerate(names) if index != label]
    named = _named_shape(pixels, path, number)
    given = wanted.shape(len(pixels))
    if named and (wanted.says_no_shape or given == named):
        return Columns(len(names), named, label)
    if given is None or named:
        raise _shape_error(len(pixels), path, number, wanted, named)
    return Columns(len(names), given, label, planar=wanted.color == "planar")


def from_numbers(
    line: bytes, path: Path, number: int, wanted: Wanted, nonzero: tuple[bool, bool] | None
) -> Columns:
    """The columns of a file without a header.

    `nonzero` tells whether its first and its last column hold anything but zeros, as far as it was
    looked at: a corner of the images may always be empty, the labels are not, and no other guess is made.

    Raises DataError where the number of columns fits no image, or the label could be in either.
    """
    cells = line.split(b",")
    columns = len(cells)
    if columns > 9 and [unquoted(cell) for cell in cells] == [b"%d" % index for index in range(columns)]:
        found, advice = f"0 to {columns - 1} in order, as in a header of column numbers", "remove the line"
        raise DataError.of(path, f"line {number}", expected="pixels", found=found, advice=advice)
    planar = wanted.color == "planar"
    with_label, without = wanted.shape(columns - 1), wanted.shape(columns)
    if wanted.label == "none" or (wanted.label == "auto" and without and not with_label):
        if without:
            return Columns(columns, without, planar=planar)
        raise _shape_error(columns, path, number, wanted)
    if with_label is None:
        raise _shape_error(columns - (wanted.label != "auto"), path, number, wanted)
    if wanted.label != "auto":
        return Columns(columns, with_label, 0 if wanted.label == "first" else columns - 1, planar=planar)
    if without or nonzero is None or nonzero[0] == nonzero[1]:
        raise label_error(path, number)
    label, zeros = (0, columns - 1) if nonzero[0] else (columns - 1, 0)
    return Columns(columns, with_label, label, zeros, planar)


def header(shape: tuple[int, ...], labelled: bool) -> bytes:
    """The line that names the columns of images of a shape: Kaggle's names where that tells the shape."""
    if len(shape) == 2 and shape[0] == shape[1]:
        names = [f"pixel{index}" for index in range(shape[0] * shape[1])]
    else:
        colours = [f"_{colour}" for colour in COLOURS] if len(shape) == 3 else [""]
        places = product(range(1, shape[0] + 1), range(1, shape[1] + 1), colours)
        names = [f"{row}x{column}{colour}" for row, column, colour in places]
    return (",".join((["label"] if labelled else []) + names) + "\n").encode()


def label_error(path: Path, number: int) -> DataError:
    """The error for a file whose label could be its first or its last column."""
    advice = 'say --from \'csv(label="first")\' or "last" or "none"'
    expected = "one column of the first and the last to hold zeros alone, so that the other is the label"
    return DataError.of(path, f"line {number}", expected=expected, found="neither or both", advice=advice)


def _named_shape(pixels: list[tuple[int, str]], path: Path, number: int) -> tuple[int, ...] | None:
    """The shape that pixel names such as 28x28 tell, or None for names of one number.

    Raises DataError where a name is none of a pixel, or not the next one.
    """
    names = [PIXEL.fullmatch(name) for _, name in (*pixels[:1], *pixels[-1:])]
    if not names or names[0] is None:
        where, name = pixels[0] if pixels else (0, "")
        expected = "a column name such as label or pixel0"
        raise cell_error(path, number, where + 1, expected, name.encode(), ONLY_PIXELS)
    shape: tuple[int, ...] | None = None
    expected_names = _numbered(names[0])
    if names[0]["column"] and names[-1] and names[-1]["column"]:
        base = int(names[0]["row"]), int(names[0]["column"])
        shape = (int(names[-1]["row"]) - base[0] + 1, int(names[-1]["column"]) - base[1] + 1)
        shape += (3,) if names[0]["colour"] else ()
        expected_names = _placed(names[0], base, shape)
    for (where, name), expected in zip(pixels, chain(expected_names, repeat("")), strict=False):
        if name != expected:
            wanted = f"the column {expected!r}" if expected else "no more columns"
            raise cell_error(path, number, where + 1, wanted, name.encode(), ONLY_PIXELS)
    if shape and math.prod(shape) != len(pixels):
        found = f"{len(pixels)} columns of pixels"
        raise DataError.of(path, f"line {number}", expected=f"{' x '.join(map(str, shape))}", found=found)
    return shape


def _numbered(first: re.Match[str]) -> Iterator[str]:
    """The names of pixels from the first one on: pixel0, pixel1, ..."""
    start = min(int(first["row"]), 1)
    return (f"{first['prefix']}{start + index}" for index in count())


def _placed(first: re.Match[str], base: tuple[int, int], shape: tuple[int, ...]) -> Iterator[str]:
    """The names of pixels by their place, from the first one on: 1x1, 1x2, ... or 1x1_red, 1x1_green, ..."""
    ends = [f"_{colour}" for colour in COLOURS] if len(shape) == 3 else [""]
    start = first["prefix"], first["between"]
    for row, column, end in product(range(shape[0]), range(shape[1]), ends):
        yield f"{start[0]}{base[0] + row}{start[1]}{base[1] + column}{end}"


def _shape_error(
    pixels: int, path: Path, number: int, wanted: Wanted, named: tuple[int, ...] | None = None
) -> DataError:
    """The error for a number of columns that makes no images of the wanted shape."""
    said = " x ".join(str(side or "?") for side in (wanted.height, wanted.width))
    square = wanted.height is None and wanted.width is None
    expected = f"{'as many pixels as square' if square else said} {wanted.color} images have"
    advice = "say --from 'csv(height=..., width=...)'"
    if pixels % 3 == 0 and math.isqrt(pixels // 3) ** 2 == pixels // 3:
        advice = 'if these are colours, say --from \'csv(color="rgb")\' or "planar"'
    found = f"columns for {pixels} numbers" + (f", named as {' x '.join(map(str, named))}" if named else "")
    return DataError.of(path, f"line {number}", expected=expected, found=found, advice=advice)
