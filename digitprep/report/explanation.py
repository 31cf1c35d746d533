"""A picture of how a photo became what the network reads: every step, what it decided, and the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitprep.acceptance import judge
from digitprep.conformance import check, checkable
from digitprep.errors import StepError
from digitprep.nn.engines import Classifier, mismatch
from digitprep.pipeline import Pipeline, Traced
from digitprep.report.lettering import width_px, write
from digitprep.report.sheet import BAD, EMPTY, GAP_PX, GOOD, PAPER, TEXT, fitted

PANEL_PX, SAID_PX, VERDICT_PX, LINE_PX, MARGIN_PX = 140, 220, 32, 16, 14
QUIET = "#77726a"


@dataclass(frozen=True, eq=False)
class Panel:
    """One step of a row: (H, W) or (H, W, 3) uint8, the step's text, and what it decided."""

    picture: NDArray[np.uint8]
    title: str
    decision: str = ""


@dataclass(frozen=True, eq=False)
class Explanation:
    """How one pipeline worked on one photo.

    panels: the photo, then a panel a step, as far as it came
    image: what the last step made, or None where one of them found nothing to work on
    verdict: what the network reads in the image, or that it was rejected
    reasons: why it was rejected, why what is read is doubtful, and in what the image is unlike MNIST's;
        empty where all is well
    """

    title: str
    panels: tuple[Panel, ...]
    image: NDArray[np.uint8] | None
    verdict: str
    reasons: tuple[str, ...]


def explain(title: str, photo: NDArray[np.uint8], pipeline: Pipeline, model: Classifier) -> Explanation:
    """A photo, (H, W) or (H, W, 3) uint8 -> each step of a pipeline on it, and what the network reads."""
    panels: list[Panel] = []

    def seen(moment: Traced) -> None:
        text = str(moment.step) if moment.step else f"photo, {photo.shape[0]} x {photo.shape[1]} px"
        panels.append(Panel(moment.image, text, moment.decision))

    try:
        located = pipeline.locate(photo, seen=seen)
    except StepError as error:
        return Explanation(title, tuple(panels), None, "rejected", (str(error),))
    image = located.image
    if reason := mismatch(image.shape, model):
        return Explanation(title, tuple(panels), image, "not read", (reason,))
    (verdict,) = judge(image[None], model)
    doubt = located.doubt or verdict.reason
    unlike = check(image).reasons if checkable(image[None]) else ()
    read = f"{model.class_names[verdict.digit]}  {verdict.confidence:.1%}"
    return Explanation(title, tuple(panels), image, read, (*([doubt] if doubt else []), *unlike))


def explanation_sheet(explanations: Sequence[Explanation]) -> Image.Image:
    """Explanations -> a picture with one of them a row."""
    most = max((len(one.panels) for one in explanations), default=0)
    width = _left(most) + MARGIN_PX + PANEL_PX + GAP_PX + SAID_PX + MARGIN_PX
    texts = [[_wrapped_panel(panel) for panel in one.panels] for one in explanations]
    said = [_said(one, width) for one in explanations]
    heights = [
        _height(max((len(title) + len(decision) for title, decision in row), default=0), len(lines))
        for row, lines in zip(texts, said, strict=True)
    ]
    sheet = Image.new("RGB", (width, sum(heights) + MARGIN_PX), PAPER)
    draw, top = ImageDraw.Draw(sheet), MARGIN_PX
    for one, row, lines, height in zip(explanations, texts, said, heights, strict=True):
        write(draw, (MARGIN_PX, top), one.title, TEXT, 16)
        for number, (panel, (title, decision)) in enumerate(zip(one.panels, row, strict=True)):
            left = _left(number)
            _paste(sheet, draw, panel.picture, left, top + 26)
            _write(draw, title, left, top + 30 + PANEL_PX, TEXT)
            _write(draw, decision, left, top + 30 + PANEL_PX + len(title) * LINE_PX, QUIET)
        _draw_verdict(sheet, draw, one, lines, _left(len(one.panels)) + MARGIN_PX, top + 26)
        top += height
    return sheet


def _left(number: int) -> int:
    """Where the panel of that number begins."""
    return MARGIN_PX + number * (PANEL_PX + GAP_PX)


def _said(one: Explanation, width: int) -> list[str]:
    """The lines beside the last image: as wide as the row leaves room."""
    room = width - _left(len(one.panels)) - 2 * MARGIN_PX - PANEL_PX - GAP_PX
    return _wrapped("\n".join(one.reasons or ("like MNIST's images in all figures",)), room)


def _draw_verdict(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, one: Explanation, lines: list[str], left: int, top: int
) -> None:
    good = one.image is not None and not one.reasons
    if one.image is not None:
        _paste(sheet, draw, one.image, left, top)
    left += PANEL_PX + GAP_PX
    write(draw, (left, top), one.verdict, GOOD if good else BAD, 22)
    _write(draw, lines, left, top + VERDICT_PX, QUIET if good else TEXT)


def _paste(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, pixels: NDArray[np.uint8], left: int, top: int
) -> None:
    picture = fitted(pixels, PANEL_PX)
    place = (left + (PANEL_PX - picture.width) // 2, top + (PANEL_PX - picture.height) // 2)
    sheet.paste(picture, place)
    draw.rectangle((left, top, left + PANEL_PX - 1, top + PANEL_PX - 1), outline=EMPTY)


def _write(draw: ImageDraw.ImageDraw, lines: list[str], left: int, top: int, colour: str) -> None:
    for number, line in enumerate(lines):
        write(draw, (left, top + number * LINE_PX), line, colour, 12)


def _wrapped_panel(panel: Panel) -> tuple[list[str], list[str]]:
    # A step's options stand apart, so that they can be broken into lines.
    return _wrapped(panel.title.replace("(", " ("), PANEL_PX), _wrapped(panel.decision, PANEL_PX)


def _wrapped(text: str, most_px: int) -> list[str]:
    """The text in lines that fit; a word that is longer than a line stands out."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and width_px(longer, 12) > most_px:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def _height(panel_lines: int, said_lines: int) -> int:
    panels, said = PANEL_PX + 4 + panel_lines * LINE_PX, VERDICT_PX + said_lines * LINE_PX
    return 26 + max(panels, said) + 2 * GAP_PX
