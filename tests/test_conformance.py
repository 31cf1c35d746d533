"""What makes an image like MNIST's: each figure on images made for it, and the counts on real ones."""

import re

import cv2
import numpy as np
import pytest
from places import SAMPLES

import digitprep as dp
from digitprep.conformance import INVARIANTS, check, check_all, likeness

BY_NAME = {entry.name: entry for entry in INVARIANTS}
PREPARE = dp.Pipeline.parse("crop | resize(size=20) | brighten | center(size=28)")


def ink(*strokes, thickness=12, size=(200, 160)):
    """A mask with strokes through points (x, y)."""
    image = np.zeros(size, np.uint8)
    for stroke in strokes:
        cv2.polylines(image, [np.array(stroke, np.int32)], False, 255, thickness)
    return image


SEVEN = ink([(45, 40), (115, 40), (75, 160)])
LIKE = PREPARE(SEVEN)


def made(text, image=SEVEN):
    return dp.Pipeline.parse(text)(image)


def dotted(count):
    """The seven with so many dots beside it, within its box."""
    image = LIKE.copy()
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    for number in range(count):
        image[rows[-1] - 3 * number, columns[0]] = 255
    return image


def hard(image):
    return np.where(image > 100, 255, 0).astype(np.uint8)


def soft(image):
    """Blurred, so that no pixel is full ink."""
    return np.where(image > 0, np.minimum(cv2.GaussianBlur(image, (0, 0), 1.2), 251), 0).astype(np.uint8)


