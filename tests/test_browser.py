"""Every report as a browser shows it: whole, silent, and asking nobody for anything."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from html_page import NASTY
from places import SAMPLES

import digitprep as dp
from digitprep.batch import Cleaned
from digitprep.report.evaluation import evaluation_page, examined
from digitprep.report.photos import PhotoPage
from digitprep.report.training import Learnt, training_page

NAMES = (*NASTY, *"456789")
DIGITS = dp.read(SAMPLES / "digits" / "digits.npz")["test"][:60]

# How many images have nothing to show, those counted that would come only when they are scrolled to.
MISSING = """Promise.all([...document.images].map(image => {
    image.loading = "eager";
    return image.decode().then(() => image.naturalWidth ? 0 : 1, () => 1);
})).then(missing => missing.reduce((sum, one) => sum + one, 0))"""


def evaluation(file):
    """The page on sixty digits, and what it must show: images, and text."""
    model = dp.load_model()
    named = replace(DIGITS, sample_names=tuple(f"{number} {NASTY[number % 4]}" for number in range(60)))
    found = dp.evaluate(model, named)
    part = examined(model, named, found)
    file.write_bytes(evaluation_page(NASTY[0], "a network", [part]))
    shown = [NASTY[0], f"{found.correct} of 60 images", named.sample_names[part.shown[0].index]]
    return found.wrong + 25, shown


def photos(file):
    """The page on some photos that were cleaned."""
    page, photo = PhotoPage(), np.full((150, 200, 3), 230, np.uint8)
    for number, image in enumerate(DIGITS.images):
        name = Path(f"{number} {NASTY[number % 4].replace('/', '_')}")
        page.add(Cleaned(name, image, None, photo, label=4, digit=number % 10, confidence=0.9))
    page.add(Cleaned(Path("blank.jpg"), thumbnail=photo, reason="it is blank"))
    page.write(file, NASTY[1], {"pipeline": NASTY[0]})
    return 2 * 60 + 1, [*NASTY[:2], "60 images", "it is blank", "54 read otherwise"]


def training(file):
    """The page on a run of two epochs, and on the network that it ended with."""
    model = dp.Model.build("conv(channels=3) | relu | maxpool | flatten | dense(width=10)", class_names=NAMES)
    history = list(dp.train(model, DIGITS, epochs=2, validation=20))
    learnt = Learnt(model, DIGITS.images[0], NASTY[1])
    file.write_bytes(training_page(NASTY[0], {NASTY[0]: history}, {"seed": NASTY[1]}, [(1, 2.5)], learnt))
    return 3 + 3 + 1 + 3, [*NASTY[:2], f"{history[0].validation_loss:.4f}", "3 of 3"]


@pytest.mark.parametrize("report", [evaluation, photos, training], ids=lambda report: report.__name__)
def test_a_report_opens_without_a_word_or_a_request_and_shows_what_the_data_say(browser, report, tmp_path):
    images, texts = report(tmp_path / "r.html")
    # Even where it could run some, a page has no script: a name that was taken for one would show here.
    for options in ({}, {"dark": True, "width": 320, "scripts": False}):
        browser.open(tmp_path / "r.html", **options)
        assert browser.complaints == []
        assert browser.requests[0] == (tmp_path / "r.html").as_uri()
        assert [url for url in browser.requests[1:] if not url.startswith("data:")] == []
        assert browser.value("document.images.length") == images
        assert browser.value(MISSING) == 0
        text = browser.value("document.body.textContent")
        assert [said for said in texts if said not in text] == []
        assert browser.value("document.documentElement.scrollWidth <= innerWidth")
        assert len(set(browser.picture())) > 100  # bytes of a picture that is not blank


def test_what_a_page_still_waited_for_is_not_taken_for_the_next_ones(browser, tmp_path):
    asks, silent = tmp_path / "asks.html", tmp_path / "silent.html"
    asks.write_text("<script>setInterval(() => fetch('http://127.0.0.1:1/').catch(() => 0), 1)</script>")
    silent.write_text("<p>nothing</p>")
    for _ in range(10):
        browser.open(asks)
        browser.until("performance.getEntriesByType('resource').length > 2")
        browser.open(silent)
        assert browser.complaints == []
