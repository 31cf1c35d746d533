"""Many photos: in order, a reason for each bad one, on any executor, never far ahead of who asked."""

import itertools
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from places import PHOTOS

from digitprep.acceptance import NO_INK
from digitprep.batch import Cleaned, clean, clean_photo, with_readings
from digitprep.pipeline import Pipeline
from digitprep.recipes import recipe
from digitprep.versions import versions
from digitprep.workers import AHEAD, ProcessPool


def draw(path, box, size=(160, 120), **options):
    """A photo of paper with a dark bar at (x, y, width, height)."""
    pixels = np.full((size[1], size[0]), 235, np.uint8)
    x, y, width, height = box
    pixels[y : y + height, x : x + width] = 30
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def photos(tmp_path):
    """Twelve photos whose bars all differ, a blank one, one that is no image and one that is missing."""
    made = [draw(tmp_path / f"{n}.png", (50 + n, 30, 8 + 2 * n, 60)) for n in range(12)]
    blank = tmp_path / "blank.png"
    Image.new("L", (50, 50), 200).save(blank)
    (tmp_path / "note.jpg").write_text("not a photo")
    return [*made[:4], blank, *made[4:8], tmp_path / "note.jpg", *made[8:], tmp_path / "missing.png"]


def same(a, b):
    def key(cleaned):
        image = None if cleaned.image is None else cleaned.image.tobytes()
        return cleaned.photo, image, cleaned.box, cleaned.reason

    return [key(cleaned) for cleaned in a] == [key(cleaned) for cleaned in b]


def test_each_photo_gives_one_result_in_order_and_bad_ones_a_reason(photos):
    results = list(clean(photos, recipe()))
    assert [cleaned.photo for cleaned in results] == photos
    reasons = {cleaned.photo.name: cleaned.reason for cleaned in results if cleaned.reason}
    assert list(reasons) == ["blank.png", "note.jpg", "missing.png"]
    assert "blank" in reasons["blank.png"]
    assert "expected an image" in reasons["note.jpg"]
    assert "No such file" in reasons["missing.png"]
    for cleaned in results:
        assert (cleaned.image is None) == (cleaned.box is None) == (cleaned.reason is not None)
        assert cleaned.image is None or cleaned.image.shape == (28, 28)


def test_heic_is_tried_again_where_its_package_was_wanting(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (wanting,) = clean([tmp_path / "a.heic"], recipe())
    assert "digitprep[heic]" in wanting.reason
    assert wanting.lost
    assert versions()["pillow-heif"] is None


def test_threads_and_processes_give_what_one_core_gives(photos):
    expected = list(clean(photos, recipe()))
    with ThreadPoolExecutor(3) as threads:
        assert same(clean(photos, recipe(), executor=threads), expected)
    with ProcessPool(2) as processes:
        assert same(clean(photos, recipe(), executor=processes), expected)


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_box_is_the_digits_in_the_upright_photo_of_full_size(tmp_path, orientation):
    file = draw(tmp_path / "a.jpg", (1200, 900, 200, 700), size=(3000, 2000))
    if orientation == 6:
        turned, exif = Image.open(file).transpose(Image.Transpose.ROTATE_90), Image.Exif()
        exif[0x0112] = 6
        turned.save(file, exif=exif)
    cleaned = clean_photo(file, recipe())
    assert np.abs(np.subtract(cleaned.box, (1200, 900, 200, 700))).max() <= 12


def test_a_thumbnail_is_there_when_asked_for_even_of_a_photo_without_ink(photos):
    results = list(clean(photos, recipe(), thumbnail_px=40))
    shapes = {cleaned.photo.name: getattr(cleaned.thumbnail, "shape", None) for cleaned in results}
    assert shapes["0.png"] == (30, 40)
    assert shapes["blank.png"] == (40, 40)
    assert shapes["note.jpg"] is None
    assert all(cleaned.thumbnail is None for cleaned in clean(photos[:2], recipe()))


def test_endless_photos_are_taken_only_as_far_as_they_are_asked_for(photos):
    taken = []
    endless = (taken.append(photo) or photo for photo in itertools.cycle(photos[:2]))
    with ThreadPoolExecutor(2) as threads:
        results = clean(endless, Pipeline.parse("grayscale"), executor=threads)
        first = [next(results).photo for _ in range(5)]
        assert first == [photos[0], photos[1]] * 2 + [photos[0]]
        assert len(taken) <= AHEAD + 5
        results.close()


def test_without_an_executor_nothing_is_done_ahead(photos):
    taken = []
    results = clean((taken.append(photo) or photo for photo in photos), Pipeline.parse("grayscale"))
    assert taken == []
    next(results)
    assert taken == photos[:1]


def test_closing_early_cancels_what_has_not_begun(photos):
    class Lazy:
        """An executor that never begins; the caller does not wait for it."""

        def __init__(self):
            self.futures = []

        def submit(self, *_):
            self.futures.append(Future())
            if len(self.futures) == 1:
                self.futures[0].set_result(["done"])
            return self.futures[-1]

    lazy = Lazy()
    results = clean(itertools.cycle(photos), recipe(), executor=lazy)
    assert next(results) == "done"
    closing = threading.Thread(target=results.close, daemon=True)
    closing.start()
    closing.join(5)
    assert not closing.is_alive()
    assert all(future.cancelled() for future in lazy.futures[1:])


def test_an_error_of_the_caller_is_raised_and_not_a_reason_for_each_photo(tmp_path):
    file = tmp_path / "a.png"
    Image.new("RGB", (30, 30)).save(file)
    with pytest.raises(ValueError, match="put grayscale before it"):
        list(clean([file], Pipeline.parse("threshold")))


def test_the_gate_doubts_what_is_no_digit_in_order_and_leaves_the_rest_as_it_is(photos):
    digit = next(cleaned.image for cleaned in clean(photos, recipe()) if cleaned.image is not None)
    empty = np.zeros((28, 28), np.uint8)
    given = [
        Cleaned(Path("digit"), digit),
        Cleaned(Path("rejected"), reason="blank"),
        Cleaned(Path("empty"), empty),
        Cleaned(Path("two"), digit, doubt="2 digits in the photo?"),
        Cleaned(Path("two, empty"), empty, doubt="2 digits in the photo?"),
        Cleaned(Path("small"), empty[:20, :20]),
        Cleaned(Path("colour"), np.zeros((28, 28, 3), np.uint8)),
        Cleaned(Path("empty again"), empty),
    ]
    two = "2 digits in the photo?"
    for batch in (1, 3, 256):
        found = list(with_readings(given, batch))
        assert [cleaned.photo for cleaned in found] == [cleaned.photo for cleaned in given]
        assert [cleaned.doubt for cleaned in found] == [None, None, NO_INK, two, two, None, None, NO_INK]
        assert found[1].reason == "blank"
        read = [cleaned.digit is not None and 0 < cleaned.confidence <= 1 for cleaned in found]
        assert read == [True, False, True, True, True, False, False, True]


def test_a_label_other_than_what_is_read_is_doubtful_unless_something_else_is():
    image = clean_photo(PHOTOS / "03.jpg", recipe()).image
    given = [
        Cleaned(Path("right"), image, label=2),
        Cleaned(Path("wrong"), image, label=7),
        Cleaned(Path("two"), image, label=7, doubt="2 digits in the photo?"),
    ]
    said = [None, "it reads as 2, its label is 7", "2 digits in the photo?"]
    assert [cleaned.doubt for cleaned in with_readings(given)] == said
