"""Pipelines: text that reads back, errors that help, every moment of the work, and where the digit was."""

import json
import pickle
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitprep.errors import StepError, UsageError
from digitprep.pipeline import Pipeline
from digitprep.recipes import DEFAULT, RECIPES, recipe
from digitprep.spec import spec_name
from digitprep.steps import STEPS


def paper(height=200, width=160, value=235):
    return np.full((height, width), value, np.uint8)


def bar(x, y, width, height, size=(200, 160), ink=25):
    """Paper with one dark bar."""
    image = paper(*size)
    image[y : y + height, x : x + width] = ink
    return image


def handwritten(digit, colour=(20, 20, 90), size=(420, 360), thickness=14):
    """A digit on paper as a camera sees it: coloured ink, a shadow, slanted, noisy and a little blurred."""
    rng = np.random.default_rng(digit)
    height, width = size
    image = np.full((height, width, 3), 225, np.uint8)
    cv2.putText(image, str(digit), (width // 3, height * 2 // 3), 0, 5.5, colour, thickness, cv2.LINE_AA)
    tilt = cv2.getRotationMatrix2D((width / 2, height / 2), 7, 1)
    image = cv2.warpAffine(image, tilt, (width, height), borderMode=cv2.BORDER_REPLICATE)
    shadow = np.linspace(1.0, 0.6, width)[None, :, None] * np.linspace(0.9, 1.0, height)[:, None, None]
    noisy = image * shadow + rng.normal(0, 3, image.shape)
    return cv2.GaussianBlur(np.clip(noisy, 0, 255).astype(np.uint8), (3, 3), 0)


texts = st.sampled_from(
    [
        "grayscale",
        "invert",
        'invert(when="auto")',
        "even_light(size=0.25)",
        'threshold(method="fixed", level=9)',
        "crop(margin_px=3)",
        "resize(size=12)",
        "keep_digit(gap=0.5)",
    ]
)


@given(st.lists(texts, min_size=1, max_size=30))
@settings(max_examples=60)
def test_text_json_and_pickle_keep_a_pipeline(parts):
    pipeline = Pipeline.parse(" | ".join(parts))
    assert Pipeline.parse(str(pipeline)) == pipeline
    assert str(pipeline) == " | ".join(parts)
    assert Pipeline.from_list(json.loads(json.dumps(pipeline.to_list()))) == pipeline
    assert pickle.loads(pickle.dumps(pipeline)) == pipeline


def test_a_very_long_pipeline_is_no_deep_one():
    assert len(Pipeline.parse(" | ".join(["invert"] * 500)).steps) == 500


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("greyscale", ["no step is named 'greyscale'", "did you mean 'grayscale'?", "threshold"]),
        (
            "threshold(methode='otsu')",
            ["threshold has no option 'methode'", "did you mean 'method'?", "level"],
        ),
        ("threshold(method='otso')", ["threshold(method=...)", "one of", '"otsu"', "found 'otso'"]),
        ("resize(size=0)", ["resize(size=...)", "between 1 and 4096", "found 0"]),
        ("resize(size=2.5)", ["whole number", "2.5"]),
        ("resize(20)", ["resize(option=value)"]),
        ("resize(size=1 + open('x'))", ["plain value", "open('x')"]),
        ("resize(size=__import__('os').getpid())", ["plain value"]),
        ("resize(**{'size': 3})", ["not **"]),
        ("grayscale | 7", ["'7'", "NAME(option=value)"]),
        ("grayscale, invert", ["NAME(option=value)"]),
        ("grayscale |", ["NAME(option=value) | NAME"]),
        ("", ["NAME(option=value) | NAME"]),
        ("a.b", ["'a.b'"]),
        ("gray\0scale", ["null"]),
        ("-" * 400 + "a", ["NAME"]),
        ("resize(size=" + "not " * 400 + "1)", ["plain value"]),
        ("even_light(size=1" + "0" * 400 + ")", ["even_light(size=...)"]),
        ("(" * 500, ["NAME"]),
    ],
    ids=lambda part: part[:40] if isinstance(part, str) else "",
)
def test_a_wrong_text_gets_an_error_that_says_what_and_what_instead(text, words):
    with pytest.raises(UsageError) as caught:
        Pipeline.parse(text)
    for word in words:
        assert word in str(caught.value)


