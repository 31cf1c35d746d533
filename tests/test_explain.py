"""Explanations: every step of a photo with what it decided, the end, and a picture of it all."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from places import PHOTOS

import digitprep as dp
from digitprep.recipes import recipe
from digitprep.report.explanation import explain, explanation_sheet

PHOTO = dp.load_photo(PHOTOS / "03.jpg")
BLANK = np.full((80, 60), 240, np.uint8)


@pytest.fixture(scope="module")
def model():
    return dp.load_model()


def test_every_step_is_shown_with_its_text_and_what_it_decided_and_the_end_with_what_is_read(model):
    pipeline = recipe()
    found = explain("a 2", PHOTO, pipeline, model)
    assert [panel.title for panel in found.panels[1:]] == [str(step) for step in pipeline.steps]
    assert found.panels[0].picture is PHOTO
    assert any("dark ink on a light ground" in panel.decision for panel in found.panels)
    assert np.array_equal(found.image, pipeline(PHOTO))
    assert found.verdict.startswith("2  ")
    assert found.reasons == dp.check(found.image).reasons == ()


def test_what_is_unlike_mnist_is_said_beside_what_is_read(model):
    found = explain("a 2", PHOTO, recipe("tutorial-invert"), model)
    unlike = dp.check(recipe("tutorial-invert")(PHOTO)).reasons
    assert unlike
    assert found.reasons[-len(unlike) :] == unlike


def test_a_photo_without_a_digit_is_shown_as_far_as_it_comes_with_the_reason(model):
    found = explain("blank", BLANK, dp.Pipeline.parse("invert | threshold | crop"), model)
    assert [panel.title for panel in found.panels] == ["photo, 80 x 60 px", "invert"]
    assert (found.image, found.verdict) == (None, "rejected")
    assert found.reasons[0].startswith("threshold: no ink")


def test_an_image_that_the_network_cannot_take_is_shown_unread(model):
    found = explain("small", PHOTO, dp.Pipeline.parse("grayscale | resize(size=20)"), model)
    assert found.verdict == "not read"
    assert "takes 28 x 28, the pipeline made 20 x 20" in found.reasons[0]


def test_the_picture_has_a_row_each_and_shows_the_last_image_enlarged(model):
    rows = [
        explain("a", PHOTO, recipe(), model),
        explain("b", BLANK, recipe(), model),
        explain("c", PHOTO, recipe("tutorial-invert"), model),
    ]
    heights = [explanation_sheet(rows[:count]).height for count in (1, 2, 3)]
    assert heights[0] < heights[1] < heights[2]
    sheet = np.asarray(explanation_sheet(rows[:1]).convert("L"))
    enlarged = rows[0].image.repeat(5, axis=0).repeat(5, axis=1)[1:-1, 1:-1]
    windows = np.lib.stride_tricks.sliding_window_view(sheet[:200], (1, enlarged.shape[1]))
    assert (windows[:, :, 0] == enlarged[69]).all(axis=2).any()


def test_the_command_draws_rejected_and_unreadable_photos_too_and_overwrites_nothing(run, tmp_path):
    Image.fromarray(BLANK).save(tmp_path / "blank.png")
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    names = "mnist,tutorial-invert"
    photos = (PHOTOS / "03.jpg", "blank.png", "broken.jpg")
    done = run("explain", *photos, "-o", "s.png", "--recipes", names, check=7)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [(Path(row[0]).name, row[1]) for row in rows] == [
        (photo, name) for photo in ("03.jpg", "blank.png", "broken.jpg") for name in names.split(",")
    ]
    assert rows[0][2].startswith("2  ")
    assert rows[0][3] == ""
    assert "longer side" in rows[1][3]
    assert rows[2][2] == rows[4][2] == "rejected"
    assert "no ink" in rows[2][3]
    picture = (tmp_path / "s.png").read_bytes()
    assert Image.open(tmp_path / "s.png").format == "PNG"
    run("explain", PHOTOS / "03.jpg", "-o", "s.png", check=2)
    assert (tmp_path / "s.png").read_bytes() == picture
    text = "grayscale | invert | resize(size=28)"
    assert "\tpipeline\t" in run("explain", PHOTOS / "03.jpg", "-o", "t.png", "--pipeline", text).stdout


def test_where_the_picture_cannot_be_written_is_said_before_any_photo_is_looked_at(run, tmp_path):
    (tmp_path / "file").write_text("no folder")
    done = run("explain", PHOTOS / "03.jpg", "-o", "file/s.png", check=1)
    assert done.stdout == ""


def test_what_predict_doubts_is_doubted_here_too():
    two = np.full((120, 200), 230, np.uint8)
    for left in (30, 120):
        cv2.putText(two, "4", (left, 90), cv2.FONT_HERSHEY_SIMPLEX, 2.5, 40, 7)
    found = explain("a 44", two, recipe(), dp.load_model())
    assert "2 digits in the photo? try --many" in found.reasons[0]
