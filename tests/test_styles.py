"""Styles: what is drawn into a digit is what people elsewhere write."""

import cv2
import numpy as np
import pytest
from places import DIGITS

import digitprep as dp
from digitprep.nn.styles import STYLES, Styles


@pytest.fixture(scope="module")
def digits():
    return dp.read(DIGITS)["train"]


def restyled(split, digit, seed=0):
    """(before, after): all images of a digit, each in another style."""
    before = split.images[split.labels == digit]
    labels = np.full(len(before), digit)
    return before, Styles(share=1)(before, np.random.default_rng(seed), labels)


def holes(image) -> int:
    """How many patches of paper are enclosed by ink."""
    paper = np.pad((image < 100).astype(np.uint8), 1, constant_values=1)
    return cv2.connectedComponents(paper, connectivity=4)[0] - 2


def centre(images) -> np.ndarray:
    """(N, 2): each image's centre of mass, row and column."""
    weights = images.astype(float) / images.sum(axis=(1, 2), keepdims=True)
    return np.stack([(weights * grid).sum(axis=(1, 2)) for grid in np.indices(images.shape[1:])], axis=1)


def widest_row(image, first, last) -> int:
    """The most ink that one row has, of the rows from first to last of the ink's box."""
    ink = image > 100
    rows = np.flatnonzero(ink.any(axis=1))
    return int(ink[rows[0] + first : rows[0] + last].sum(axis=1).max())


def test_a_one_gets_a_flag(digits):
    """In the rows below its top there is more ink."""
    before, after = restyled(digits, 1)
    more = [widest_row(new, 3, 12) - widest_row(old, 3, 12) for old, new in zip(before, after, strict=True)]
    assert np.mean(more) > 2


def test_a_seven_gets_a_bar_across_its_stem(digits):
    before, after = restyled(digits, 7)
    more = [widest_row(new, 7, 14) - widest_row(old, 7, 14) for old, new in zip(before, after, strict=True)]
    assert np.mean(more) > 2


def test_a_slash_cuts_the_hole_of_a_zero_in_two(digits):
    before, after = restyled(digits, 0)
    more = [holes(new) > holes(old) for old, new in zip(before, after, strict=True)]
    assert np.mean(more) > 0.5


def test_a_four_gets_closed(digits):
    before, after = restyled(digits, 4)
    assert np.mean([holes(image) > 0 for image in before]) < 0.4
    assert np.mean([holes(image) > 0 for image in after]) > 0.7


@pytest.mark.parametrize("digit", range(10))
def test_the_digit_stays_in_its_place(digits, digit):
    """Within a pixel of where MNIST centres it; and the digits without other styles do not change."""
    before, after = restyled(digits, digit)
    assert abs(centre(after) - centre(before)).max() < 1
    assert np.array_equal(before, after) == (digit not in STYLES)


def test_the_share_is_how_many_change(digits):
    images = np.concatenate([digits.images[digits.labels == 7]] * 8)
    after = Styles(share=0.25)(images, np.random.default_rng(0), np.full(len(images), 7))
    assert 0.2 < (images != after).any(axis=(1, 2)).mean() < 0.3


def test_a_seed_gives_the_same_strokes_again(digits):
    """And the images that are handed in stay as they are."""
    images, labels = digits.images[:200], digits.labels[:200]
    kept = images.copy()
    first, again, other = (Styles()(images, np.random.default_rng(seed), labels) for seed in (1, 1, 2))
    np.testing.assert_array_equal(images, kept)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_without_labels_or_in_colour_nothing_changes(digits):
    images, labels = digits.images[:50], digits.labels[:50]
    np.testing.assert_array_equal(Styles(share=1)(images, np.random.default_rng(0)), images)
    colour = np.repeat(images[..., None], 3, axis=3)
    np.testing.assert_array_equal(Styles(share=1)(colour, np.random.default_rng(0), labels), colour)


@pytest.mark.parametrize("digit", [0, 1, 4, 7])
@pytest.mark.parametrize(
    "ink", [np.zeros((28, 28)), np.eye(28)[:, ::-1] * 255, np.full((28, 28), 255), np.ones((5, 3))]
)
def test_odd_images_are_no_obstacle(digit, ink):
    """Blank, thin, full, tiny: something of the same size comes back."""
    image = ink.astype(np.uint8)[None]
    assert Styles(share=1)(image, np.random.default_rng(0), np.array([digit])).shape == image.shape