@given(st.text() | st.text(alphabet="()|,=.'\"a1 -+[]{}*\\\n"))
@settings(max_examples=150, deadline=None)
def test_no_text_gives_another_error_than_a_usage_error(text):
    for source in (text, f"resize(size={text})", f"invert | {text}"):
        try:
            assert Pipeline.parse(source).steps
        except UsageError:
            continue


def test_a_pipeline_of_nothing_is_a_usage_error():
    with pytest.raises(UsageError, match="at least one step"):
        Pipeline(())


def test_a_trace_gives_the_photo_and_then_what_each_step_leaves():
    pipeline, image = Pipeline.parse("invert | crop | resize(size=20) | center"), bar(50, 60, 20, 80, ink=0)
    image[image > 0] = 255
    moments = list(pipeline.trace(image))
    assert [moment.step for moment in moments] == [None, *pipeline.steps]
    assert moments[0].image is image
    for before, after in pairwise(moments):
        assert np.array_equal(after.step(before.image), after.image)
    assert np.array_equal(moments[-1].image, pipeline(image))


def test_a_trace_shows_how_far_it_came_before_a_step_found_nothing():
    trace = Pipeline.parse("invert | threshold").trace(paper())
    assert [str(next(trace).step) for _ in range(2)] == ["None", "invert"]
    with pytest.raises(StepError, match=r"^threshold: .*blank"):
        next(trace)


def test_an_error_names_its_step_whether_the_image_or_the_place_is_asked_for():
    pipeline = Pipeline.parse('threshold(method="fixed", level=255) | crop')
    for ask in (pipeline, pipeline.locate, lambda image: list(pipeline.trace(image))):
        with pytest.raises(StepError, match=r"^crop: .*no ink"):
            ask(paper())


@pytest.mark.parametrize("box", [(50, 40, 30, 90), (0, 0, 20, 20), (139, 179, 21, 21), (80, 100, 7, 6)])
def test_the_place_of_the_digit_is_that_of_its_ink(box):
    pipeline = Pipeline.parse('invert | threshold(method="otsu") | crop | resize(size=20) | center')
    found = pipeline.locate(bar(*box))
    assert found.box == box
    assert np.array_equal(found.image, pipeline(bar(*box)))


@pytest.mark.parametrize("largest_px", [400, 150, 1000])
def test_the_place_is_right_in_the_photos_own_pixels_after_it_was_scaled(largest_px):
    box = (300, 200, 90, 400)
    pipeline = Pipeline.parse(f"rescale(largest_px={largest_px}) | invert | threshold | crop(margin_px=0)")
    found = pipeline.locate(bar(*box, size=(800, 1000)))
    assert np.abs(np.subtract(found.box, box)).max() <= 1000 / min(largest_px, 1000)


def test_two_crops_add_up():
    found = Pipeline.parse("invert | threshold | crop(margin_px=9) | crop").locate(bar(50, 40, 30, 90))
    assert found.box == (50, 40, 30, 90)


def test_without_a_crop_the_place_is_the_whole_photo():
    found = Pipeline.parse("grayscale | resize(size=28)").locate(paper(70, 90))
    assert found.box == (0, 0, 90, 70)


def test_what_the_steps_decided_is_told_with_the_place_where_it_is_asked_for():
    pipeline, photo = recipe("mnist"), bar(50, 40, 30, 90)
    plain, told = pipeline.locate(photo), pipeline.locate(photo, with_decisions=True)
    assert plain.decisions == ()
    assert np.array_equal(plain.image, told.image)
    expected = [(spec_name(type(m.step)), m.decision) for m in pipeline.trace(photo) if m.decision]
    assert told.decisions == tuple(f"{name}: {decision}" for name, decision in expected)
    assert "invert: dark ink on a light ground: inverted" in told.decisions
    assert "remove_lines: no lines found" in told.decisions


