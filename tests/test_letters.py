"""Names in a terminal: what would steer it is escaped, and every letter takes the cells that it takes."""

import numpy as np
import pytest
from rich.cells import cell_len

import digitprep as dp
from digitprep.cli.letters import right, shown

# Clears the screen, sets the window's title, ends a line early, and turns the writing round.
EVIL = ("a\x1b[2Jb", "\x1b]0;title\x07", "two\nlines", "t\tab", "\u202egpj.exe", "\x9b31m")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (EVIL[0], r"a\x1b[2Jb"),
        (EVIL[2], r"two\nlines"),
        (EVIL[4], r"\u202egpj.exe"),
        ("\ud800", r"\ud800"),
        ("line\u2028end", r"line\u2028end"),
        ("数字 صفر é", "数字 صفر é"),
        ("می\u200cشود", "می\u200cشود"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
def test_commands_are_escaped_and_letters_are_left(text, seen):
    assert shown(text) == seen


@pytest.mark.parametrize("name", ["", "7", "a long name 1", "数字数字数字数字", "数a字b数c字d数e字f", *EVIL])
@pytest.mark.parametrize("cells", [3, 6, 11])
def test_a_name_takes_as_many_cells_as_it_is_given(name, cells):
    assert cell_len(right(name, cells)) == cells
    assert shown(name) in right(name, 40)


def test_of_a_long_name_both_ends_are_kept():
    names = [right(f"handwritten digit {digit}", 11) for digit in range(2)]
    assert names == ["handw…git 0", "handw…git 1"]


@pytest.fixture
def evil(tmp_path):
    """A dataset and a network, all of whose names are commands to the terminal."""
    images = (np.eye(6)[np.arange(30) % 6] * 255).astype(np.uint8)[:, None]
    names = tuple(f"{EVIL[number % 6]}{number}" for number in range(30))
    split = dp.Split(images, np.arange(30) % 6, "test", sample_names=names, class_names=EVIL)
    dp.write(split, tmp_path / "d.npz")
    model = dp.Model.build("flatten | dense(width=6)", (1, 6), classes=6, class_names=EVIL)
    model.params[1]["weight"][...] = np.eye(6, dtype=np.float32)
    model.save(tmp_path / "m.npz")


@pytest.mark.usefixtures("evil")
def test_names_do_not_steer_the_terminal_that_tells_of_a_dataset(run):
    for command in (["info", "d.npz"], ["show", "d.npz"], ["evaluate", "d.npz", "--model", "m.npz"]):
        done = run(*command, "--classes", 6)
        assert not any(letter in done.stdout for letter in "\x1b\x07\t\u202e\x9b"), command
        assert r"a\x1b[2Jb" in done.stdout.replace("…", r"\x1b["), command


def test_names_of_files_do_not_steer_the_terminal_that_reads_them(run, tmp_path):
    name = "p\x1b[2J\n\u202e.png"
    (tmp_path / name).write_bytes(b"no picture")
    for command, told in (("predict", "stdout"), ("info", "stderr")):
        said = getattr(run(command, name, check=7 if command == "predict" else 3), told)
        assert said.count("\n") == 1
        assert r"p\x1b[2J\n\u202e.png" in said
    done = run("diff", name, name, check=3)
    assert "\x1b" not in done.stdout + done.stderr


def test_columns_are_columns_whatever_the_names_of_classes(run, tmp_path):
    """Names longer than their column, in letters of two cells, in accents of none: counts stand below each
    other."""
    names = ("handwritten digit 0", "handwritten digit 1", "数字数字数字", "e\u0301", EVIL[0], "7")
    images = (np.eye(6)[np.arange(60) % 6] * 255).astype(np.uint8)[:, None]
    dp.write(dp.Split(images, np.arange(60) % 6, "test", class_names=names), tmp_path / "d.npz")
    model = dp.Model.build("flatten | dense(width=6)", (1, 6), classes=6, class_names=names)
    model.params[1]["weight"][...] = np.eye(6, dtype=np.float32)
    model.save(tmp_path / "m.npz")
    matrix = run("evaluate", "d.npz", "--model", "m.npz").stdout.splitlines()[1:]
    assert len(matrix) == 8
    assert {cell_len(line) for line in matrix[:-1]} == {11 + 6 * 12 + 10}
    assert matrix[1].startswith("handw…git 0          10           0")
    bars = [line for line in run("info", "d.npz", "--classes", 6).stdout.splitlines() if "###" in line]
    assert {cell_len(line.partition("#")[0]) for line in bars} == {7 + 19 + 9}
