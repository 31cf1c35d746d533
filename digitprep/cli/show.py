"""The command that shows an image of a dataset in the terminal, in half-blocks."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.options import Classes, SourceFormat
from digitprep.cli.terminal import tell
from digitprep.errors import UsageError

if TYPE_CHECKING:
    from digitprep.dataset import Split

UPPER, LOWER, BOTH, NEITHER = "▀▄█ "
INK = 128  # from here on a pixel is drawn where there are no greys


def show(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", readable=False, help="A dataset: a file or a folder.")
    ],
    index: Annotated[int, typer.Option(min=0, help="Which image of the split, from 0.")] = 0,
    split: Annotated[
        str | None, typer.Option(help="The split, such as test.", show_default="the first one")
    ] = None,
    source_format: SourceFormat = None,
    classes: Classes = 10,
) -> None:
    """Show an image of a dataset in the terminal; in greys there, in black and white where it is piped."""
    sample = _found(path, index, split, source_format, classes)
    label = "no label" if sample.labels is None else str(sample.labels[0])
    if sample.labels is not None and sample.class_names:
        label = sample.class_names[sample.labels[0]]
    name = f" {sample.sample_names[0]}" if sample.sample_names else ""
    tell(f"{sample.name} {index}{name}: {label}")
    with_greys = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print(half_blocks(sample.images[0], with_greys, shutil.get_terminal_size().columns))


def _found(path: Path, index: int, split: str | None, source_format: str | None, classes: int) -> Split:
    """A split of the one sample. Raises UsageError where there is none at that place."""
    from digitprep import formats

    counts: dict[str, int] = {}
    for batch in formats.stream(path, format=source_format, classes=classes):
        split = batch.name if split is None else split
        first = counts.get(batch.name, 0)
        counts[batch.name] = first + len(batch)
        if batch.name == split and first <= index < first + len(batch):
            return batch[index - first : index - first + 1]
    held = ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
    raise UsageError(f"{path}: no image {index} in split {split!r}; images by split, from 0: {held}")


def half_blocks(image: Any, with_greys: bool, columns: int) -> str:
    """(H, W) or (H, W, 3) uint8 -> lines of text, a letter two pixels one above the other, ink bright."""
    import numpy as np
    from PIL import Image

    picture = Image.fromarray(image).convert("L")
    picture.thumbnail((columns, max(picture.height, 1)), Image.Resampling.BOX)
    pixels = np.asarray(picture)
    pixels = np.vstack([pixels, np.zeros((len(pixels) % 2, pixels.shape[1]), np.uint8)])
    pairs = zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True)
    line = _grey_line if with_greys else _plain_line
    return "\n".join(line(above, below) for above, below in pairs)


def _grey_line(above: list[int], below: list[int]) -> str:
    letters = [
        f"\x1b[38;2;{a};{a};{a}m\x1b[48;2;{b};{b};{b}m{UPPER}" for a, b in zip(above, below, strict=True)
    ]
    return "".join(letters) + "\x1b[0m"


def _plain_line(above: list[int], below: list[int]) -> str:
    letters = {(True, True): BOTH, (True, False): UPPER, (False, True): LOWER, (False, False): NEITHER}
    return "".join(letters[a >= INK, b >= INK] for a, b in zip(above, below, strict=True)).rstrip()
