"""The pictures of README show what is made of the samples today."""

import make_pictures
import numpy as np
import pytest
from PIL import Image
from places import SAMPLES

HINT = "python tests/bench/make_pictures.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the pictures as they are made now."""
    folder = tmp_path_factory.mktemp("pictures")
    make_pictures.draw(folder)
    return folder


@pytest.mark.parametrize("name", ["demo.png", "explain.png"])
def test_a_picture_is_what_is_drawn_now(made, name):
    now, kept = (np.asarray(Image.open(folder / name).convert("L"), int) for folder in (made, SAMPLES))
    assert now.shape == kept.shape, HINT
    # Other versions of OpenCV and Pillow round a few pixels otherwise.
    assert (np.abs(now - kept) > 40).mean() < 0.002, HINT


def test_the_picture_of_a_report_is_of_a_page_that_says_the_same(tmp_path):
    kept = Image.open(SAMPLES / "report.png")
    assert make_pictures.digest(make_pictures.report(tmp_path)) == kept.text[make_pictures.NOTE], HINT
    assert len(np.unique(np.asarray(kept))) > 50


def test_the_picture_of_the_workbench_is_of_one_that_says_the_same():
    kept = Image.open(SAMPLES / "workbench.png")
    assert make_pictures.words_digest() == kept.text[make_pictures.NOTE], HINT
    assert len(np.unique(np.asarray(kept))) > 50


@pytest.mark.parametrize("name", make_pictures.NAMES)
def test_the_pictures_are_small(name):
    assert (SAMPLES / name).stat().st_size < 250_000