@pytest.mark.parametrize("name", RECIPES)
def test_what_a_step_tells_with_its_image_is_what_it_says_of_it_later(name):
    image = bar(50, 40, 30, 90)
    image[70] = 0
    for step in recipe(name).steps:
        after, decision = step.told(image)
        assert np.array_equal(after, step(image))
        assert decision == step.decision(image, after)
        image = after


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_parses_says_what_it_is_for_and_ends_in_mnists_size(name):
    pipeline = recipe(name)
    assert Pipeline.parse(RECIPES[name].steps) == pipeline
    assert Pipeline.parse(str(pipeline)) == pipeline
    assert RECIPES[name].summary
    assert pipeline(handwritten(3)).shape == (28, 28)
    assert all(step in STEPS for step in (part["name"] for part in pipeline.to_list()))


def test_an_unknown_recipe_is_a_usage_error_that_lists_the_known():
    with pytest.raises(UsageError, match=r"'mnits'.*mnist.*tutorial-invert"):
        recipe("mnits")
    assert recipe() == recipe(DEFAULT)


def test_the_threshold_of_the_tutorials_is_stretch_grey_and_below_150_is_ink():
    photo = handwritten(5)
    grey = cv2.cvtColor(cv2.resize(photo, (28, 28), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    expected = np.where(grey < 150, 255, 0)
    assert np.array_equal(recipe("tutorial-threshold")(photo), expected)
    assert 0 < expected.mean() < 255


def test_the_inversion_of_the_tutorials_is_grey_invert_stretch():
    photo = handwritten(5)
    expected = cv2.resize(
        255 - cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), (28, 28), interpolation=cv2.INTER_AREA
    )
    assert np.array_equal(recipe("tutorial-invert")(photo), expected)


def prepared(photo):
    """What the default recipe makes of a photo, and what MNIST's makers promise of it."""
    image = recipe()(photo)
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    weights = image / image.sum()
    centre = weights.sum(axis=1) @ np.arange(28), weights.sum(axis=0) @ np.arange(28)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() == 255
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
    assert all(13.4 <= place <= 14.6 for place in centre)
    assert (image == 0).mean() > 0.5
    return image


@pytest.mark.parametrize("digit", range(10))
def test_a_photo_of_a_digit_becomes_an_image_like_mnists(digit):
    prepared(handwritten(digit))


@pytest.mark.parametrize(
    "change",
    [
        lambda photo: 255 - photo,
        lambda photo: photo[..., 0],
        lambda photo: photo[::2, ::2],
        lambda photo: cv2.resize(photo, None, fx=3, fy=3),
        lambda photo: np.pad(photo, ((200, 200), (200, 200), (0, 0)), mode="edge"),
        lambda photo: (photo * 0.5 + 100).astype(np.uint8),
    ],
    ids=["light on dark", "grey", "half the size", "three times the size", "far away", "pale"],
)
def test_the_same_digit_looks_the_same_however_it_was_photographed(change):
    for digit in (2, 7):
        plain, other = (
            prepared(photo).astype(float) for photo in (handwritten(digit), change(handwritten(digit)))
        )
        overlap = np.minimum(plain, other).sum() / np.maximum(plain, other).sum()
        assert overlap > 0.7, (digit, overlap)


@pytest.mark.parametrize(
    ("value", "grain"),
    [
        *((value, 0) for value in (0, 90, 200, 255)),
        *((value, 1) for value in (90, 200, 255)),
    ],
)
def test_a_blank_page_is_refused_with_advice(value, grain):
    noise = np.random.default_rng(0).normal(0, grain, (200, 160))
    photo = np.clip(paper(value=value) + noise, 0, 255).astype(np.uint8)
    with pytest.raises(StepError, match=r"threshold: no ink.*photograph the digit"):
        recipe()(photo)
