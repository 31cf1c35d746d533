"""An image in the terminal: where its pixels come to stand, and what is said where there is none."""

import re

import numpy as np
import pytest

import digitprep as dp
from digitprep.cli.show import half_blocks

IMAGE = np.array([[0, 255, 0, 200], [0, 255, 255, 0], [255, 0, 0, 0]], np.uint8)


def test_a_letter_is_two_pixels_one_above_the_other():
    assert half_blocks(IMAGE, with_greys=False, columns=80) == " █▄▀\n▀"


def test_greys_are_those_of_the_pixels_and_each_line_ends_them():
    lines = half_blocks(IMAGE, with_greys=True, columns=80).splitlines()
    assert re.findall(r"38;2;(\d+);", lines[0]) == ["0", "255", "0", "200"]
    assert re.findall(r"48;2;(\d+);", lines[0]) == ["0", "255", "255", "0"]
    assert all(line.endswith("\x1b[0m") for line in lines)


@pytest.mark.parametrize("shape", [(28, 300), (300, 28), (1, 1), (40, 200, 3)])
def test_no_line_is_wider_than_the_terminal(shape):
    lines = half_blocks(np.full(shape, 255, np.uint8), with_greys=False, columns=50).splitlines()
    assert max(map(len, lines)) == min(shape[1], 50)


def test_show_finds_the_image_of_a_split_and_pipes_get_no_escapes(run, tmp_path):
    splits = [dp.Split(np.stack([IMAGE, 255 - IMAGE]), np.array([3, 4]), name) for name in ("train", "test")]
    dp.write(dp.Dataset(splits), tmp_path / "d.npz")
    assert run("show", "d.npz").stdout == "train 0: 3\n █▄▀\n▀\n"
    said = run("show", "d.npz", "--split", "test", "--index", "1").stdout
    assert said.startswith("test 1: 4\n")
    assert "\x1b" not in said
    error = run("show", "d.npz", "--index", "2", check=2).stderr
    assert "no image 2 in split 'train'; images by split, from 0: train 2, test 2" in error
