"""Contact sheets: photos before and after, with captions that stay in their cells."""

import time

import numpy as np
import pytest

from digitprep.report.sheet import (
    BAD,
    CAPTION_PX,
    CELL_PX,
    EMPTY,
    GAP_PX,
    GOOD,
    PAPER,
    TEXT,
    Cell,
    contact_sheet,
)


def rgb(colour):
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


def has(sheet, colour):
    return (np.asarray(sheet).reshape(-1, 3) == rgb(colour)).all(axis=1).any()


def full(value, height=28, width=28):
    return np.full((height, width), value, np.uint8)


def where(sheet, colour):
    """The box around all pixels of one colour: left, top, width, height."""
    rows, columns = np.nonzero((np.asarray(sheet) == rgb(colour)).all(axis=2))
    return columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1


def test_a_sheet_grows_by_rows_and_bands_and_never_beyond_its_width():
    stack = (Cell(full(0), "a"), Cell(full(255), "b"))
    one, three, five = (contact_sheet([stack] * count, across=3) for count in (1, 3, 5))
    assert three.width - one.width == 2 * (CELL_PX + GAP_PX)
    assert five.width == three.width
    assert five.height == 2 * three.height
    assert three.height >= 2 * (CELL_PX + CAPTION_PX)
    assert one.mode == "RGB"


def test_titles_get_room_on_the_left():
    stack = (Cell(full(0)), Cell(full(9)))
    bare, titled = contact_sheet([stack]), contact_sheet([stack], titles=("before", "after"))
    assert titled.width > bare.width
    assert titled.height == bare.height
    assert has(titled, TEXT)
    assert not has(bare, TEXT)


@pytest.mark.parametrize(
    ("height", "width", "shown"),
    [(28, 28, (84, 96)), (20, 40, (48, 96)), (400, 100, (96, 24)), (96, 96, (96, 96)), (1, 3000, (1, 96))],
)
def test_a_picture_fills_its_cell_and_keeps_its_shape(height, width, shown):
    picture = np.zeros((height, width, 3), np.uint8)
    picture[...] = (255, 0, 255)
    left, top, across, down = where(contact_sheet([(Cell(picture),)]), "#ff00ff")
    assert shown[0] <= down <= CELL_PX
    assert shown[1] <= across <= CELL_PX
    assert abs((left - GAP_PX) * 2 + across - CELL_PX) <= 1
    assert abs((top - GAP_PX) * 2 + down - CELL_PX) <= 1


def test_small_pictures_are_enlarged_without_new_grey_levels():
    checks = (np.indices((28, 28)).sum(axis=0) % 2 * 255).astype(np.uint8)
    colours = {tuple(pixel) for pixel in np.asarray(contact_sheet([(Cell(checks),)])).reshape(-1, 3)}
    assert colours == {rgb(PAPER), (0, 0, 0), (255, 255, 255)}


def test_a_missing_picture_is_an_empty_frame():
    sheet = contact_sheet([(Cell(None),)])
    assert has(sheet, EMPTY)
    assert not has(contact_sheet([(Cell(full(0)),)]), EMPTY)


@pytest.mark.parametrize(("good", "colour"), [(True, GOOD), (False, BAD), (None, TEXT)])
def test_good_news_is_green_and_bad_news_red(good, colour):
    sheet = contact_sheet([(Cell(full(200), "reads as 7", good),)])
    assert [tone for tone in (GOOD, BAD, TEXT) if has(sheet, tone)] == [colour]


@pytest.mark.parametrize(
    "caption",
    [
        "a very long name of a file " * 9,
        "W" * 300,
        "a\nname\non lines" * 5,
        "数字" * 40,
        "\udcff.png",
        "ä" * 90,
        " ",
    ],
)
def test_a_caption_stays_in_its_cell(caption):
    sheet = np.asarray(contact_sheet([(Cell(full(0), caption), Cell(full(0)))] * 2))
    paper = (sheet == rgb(PAPER)).all(axis=2)
    assert paper[:, :GAP_PX].all()
    assert paper[:, GAP_PX + CELL_PX + 3 : 2 * GAP_PX + CELL_PX].all()
    below = GAP_PX + CELL_PX + CAPTION_PX
    assert paper[below : below + GAP_PX].all()


def test_a_cut_caption_shows_more_than_a_short_one_and_ends_at_the_edge():
    def ink(caption):
        return where(contact_sheet([(Cell(full(200), caption, True),)]), GOOD)[2]

    assert ink("ab") < ink("abcdef") < ink("abcdef" * 20)
    assert ink("abcdef" * 20) > 0.8 * CELL_PX


def test_no_cells_make_an_empty_sheet():
    assert (np.asarray(contact_sheet([])) == rgb(PAPER)).all()


def test_two_hundred_photos_take_no_more_than_seconds():
    picture, start = np.zeros((150, 200, 3), np.uint8), time.perf_counter()
    contact_sheet([(Cell(picture, f"a photo with a long name {n}"), Cell(full(9), "7")) for n in range(200)])
    assert time.perf_counter() - start < 3
