"""The page of clean --report: every photo under what is true of it, the doubtful first, names as text."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from html_page import NASTY, Page, assert_harmless, told
from places import SAMPLES

import digitprep as dp
from digitprep.batch import Cleaned
from digitprep.recipes import recipe
from digitprep.report.photos import THUMBNAIL_BYTES, THUMBNAIL_PX, PhotoPage, thumbnail_uri

LIKE = dp.read(SAMPLES / "digits" / "digits.npz")["train"].images
PHOTO = np.full((90, 60, 3), (200, 30, 30), np.uint8)
GOOD = Cleaned(
    Path("good.jpg"),
    LIKE[0],
    (1, 2, 3, 4),
    PHOTO,
    label=5,
    digit=5,
    confidence=0.987,
    decisions=("invert: always inverted", "keep_digit: 1 of <2> pieces"),
)


def page_of(tmp_path, *photos, facts=None):
    """What a page shows of photos, each alone or with in what it is unlike MNIST's."""
    page = PhotoPage()
    for photo in photos:
        page.add(*photo if isinstance(photo, tuple) else (photo,))
    page.write(tmp_path / "r.html", "<i>title</i>", facts or {})
    return Page((tmp_path / "r.html").read_bytes())


def test_every_photo_is_under_the_first_heading_that_is_true_of_it_the_least_sure_first(tmp_path):
    photos = [
        replace(GOOD, photo=Path("sure.jpg")),
        replace(GOOD, photo=Path("unsure.jpg"), confidence=0.6),
        (replace(GOOD, photo=Path("thin.jpg")), ["the strokes are thin"]),
        replace(GOOD, photo=Path("eight.jpg"), digit=8),
        Cleaned(Path("blank.jpg"), thumbnail=PHOTO, reason="it is blank"),
        (replace(GOOD, photo=Path("two.jpg"), digit=8, doubt="2 digits?"), ["it is wide"]),
    ]
    page = page_of(tmp_path, *photos)
    headings = re.findall(r"^(?:([A-Z][\w' ]+) \n\d+|(\w+)\.jpg)$", page.text, re.MULTILINE)
    assert ["".join(found) for found in headings] == [
        *("Doubtful", "two", "Read otherwise", "eight", "Unlike MNIST's", "thin"),
        *("Rejected", "blank", "Nothing to remark", "unsure", "sure"),
    ]
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "5 images" in text
    assert "of 6 photos: 1 doubtful, 1 read otherwise, 1 unlike mnist's, 1 rejected, 2 nothing" in text
    for said in ("2 digits?", "it is wide", "the strokes are thin", "it is blank"):
        assert text.count(said) == 1
    assert "read 8, 98.7 %, label 5" in text
    assert "read 5, 60.0 %, label 5" in text


def test_before_and_after_are_the_photo_and_the_image_that_was_made_of_it(tmp_path):
    page = page_of(tmp_path, GOOD, Cleaned(Path("bad.jpg"), thumbnail=PHOTO, reason="blank"))
    rejected, before, after = page.all("img")
    np.testing.assert_array_equal(told(after["src"]), LIKE[0])
    for one in (rejected, before):
        assert told(one["src"]).shape == (90, 60, 3)
        assert np.abs(told(one["src"]).astype(int) - PHOTO).max() < 12
    texts = [image["alt"] for image in page.all("img")]
    assert texts == ["bad.jpg before", "good.jpg before", "good.jpg after"]


def test_what_was_found_and_how_it_was_cleaned_is_told(tmp_path):
    page = page_of(tmp_path, GOOD, facts={"digitprep": "1.2.3", "pipeline": 'invert(when="auto") | <crop>'})
    for said in (*GOOD.decisions, "1.2.3", 'invert(when="auto") | <crop>'):
        assert said in page.text


@pytest.mark.parametrize("labelled", [True, False])
def test_the_labels_and_what_is_read_are_counted(tmp_path, labelled):
    labels = [3, 3, 7] if labelled else [None] * 3
    photos = [replace(GOOD, label=label, digit=digit) for label, digit in zip(labels, [3, 8, 8], strict=True)]
    page = page_of(tmp_path, *photos, Cleaned(Path("bad.jpg"), reason="blank", label=1))
    table = page.text.partition("Labels\n")[2]
    rows = table.partition("Read otherwise" if labelled else "Rejected")[0].split()
    if labelled:
        assert rows == ["class", "labelled", "read", "3", "2", "1", "7", "1", "0", "8", "0", "2"]
    else:
        assert rows == ["class", "read", "3", "1", "8", "2"]


