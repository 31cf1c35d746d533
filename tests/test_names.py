"""File names in the order that people expect, without what file managers leave behind."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitprep.names import is_junk, natural_key


def in_order(*names):
    mixed = [*names[1::2], *names[::2]]
    return sorted(mixed, key=natural_key) == list(names)


@pytest.mark.parametrize(
    "names",
    [
        ("1.png", "2.png", "10.png", "11.png", "100.png"),
        ("1.png", "01.png", "001.png", "2.png"),
        ("7", "a", "a7", "b"),
        ("img1b2.png", "img1b10.png", "img2b1.png"),
        ("a/2.png", "a/10.png", "b/1.png"),
        ("2021-9-30.png", "2021-10-2.png"),
    ],
)
def test_numbers_in_names_count_as_numbers(names):
    assert in_order(*names)


@settings(max_examples=50)
@given(st.lists(st.text(max_size=8) | st.from_regex(r"[a-z]?\d{1,3}[a-z]?", fullmatch=True), unique=True))
def test_every_set_of_names_has_one_order(names):
    ordered = sorted(names, key=natural_key)
    assert sorted(ordered[1::2] + ordered[::2], key=natural_key) == ordered
    assert len({str(natural_key(name)) for name in names}) == len(names)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_names_that_differ_in_a_number_are_ordered_by_it(a, b):
    assert (natural_key(f"digit {a}.png") < natural_key(f"digit {b}.png")) == (a < b)


@pytest.mark.parametrize(
    "name", [".DS_Store", "Thumbs.db", "THUMBS.DB", "desktop.ini", "._photo.jpg", "__MACOSX"]
)
def test_what_file_managers_leave_is_junk(name):
    assert is_junk(name)


@pytest.mark.parametrize("name", ["photo.jpg", ".hidden.png", "_7.png", "DS_Store.png", ""])
def test_what_people_name_is_not_junk(name):
    assert not is_junk(name)
