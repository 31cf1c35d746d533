"""What a terminal shows: progress in its width, in colours or not, and nothing where that is asked for."""

import re

import numpy as np
import pytest
import typer
from forked import in_terminal
from places import DIGITS

import digitprep as dp
from digitprep.cli import app


@pytest.fixture
def terminal(tmp_path):
    """Run digitprep in a terminal so many columns wide; what is seen there, stdout and stderr as one."""

    def run_in_terminal(*arguments, columns=80, **environment):
        return in_terminal(arguments, tmp_path, COLUMNS=str(columns), **environment)[0]

    return run_in_terminal


def lines(shown):
    """What is on the lines, without what moves the cursor and colours."""
    return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in re.split(r"\r?\n|\r|\x1b\[2K", shown)]


def test_quiet_says_nothing_but_results_and_errors(run, terminal):
    assert run("convert", DIGITS, "a.npz").stderr != ""
    quiet = run("convert", DIGITS, "b.npz", "-q")
    assert (quiet.stdout, quiet.stderr) == ("", "")
    arguments = ["train", DIGITS, "--layers", "flatten | dense(width=10)", "--epochs", 1]
    trained = run(*arguments, "-o", "m.npz", "--quiet")
    assert trained.stderr == ""
    assert trained.stdout.startswith("test: ")
    assert "a.npz exists" in run("convert", DIGITS, "a.npz", "-q", check=2).stderr
    for command in (["info", "a.npz", "-q"], [*arguments, "-o", "n.npz", "-q"]):
        assert "\x1b" not in terminal(*command)


def test_every_command_has_quiet():
    commands = typer.main.get_command(app).commands
    assert {"convert", "clean", "list"} <= set(commands)
    for command in commands.values():
        assert "--quiet" in [name for parameter in command.params for name in parameter.opts]


@pytest.mark.parametrize("columns", [40, 80])
def test_nothing_is_wider_than_the_terminal_that_is_drawn_in_place(terminal, columns):
    shown = terminal("train", DIGITS, "-o", "m.npz", "--model", "mlp", "--steps", 100, columns=columns)
    bars = [line for line in lines(shown) if "━" in line or "training" in line]
    assert bars
    assert max(map(len, bars)) <= columns


def test_colours_go_where_they_are_not_wanted(terminal):
    command = ["evaluate", DIGITS, "--split", "test"]
    assert re.search(r"\x1b\[[0-9;]*3[0-9]", terminal(*command))
    assert not re.search(r"\x1b\[[0-9;]*[39][0-9]", terminal(*command, NO_COLOR="1"))


def test_a_matrix_that_the_terminal_has_no_room_for_is_told_class_by_class(terminal, run, tmp_path):
    model = dp.Model.build("flatten | dense(width=4)", (1, 4), classes=4)
    model.params[1]["weight"][...] = 4 * np.eye(4, dtype=np.float32)
    pixels = np.arange(40) % 4
    labels = pixels.copy()
    labels[[3, 7]] = 0
    dp.write(
        dp.Split((np.eye(4)[pixels] * 255).astype(np.uint8)[:, None], labels, "test"), tmp_path / "d.npz"
    )
    model.save(tmp_path / "m.npz")
    command = ["evaluate", "d.npz", "--model", "m.npz"]
    narrow = lines(terminal(*command, columns=40))
    assert "0: 10 of 12 right, 2 as 3" in narrow
    assert "3: 8 of 8 right" in narrow
    assert not [line for line in narrow if "true" in line]
    matrix = "          0    10     0     0     2    83.33%"
    assert matrix in lines(terminal(*command))
    assert matrix in run(*command).stdout.splitlines()


def test_the_bars_of_labels_keep_within_the_terminal(terminal, run):
    bars = [line for line in lines(terminal("info", DIGITS, columns=40)) if "###" in line]
    assert len(bars) == 20
    assert max(map(len, bars)) <= 40
    assert "#" * 40 in run("info", DIGITS).stdout


def test_reading_a_dataset_to_measure_or_to_learn_shows_how_far_it_is(terminal):
    assert "reading" in terminal("evaluate", DIGITS, "--split", "test")
    assert "reading" in terminal("train", DIGITS, "-o", "m.npz", "--model", "mlp", "--steps", 1)
