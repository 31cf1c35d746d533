"""The page of evaluate --report: what it shows, that names are text, and that it needs nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from html_page import NASTY, Page, assert_harmless, told

import digitprep as dp
from digitprep.errors import MissingExtra
from digitprep.evaluating import answers
from digitprep.report.evaluation import evaluation_page, examined
from digitprep.report.html import PICTURE_PX, picture_uri, rendered


@pytest.fixture
def model():
    """A model of four classes that says which column of an image is brightest."""
    model = dp.Model.build("flatten | dense(width=4)", (1, 4), classes=4, class_names=NASTY)
    model.params[1]["weight"][...] = 4 * np.eye(4, dtype=np.float32)
    return model


@pytest.fixture
def split():
    """Sixty images, of which four are labelled as something else than they show."""
    pixels = np.arange(60) % 4
    images = np.zeros((60, 1, 4), np.uint8)
    images[np.arange(60), 0, pixels] = 100 + np.arange(60)
    labels = pixels.copy()
    labels[[3, 10, 20, 59]] = [0, 1, 1, 0]
    return dp.Split(images, labels, "test", tuple(f"file {number} <b>.png" for number in range(60)))


def page_of(model, split, seed=0, batch=7):
    evaluation = dp.evaluate(model, split, batch=batch)
    return evaluation_page("<i>title</i>", str(model.text), [examined(model, split, evaluation, seed)])


def test_names_are_shown_as_text_whatever_they_hold(model, split):
    page = Page(page_of(model, split))
    for name in (*NASTY, "<i>title</i>", "file 59 <b>.png"):
        assert name in page.text
    assert len(page.all("i")) == 2 * len(NASTY)  # the bars, and no other
    assert all(set(image) == {"src", "alt"} for image in page.all("img"))


def test_nothing_is_loaded_and_every_picture_has_a_text(model, split):
    page = Page(page_of(model, split))
    assert_harmless(page)
    assert "url(" not in page_of(model, split).decode()
    assert len(page.all("img")) == 4 + 25
    assert len(page.all("svg")) == 1


def test_the_figures_are_those_of_the_evaluation(model, split):
    text = Page(page_of(model, split)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "93.33 % right" in text
    assert "56 of 60 images" in text
    low, high = dp.evaluate(model, split).accuracy_interval
    assert f"{low:.2%}"[:-1] in text
    assert f"{high:.2%}"[:-1] in text
    assert f"{NASTY[0]} read as {NASTY[3]} (2)" in text
    assert f"{NASTY[1]} read as {NASTY[2]} (1)" in text
    assert "4 of 4 mistakes" in text


def test_the_mistakes_are_shown_the_surest_first_as_the_images_that_they_are(model, split):
    page = Page(page_of(model, split))
    shown = [told(image["src"]) for image in page.all("img")[:4]]
    for found, index in zip(shown, (59, 20, 10, 3), strict=True):
        np.testing.assert_array_equal(found, split.images[index])
    assert page.all("img")[0]["alt"] == f"file 59 <b>.png: true {NASTY[0]}, read as {NASTY[3]}"


def test_the_random_images_follow_from_the_seed_and_none_comes_twice(model, split):
    evaluation = dp.evaluate(model, split)
    first, again, other = (examined(model, split, evaluation, seed).shown for seed in (0, 0, 1))
    assert first == again != other
    assert len({answer.index for answer in first}) == 25
    assert len(examined(model, split[:9], evaluation).shown) == 9
    for answer in first:
        assert answer.label == split.labels[answer.index]
        assert model.probabilities(split.images[answer.index][None]).max() == pytest.approx(answer.confidence)


def test_the_same_input_gives_the_same_bytes_in_batches_of_any_size(model, split):
    assert page_of(model, split) == page_of(model, split)
    assert page_of(model, split) == page_of(model, split, batch=60)


def test_a_class_without_images_and_a_network_without_mistakes_have_a_page(model, split):
    right = split[np.flatnonzero((split.labels == np.arange(60) % 4) & (split.labels < 2))]
    text = Page(page_of(model, right)).text
    assert "There are no mistakes." in text
    assert "nan" not in text


def test_many_classes_are_listed_and_not_laid_out_as_a_matrix():
    model = dp.Model.build("flatten | dense(width=101)", (1, 4), classes=101)
    model.params[1]["weight"][...] = 0
    model.params[1]["weight"][7, 0] = 1
    images = np.full((30, 1, 4), 255, np.uint8)
    page = Page(page_of(model, dp.Split(images, np.arange(30) % 3)))
    assert "101 classes are too many" in page.text
    assert "0 read as 7 (10), 1 read as 7 (10), 2 read as 7 (10)." in page.text


def test_large_pictures_are_made_small_and_small_ones_left_as_they_are():
    small = np.random.default_rng(0).integers(0, 256, (28, 20, 3), np.uint8)
    np.testing.assert_array_equal(told(picture_uri(small)), small)
    assert told(picture_uri(np.zeros((300, 600), np.uint8))).shape == (PICTURE_PX // 2, PICTURE_PX)


def test_a_name_that_is_no_utf_8_is_shown_with_its_bytes(model, split):
    names = ("bad \udcff.png", *split.sample_names[1:])
    renamed = replace(split, sample_names=names, labels=np.r_[1, split.labels[1:]])
    assert b"bad \\udcff.png" in page_of(model, renamed)


def test_answers_are_those_of_the_evaluation(model, split):
    mistakes = dp.evaluate(model, split).mistakes
    assert answers(model, split, [answer.index for answer in mistakes]) == mistakes
    assert not any(answer.is_right for answer in mistakes)
    assert [answer.index for answer in mistakes] == [59, 20, 10, 3]


def test_the_bins_are_those_that_the_calibration_error_comes_of(model, split):
    found = dp.evaluate(model, split, batch=11)
    assert sum(one.count for one in found.reliability) == 60
    error = sum(one.count * abs(one.confidence - one.accuracy) for one in found.reliability) / 60
    assert error == pytest.approx(found.calibration_error)
    assert found.to_dict()["reliability"][-1]["count"] == found.reliability[-1].count


def test_evaluate_writes_the_page_beside_what_it_prints(run, tmp_path, model, split):
    dp.write(split, tmp_path / "data.npz")
    model.save(tmp_path / "m.npz")
    arguments = ["evaluate", "data.npz", "--model", "m.npz", "--report", "r.html", "--json"]
    done = run(*arguments)
    assert "r.html: " in done.stderr
    assert '"test": {"accuracy": 0.93' in done.stdout
    assert "m.npz on data.npz" in Page((tmp_path / "r.html").read_bytes()).text
    assert "r.html exists; pass --overwrite" in run(*arguments, check=2).stderr
    assert "ends in .html, found r.pdf" in run(*arguments[:-2], "r.pdf", check=2).stderr


def test_without_jinja2_it_is_said_which_extra_brings_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(MissingExtra, match=r"writing a report needs .* pip install \"digitprep\[report\]\""):
        rendered("page.html", title="")