def test_names_are_shown_as_text_whatever_they_hold(tmp_path):
    nasty = [replace(GOOD, photo=Path(name.replace("/", "_"))) for name in NASTY]
    bad = Cleaned(Path("bad \udcff.png"), reason=NASTY[0])
    page = page_of(tmp_path, *nasty, bad, facts={"labels": NASTY[1]})
    assert_harmless(page)
    names = [str(photo.photo) for photo in nasty]
    for name in (*names, *NASTY[:2], "<i>title</i>", "bad \\udcff.png"):
        assert name in page.text
    assert len(page.all("img")) == 2 * len(NASTY)


def test_without_a_network_a_thumbnail_or_any_photo_there_is_a_page(tmp_path):
    bare = Cleaned(Path("bare.jpg"), LIKE[0])
    page = page_of(tmp_path, bare)
    assert "bare.jpg" in page.text
    assert "no picture" in page.text
    assert "Labels" not in page.text
    assert "of 0 photos" in page_of(tmp_path).text


@pytest.mark.parametrize("shape", [(40, 30), (192, 96, 3), (1, 500, 3), (300, 300)])
def test_a_thumbnail_is_bounded_in_size_and_bytes_whatever_it_shows(shape):
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    uri = thumbnail_uri(noise)
    assert max(told(uri).shape[:2]) == min(THUMBNAIL_PX, max(shape[:2]))
    assert len(uri) < THUMBNAIL_BYTES * 4 / 3 + 30


def test_clean_writes_the_page_beside_the_dataset_the_same_bytes_with_more_processes(run, tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("03.jpg", "16.jpg", "labels.csv"):
        (tmp_path / "photos" / name).write_bytes((SAMPLES / "photos" / name).read_bytes())
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no photo")
    first = run("clean", "photos", "-o", "a/d.npz", "--report", "a.html", check=7)
    assert "a.html: " in first.stderr
    run("clean", "photos", "-o", "a/d.npz", "--report", "b.html", "--jobs", 2, "--overwrite", check=7)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    page = Page((tmp_path / "a.html").read_bytes())
    assert len(page.all("img")) == 4
    text = " ".join(page.text.split())
    assert str(recipe("mnist")) in text
    assert f"digitprep {dp.__version__}" in text
    for said in ("invert: dark ink on a light ground: inverted", "remove_lines: ", "keep_digit: ", "read 2,"):
        assert said in text
    assert "expected an image" in text
    for name, said in {"a.html": "exists; pass --overwrite", "r.pdf": "ends in .html, found r.pdf"}.items():
        assert said in run("clean", "photos", "-o", "c.npz", "--report", name, check=2).stderr


def test_a_page_without_a_sheet_has_its_thumbnails(run, tmp_path):
    run("clean", SAMPLES / "photos" / "03.jpg", "-o", "d.npz", "--no-sheet", "--report", "r.html")
    assert not (tmp_path / "d.sheet.png").exists()
    assert len(Page((tmp_path / "r.html").read_bytes()).all("img")) == 2


def test_a_page_by_the_datasets_own_name_is_refused_before_any_work(run, tmp_path):
    done = run("clean", SAMPLES / "photos", "-o", "R.html", "--to", "npz", "--report", "R.html", check=2)
    assert "need names of their own" in done.stderr
    assert not (tmp_path / "R.html").exists()


def test_the_page_says_all_that_was_asked_for(run, tmp_path):
    """Also the photos as they were named, and how long each might take."""
    (tmp_path / "my photos").mkdir()
    shutil.copy(SAMPLES / "photos" / "03.jpg", tmp_path / "my photos" / "3.jpg")
    options = ["--labels", "name", "--classes", 36, "--seconds", 90, "--on-error", "fail", "--to", "npz"]
    run("clean", "my photos", "-o", "d.npz", "--report", "r.html", *options)
    text = Page((tmp_path / "r.html").read_bytes()).text.split()
    asked = ("labels name", "classes 36", "seconds 90.0", "on-error fail", "to npz")
    for fact in ("photos 'my photos'", *asked):
        words = fact.split()
        assert words in [text[start : start + len(words)] for start in range(len(text))], fact