def bar(width):
    """An upright bar of full ink, 20 px long."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 14 - width // 2 : 14 - width // 2 + width] = 255
    return image


def test_a_digit_prepared_as_mnists_makers_did_passes_and_has_nothing_to_say():
    found = check(LIKE)
    assert found.passed
    assert found.failed == ()
    assert found.reasons == ()


@pytest.mark.parametrize(
    ("image", "name", "words"),
    [
        (made("crop | resize(size=14) | center"), "longer side", "found 14 px; the digit is too small"),
        (made("crop | resize(size=25) | center"), "longer side", "found 25 px; the digit is too large"),
        (np.roll(LIKE, 2, axis=0), "centre's row", "expected 13.40 to 14.60, found 1"),
        (np.roll(LIKE, -2, axis=1), "centre's column", "expected 13.40 to 14.60, found 1"),
        ((LIKE * 0.9).astype(np.uint8), "brightest pixel", "expected 250 to 255, found 229; the ink is grey"),
        (bar(1), "mean", "found 0.026; there is little ink"),
        (np.where(LIKE > 0, LIKE, 60).astype(np.uint8), "mean", "found 0.[2-9].*; there is much ink"),
        (bar(1), "stroke width", "found 0.9.* px; .*too thin"),
        (bar(14), "stroke width", "px; .*too thick"),
        (dotted(2), "pieces of ink", "expected 1 to 2, found 3; .*one photo a digit"),
        (np.minimum(LIKE, 90), "pieces of ink", "expected 1 to 2, found 0; nothing is dark enough"),
        (np.maximum(LIKE, 1), "empty pixels", "expected 55.0% to 100.0%, found 0.0%; the paper has to be 0"),
        (hard(LIKE), "grey share of the ink", "expected 25.0% to 97.0%, found 0.0%; the edges are hard"),
        (soft(LIKE), "grey share of the ink", "expected 25.0% to 97.0%, found 100.0%; .*no full middle"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_is_unlike_mnist_is_named_with_the_expected_the_found_and_advice(image, name, words):
    found = check(image)
    assert not found.passed
    assert BY_NAME[name] in found.failed
    sentences = [reason for reason in found.reasons if reason.startswith(f"{name}: ")]
    assert len(sentences) == 1
    assert len(found.reasons) == len(found.failed)
    assert re.search(words, sentences[0]), sentences[0]


@pytest.mark.parametrize("dots", [0, 1])
def test_one_more_piece_of_ink_is_still_a_digit(dots):
    assert check(dotted(dots)).components == dots + 1
    assert BY_NAME["pieces of ink"] not in check(dotted(dots)).failed


def test_an_empty_image_says_only_that():
    found = check(np.zeros((28, 28), np.uint8))
    assert not found.passed
    assert found.reasons == ("the image is empty, there is no ink",)
    assert (found.longer_side_px, found.components, found.stroke_px, found.mean) == (0, 0, 0, 0)


@pytest.mark.parametrize("width", [2, 4, 7])
def test_the_stroke_width_is_that_of_a_long_bar(width):
    # Twice the area over the length of the outline, which has two short sides as well.
    assert check(bar(width)).stroke_px == pytest.approx(2 * width * 20 / (2 * (width + 20)), rel=0.02)


def test_the_figures_are_what_they_are_called():
    image = np.zeros((28, 28), np.uint8)
    image[10:14, 6:12] = 255
    image[12, 6:12] = 50
    found = check(image)
    assert (found.longer_side_px, found.peak, found.components) == (6, 255, 2)
    assert found.zero_share == pytest.approx(1 - 24 / 784)
    assert found.grey_share == pytest.approx(6 / 24)
    assert found.mean == pytest.approx((18 * 255 + 6 * 50) / 255 / 784)
    assert found.centre_column == pytest.approx(8.5)
    assert found.centre_row == pytest.approx((10 * 255 + 11 * 255 + 12 * 50 + 13 * 255) / (3 * 255 + 50))


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8])
def test_pieces_are_counted_as_opencv_does(share):
    rng = np.random.default_rng(int(share * 100))
    images = np.where(rng.random((60, 28, 28)) < share, 255, 0).astype(np.uint8)
    expected = [cv2.connectedComponents(image, connectivity=8)[0] - 1 for image in images]
    assert [found.components for found in check_all(images)] == expected


def test_a_piece_that_winds_is_one():
    spiral = np.zeros((28, 28), np.uint8)
    for start in range(0, 14, 4):
        cv2.rectangle(spiral, (start, start), (27 - start, 27 - start), 255, 1)
        spiral[start + 1, start] = 0
        spiral[start + 2 : start + 5, start + 2] = (
            255 if start < 10 else spiral[start + 2 : start + 5, start + 2]
        )
    expected = cv2.connectedComponents(spiral, connectivity=8)[0] - 1
    assert check(spiral).components == expected


def test_many_images_are_checked_as_each_alone_and_left_as_they_are():
    images = dp.read(SAMPLES / "digits" / "digits.npz")["test"].images[:50]
    kept = images.copy()
    images.setflags(write=False)
    assert check_all(images) == [check(image) for image in images]
    assert np.array_equal(images, kept)
    assert check_all(images[:0]) == []


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((20, 20), np.uint8), "(20, 20) uint8; digitprep.prepare makes"),
        (np.zeros((28, 28)), "(28, 28) float64; (image * 255).round().astype('uint8') if it is from 0 to 1"),
        (np.zeros((28, 28, 3), np.uint8), "(28, 28, 3) uint8; digitprep.prepare makes"),
        (np.zeros(784, np.uint8), "(784,) uint8; digitprep.prepare makes"),
        (np.zeros(784), "(784,) float64; digitprep.prepare makes"),
    ],
    ids=["size", "type", "colour", "flat", "flat shares"],
)
def test_what_is_no_image_of_mnists_size_is_refused_with_what_to_do(image, found):
    expected = "expected images of (28, 28) uint8, 0 for paper and 255 for ink, found "
    with pytest.raises(dp.UsageError, match=re.escape(expected + found)):
        check(image)


def test_of_the_sample_digits_which_are_mnists_nearly_all_pass():
    found = likeness(check_all(dp.read(SAMPLES / "digits" / "digits.npz")["train"].images))
    assert found["count"] == 1000
    assert found["passed"] == 992
    assert found["failed"] == {"stroke width": 3, "pieces of ink": 3, "mean": 2, "grey share of the ink": 2}


def passing(recipe):
    photos = sorted(path for path in (SAMPLES / "photos").iterdir() if path.suffix != ".csv")
    return sum(check(dp.prepare(photo, recipe)).passed for photo in photos) / len(photos)


def test_of_the_sample_photos_those_pass_that_were_prepared_as_mnist():
    assert passing("mnist") >= 0.95
    assert passing("tutorial-invert") == passing("tutorial-threshold") == 0
