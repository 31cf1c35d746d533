"""What steps say they decided: true of the image at hand, in words that a person understands."""

import numpy as np
import pytest

from digitprep.pipeline import Pipeline


def page(ink=30, paper=230, height=200, width=160):
    """A stroke of 12 x 100 px in the middle of a page."""
    image = np.full((height, width), paper, np.uint8)
    image[50:150, 74:86] = ink
    return image


def ruled(*rows):
    """The same stroke in a mask, with printed lines across."""
    image = np.where(page() < 128, 255, 0).astype(np.uint8)
    for row in rows:
        image[row : row + 2] = 255
    return image


def split(gap):
    """A mask with two strokes of one digit, one above the other, and a speck far away."""
    image = np.zeros((200, 160), np.uint8)
    image[50:80, 45:115] = image[80 + gap : 140 + gap, 60:100] = image[5:10, 5:10] = 255
    return image


def ends(width):
    """A mask with nothing but a line from edge to edge."""
    image = np.zeros((100, width), np.uint8)
    image[49:51] = 255
    return image


@pytest.mark.parametrize(
    ("step", "image", "said"),
    [
        ('invert(when="auto")', page(), "dark ink on a light ground: inverted"),
        ('invert(when="auto")', page(230, 30), "light ink on a dark ground: kept"),
        ("invert", page(230, 30), "always inverted"),
        ("rescale", page(height=1200, width=600), "made smaller: 1200 x 600 px to 600 x 300 px"),
        ("rescale", page()[50:78, 70:92], "enlarged: 28 x 22 px to 112 x 88 px"),
        ("rescale", page(), "200 x 160 px is neither too small nor too large"),
        ("even_light", page(225, 55), "took 8 to 55 of 255 levels off"),
        ("threshold", page(200, 40), "ink is level 200 up: 3.8% of the image"),
        (
            'threshold(method="fixed", level=150, ink="dark")',
            page(40, 200),
            "ink is level 40 down: 3.8% of the image",
        ),
        ('threshold(method="fixed", level=255)', page(40, 200), "no ink"),
        ("remove_lines", ruled(), "no lines found"),
        ("remove_lines", ruled(20), "1 line removed"),
        ("remove_lines", ruled(20, 100, 180), "3 lines removed"),
        ("remove_lines", ends(160), "1 line kept: without, no digit is left"),
        ("keep_digit", split(gap=9), "2 of 3 pieces: 99 x 70 px at row 50, column 45"),
        ("keep_digit", ruled(), "the only piece: 100 x 12 px at row 50, column 74"),
        ("thicken", ruled(), "strokes are thick enough"),
        ("thicken(smallest=0.2)", ruled(), "strokes 9 px thicker"),
        ("crop", ruled(), "100 x 12 px at row 50, column 74"),
        ("resize(size=20)", ruled(), "200 x 160 px fitted into 20 x 20 px"),
        ('resize(size=28, mode="stretch")', page(), "200 x 160 px stretched to 28 x 28 px"),
        ("brighten", page(200, 0), "brightest pixel 200, now 255"),
        ("center(size=210)", ruled(), "centre of mass at row 105.5, column 105.5"),
        ("grayscale", page(), ""),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_step_says_what_it_decided(step, image, said):
    photo, moment = Pipeline.parse(step).trace(image)
    assert photo.decision == ""
    assert moment.decision == said
