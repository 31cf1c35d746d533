"""What notebooks show: splits, evaluations and traces, with names as text and images that have a text."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import digitprep as dp
from digitprep.errors import StepError
from digitprep.evaluation import Evaluation
from digitprep.notebook import mosaic, png

NASTY = '"><script>alert(1)</script>'


def pictures(html):
    found = re.findall(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]*)"', html)
    assert len(found) == html.count("<img")
    return [(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), text) for data, text in found]


def digits(count=200, **named):
    images = np.arange(count, dtype=np.uint8)[:, None, None] * np.ones((8, 6), np.uint8)
    return dp.Split(images, np.arange(count) % 3, **named)


def test_a_split_shows_what_it_holds_and_images_from_its_first_to_its_last():
    html = digits(class_names=("a", NASTY, "c"))._repr_html_()
    assert "split train: 200 images of 8 x 6" in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    [(picture, text)] = pictures(html)
    assert picture.shape == (2 * 8 + 2, 10 * 6 + 9 * 2)
    assert (picture[0, 0], picture[-1, -1]) == (0, 199)
    assert text.startswith("20 of them: a, ")


@pytest.mark.parametrize("count", [0, 1, 3, 20, 21])
def test_a_split_of_any_size_shows_itself(count):
    html = digits(count)._repr_html_()
    assert f"{count} images" in html
    assert len(pictures(html)) == (count > 0)
    assert "no labels" in dp.Split(np.zeros((1, 2, 2, 3), np.uint8))._repr_html_()


def test_a_dataset_shows_its_splits():
    html = dp.Dataset([digits(4, name="test"), digits(5, name="train")])._repr_html_()
    assert html.index("split train: 5") < html.index("split test: 4")


def test_an_evaluation_shows_its_accuracy_and_who_is_taken_for_whom():
    html = Evaluation(np.array([[31, 4], [0, 65]]), (NASTY, "b"), (), 0.02)._repr_html_()
    assert "96.00% of 100 images are right" in html
    assert "<td>31</td><td>4</td>" in html
    assert "<script" not in html


def test_an_evaluation_of_many_classes_leaves_the_table_out():
    many = tuple(map(str, range(31)))
    assert "<table" not in Evaluation(np.eye(31, dtype=np.int64), many, (), 0.0)._repr_html_()


def test_a_trace_shows_each_step_and_goes_on_as_before():
    image = np.full((300, 40), 250, np.uint8)
    image[100:200, 18:22] = 10
    trace = dp.Pipeline.parse("invert | crop | resize(size=20)").trace(image)
    assert next(trace).step is None
    shown = pictures(trace._repr_html_())
    assert [text.partition(":")[0].partition("(")[0] for _, text in shown] == [
        "photo", "invert", "crop", "resize",
    ]  # fmt: skip
    assert max(shown[0][0].shape) == 140
    assert str(next(trace).step) == "invert"


def test_a_trace_that_ends_early_says_why():
    blank = np.full((40, 40), 250, np.uint8)
    trace = dp.Pipeline.parse("invert | threshold").trace(blank)
    with pytest.raises(StepError) as caught:
        list(dp.Pipeline.parse("invert | threshold").trace(blank))
    html = trace._repr_html_()
    assert len(pictures(html)) == 2
    assert html.endswith(f"<p>{caught.value}</p>")


def test_a_moment_is_its_image():
    image = np.arange(48, dtype=np.uint8).reshape(6, 8)
    moment = next(dp.Pipeline.parse("invert").trace(image))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(moment._repr_png_()))), image)


def test_a_mosaic_holds_every_image_where_it_belongs():
    images = np.random.default_rng(0).integers(0, 256, (7, 4, 5, 3), np.uint8)
    sheet = mosaic(images, across=3)
    assert sheet.shape == (3 * 4 + 2 * 2, 3 * 5 + 2 * 2, 3)
    for number, image in enumerate(images):
        top, left = number // 3 * 6, number % 3 * 7
        np.testing.assert_array_equal(sheet[top : top + 4, left : left + 5], image)
    assert png(sheet) == png(sheet.copy())
