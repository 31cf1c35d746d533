"""The drawn photos of the bench: the same bytes each time, one difficulty each, digits as they were."""

import io
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import digitprep as dp

TESTS = Path(__file__).parent
DIGITS = dp.read(TESTS.parent / "samples" / "digits" / "digits.npz")["test"]
sys.path.insert(0, str(TESTS / "bench"))  # where scripts find the modules beside them

import difficulties  # noqa: E402
import paper  # noqa: E402

ALL = [(name, k) for name, chosen in difficulties.DIFFICULTIES.items() for k in range(len(chosen.levels))]


def drawn(name, strength, number=3, seed=0):
    return difficulties.draw(name, strength, DIGITS.images, number, seed)


def grey(photo):
    return np.asarray(Image.open(io.BytesIO(photo)).convert("L"), np.float64)


@pytest.mark.parametrize(("name", "strength"), ALL)
def test_a_photo_is_a_file_of_the_size_of_photos_and_drawn_the_same_again(name, strength):
    photo = drawn(name, strength)
    image = Image.open(io.BytesIO(photo))
    assert image.format == ("PNG" if name == "transparent" else "JPEG")
    low, high = (28, 40) if name == "thumbnail" else (250, 1000)
    assert low <= max(image.size) <= high
    assert drawn(name, strength) == photo


def test_seed_and_number_make_other_photos_and_the_difficulty_leaves_paper_and_pen():
    assert len({drawn("none", 0), drawn("none", 0, seed=1), drawn("none", 0, number=4)}) == 3
    plain, noisy = grey(drawn("none", 0)), grey(drawn("noise", 2))
    assert plain.shape == noisy.shape
    assert abs(np.median(plain) - np.median(noisy)) < 3
    assert noisy[:50].std() > 5 * plain[:50].std()


@pytest.mark.parametrize("stops", [1, 3])
def test_a_stop_is_half_of_the_light_before_the_cameras_power(stops):
    bright, dark = (paper.ordinary_scene(np.random.default_rng(0), DIGITS.images) for _ in range(2))
    dark.stops += stops
    seen = [np.median(grey(paper.photograph(scene, DIGITS.images[0]))) for scene in (bright, dark)]
    assert seen[1] / seen[0] == pytest.approx(0.5 ** (stops / 2.2), rel=0.02)


@pytest.mark.parametrize("number", range(0, 500, 25))
def test_the_stroke_is_the_digits_own(number):
    digit = DIGITS.images[number]
    scene = paper.ordinary_scene(np.random.default_rng(0), DIGITS.images)
    scene.height_px = scene.width_px = 560
    scene.size, scene.right, scene.down, scene.angle_degrees = 400 / 560, 0.0, 0.0, 0.0
    small = cv2.resize(paper.written(scene, digit), (28, 28), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(small.ravel(), digit.ravel())[0, 1] > 0.93


@pytest.mark.parametrize("width", [0.012, 0.05, 0.2])
def test_a_pen_is_as_wide_as_was_asked(width):
    one = np.zeros((28, 28), np.uint8)
    one[4:24, 12:15] = 255
    scene = paper.ordinary_scene(np.random.default_rng(0), DIGITS.images)
    scene.pen_width, scene.angle_degrees = width, 0.0
    across = paper.written(scene, one)[round(scene.centre_px[1])].sum()
    assert across == pytest.approx(width * scene.digit_px, abs=2.5)


def test_thinning_leaves_a_line_of_one_pixel_with_the_same_holes_and_pieces():
    eight = np.zeros((90, 60), np.uint8)
    for y in (27, 60):
        cv2.circle(eight, (30, y), 16, 1, 9)
    line = paper.thinned(eight > 0).astype(np.uint8)
    assert not (line & ~eight).any()
    assert cv2.erode(line, np.ones((2, 2), np.uint8)).sum() <= 4
    for background in (0, 1):
        pieces = [
            cv2.connectedComponents((m == background).astype(np.uint8), connectivity=4 + 4 * background)[0]
            for m in (eight, line)
        ]
        assert pieces[0] == pieces[1]
