"""More than one digit in a photo: said where there are two, not of a stroke, a frame or dirt."""

import json

import numpy as np
import pytest
from PIL import Image

from digitprep.pipeline import Pipeline
from digitprep.steps.ink import KeepDigit

KEEP = KeepDigit()
PHOTO = Pipeline.parse("grayscale | invert | threshold | keep_digit | crop | resize(size=20) | center")


def strokes(*boxes, size=(200, 200)):
    """A mask with bars of ink at (x, y, width, height)."""
    mask = np.zeros(size, np.uint8)
    for x, y, width, height in boxes:
        mask[y : y + height, x : x + width] = 255
    return mask


def doubt(mask):
    return KEEP.doubt(mask, KEEP(mask))


MIDDLE = (90, 60, 20, 80)


@pytest.mark.parametrize(
    ("others", "digits"),
    [
        ([(150, 60, 20, 80)], 2),
        ([(20, 70, 20, 60)], 2),
        ([(20, 60, 12, 100), (160, 62, 20, 80)], 3),
    ],
)
def test_pieces_as_large_as_the_digit_are_digits_too(others, digits):
    said = doubt(strokes(MIDDLE, *others))
    assert said.startswith(f"{digits} digits in the photo?")
    assert "try --many" in said


@pytest.mark.parametrize(
    "others",
    [
        [],
        [(90, 145, 20, 10)],  # a stroke of its own
        [(150, 60, 20, 20)],  # too small
        [(150, 60, 2, 80)],  # too thin
        [(180, 60, 20, 80)],  # cut off by the border
        [(150, 20, 12, 160)],  # too tall
    ],
    ids=["nothing", "stroke", "small", "thin", "cut off", "tall"],
)
def test_nothing_else_is(others):
    assert doubt(strokes(MIDDLE, *others)) == ""


def test_a_box_around_the_digit_is_no_digit():
    box = strokes((70, 45, 60, 4), (70, 151, 60, 4), (70, 45, 4, 110), (126, 45, 4, 110))
    mask = strokes(MIDDLE) | box
    assert np.array_equal(KEEP(mask), strokes(MIDDLE))
    assert doubt(mask) == ""


def test_the_doubt_comes_with_the_place_of_the_digit():
    one, two = strokes(MIDDLE), strokes(MIDDLE, (150, 60, 20, 80))
    for ink, said in ((one, ""), (two, doubt(two))):
        found = PHOTO.locate(255 - ink)
        assert (found.box, found.doubt) == (MIDDLE, said)


def test_predict_advises_many_and_keeps_what_it_read(run, tmp_path):
    photo = np.where(strokes(MIDDLE, (150, 60, 20, 80)), 30, 235).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "eleven.png")
    read = json.loads(run("predict", "--json", "eleven.png").stdout)
    assert read["text"] is not None
    assert read["reason"] == "2 digits in the photo? try --many, or take one photo a digit"
    assert json.loads(run("predict", "--json", "--reject", "eleven.png", check=7).stdout)["text"] is None
