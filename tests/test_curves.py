"""Curves of training: logs read back, and what is drawn of them."""

import io
import json
import shutil
import warnings
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from run_here import main_inside

import digitprep as dp
from digitprep.errors import DataError, MissingExtra, UsageError
from digitprep.nn import Epoch
from digitprep.nn.log import Log, read_log
from digitprep.report import plots
from digitprep.report.plots import COLOURS, curves

LAYERS = "flatten | dense(width=4)"


def history(count=4, start=1.0, steps=None):
    """A run that gets better until its last epoch but one."""
    return [
        Epoch(
            number,
            loss=start / number,
            accuracy=1 - 0.3 / number,
            validation_loss=start / number + 0.05,
            validation_accuracy=0.9 - 0.2 / number,
            seconds=1.5,
            images_per_second=1e4,
            best=number < count,
            steps=None if steps is None else number * steps,
            learning_rate=0.01 / number,
        )
        for number in range(1, count + 1)
    ]


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def has(png, colour):
    rgb = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return (pixels(png) == rgb).all(axis=2).any()


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn, as matplotlib keeps them."""
    drawn = []
    monkeypatch.setattr(plots, "_png", lambda figure, _: drawn.append(figure) or b"")
    return drawn


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl"])
@pytest.mark.parametrize("steps", [None, 50])
def test_a_log_reads_back_as_the_epochs_that_were_written(tmp_path, suffix, steps):
    written = [*history(3, steps=steps), replace(history(4)[-1], validation_loss=None, learning_rate=None)]
    log = Log(tmp_path / f"log.{suffix}")
    for epoch in written:
        log.add(epoch)
    assert read_log(log.path) == written
    assert [type(epoch.number) for epoch in read_log(log.path)] == [int] * 4


def test_a_log_from_before_the_rate_was_kept_can_be_read(tmp_path):
    (tmp_path / "old.csv").write_text(
        "number,loss,accuracy,validation_loss,validation_accuracy,seconds,images_per_second,best,steps\n"
        "1,0.3,0.91,,,1.3,43214.8,False,\n"
    )
    (epoch,) = read_log(tmp_path / "old.csv")
    assert (epoch.loss, epoch.validation_loss, epoch.best, epoch.learning_rate) == (0.3, None, False, None)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "", "expected a row an epoch, found none"),
        ("a.json", "{}", "expected a row an epoch, found none"),
        ("a.json", "[1]", "row 1: expected number, loss, accuracy, .*, found int"),
        ("a.json", "[", "cannot be read as a log: Expecting value"),
        ("a.jsonl", "[" * 100_000, "cannot be read as a log"),
        ("a.csv", "x,y\n1,2\n", "row 1: expected number, loss, .*, found x, y"),
        ("a.csv", "number,loss\n1,2,3\n", "row 1: expected number, loss, .*, found number, loss, None"),
    ],
)
def test_what_is_no_log_is_refused_with_the_place(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=f"{name}: {said}"):
        read_log(tmp_path / name)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("loss", None, "a number, found None"),
        ("loss", "low", "a number, found 'low'"),
        ("number", True, "a number, found True"),
        ("steps", "many", "a number, found 'many'"),
        ("best", 1, "True or False, found 1"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_row_and_column(tmp_path, column, value, expected):
    rows = [dict(vars(epoch)) for epoch in history(2)]
    rows[1][column] = value
    (tmp_path / "log.json").write_text(json.dumps(rows))
    with pytest.raises(DataError, match=f"log.json: row 2: {column}: expected {expected}"):
        read_log(tmp_path / "log.json")


def test_other_names_and_missing_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"ends in .csv, .json, .jsonl, found .*log.txt"):
        read_log(tmp_path / "log.txt")
    with pytest.raises(DataError, match=r"log\.csv: cannot be read"):
        read_log(tmp_path / "log.csv")


def test_the_curves_are_those_of_the_epochs(figures):
    epochs = history()
    curves({"mine": epochs})
    loss, accuracy, rate = figures[0].axes
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        training, validation, best = axes.lines
        assert list(training.get_xdata()) == [1, 2, 3, 4]
        assert list(training.get_ydata()) == [getattr(epoch, name) for epoch in epochs]
        assert list(validation.get_ydata()) == [getattr(epoch, f"validation_{name}") for epoch in epochs]
        assert (best.get_xdata()[0], best.get_ydata()[0]) == (3, getattr(epochs[2], f"validation_{name}"))
        assert training.get_linestyle() != validation.get_linestyle()
        assert axes.get_xlabel() == "epoch"
    assert list(rate.lines[0].get_ydata()) == [epoch.learning_rate for epoch in epochs]


def test_where_steps_are_counted_they_are_the_scale_and_what_was_not_measured_is_left_out(figures):
    epochs = history(4, steps=50)
    epochs[0] = replace(epochs[0], validation_loss=None, validation_accuracy=None, best=False)
    curves({"mine": epochs})
    training, validation, _ = figures[0].axes[0].lines
    assert list(training.get_xdata()) == [50, 100, 150, 200]
    assert list(validation.get_xdata()) == [100, 150, 200]
    assert figures[0].axes[0].get_xlabel() == "step"


def test_runs_are_laid_over_each_other_each_with_a_colour_and_a_mark_of_its_own(figures):
    curves({f"run {number}": history(start=number) for number in range(1, 4)})
    lines = figures[0].axes[2].lines
    assert len({line.get_color() for line in lines}) == len({line.get_marker() for line in lines}) == 3
    legend = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert legend == ["run 1", "run 2", "run 3", "training", "validation", "best"]


def test_what_is_drawn_is_seen():
    one, two = curves({"a": history()}), curves({"a": history(), "b": history(start=3)})
    assert has(two, COLOURS[1])
    assert not has(one, COLOURS[1])


def test_the_same_epochs_give_the_same_bytes_whatever_the_users_settings_are():
    first = curves({"a": history()})
    with mpl.rc_context({"lines.linewidth": 9, "figure.facecolor": "red", "font.size": 30}):
        assert curves({"a": history()}) == first
    assert set(Image.open(io.BytesIO(first)).info) == {"dpi"}


def test_names_are_shown_as_they_are_or_as_escapes_where_the_font_lacks_a_letter(figures):
    shown = {
        "_mine": "_mine",
        "$x$ and $": "$x$ and $",
        "\U00012f90": r"\U00012f90",  # of a script that hardly any font has
        "a\nb": r"a\nb",
        "\udcff": r"\udcff",
        "É": "É",
    }
    curves({name: history() for name in shown})
    texts = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert texts[: len(shown)] == list(shown.values())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures[0].draw_without_rendering()


def test_nothing_to_draw_and_scales_that_differ_are_refused():
    with pytest.raises(UsageError, match="at least one epoch"):
        curves({})
    with pytest.raises(UsageError, match="short: expected at least one epoch"):
        curves({"long": history(), "short": []})
    with pytest.raises(UsageError, match="b, c count steps, a epochs; draw them apart"):
        curves({"a": history(), "b": history(steps=5), "c": history(steps=5)})


def test_the_rate_of_an_epoch_is_that_of_its_last_batch():
    split = dp.Split(np.zeros((20, 2, 2), np.uint8), np.arange(20) % 4)
    model = dp.Model.build(LAYERS, (2, 2), classes=4)
    options = {"epochs": 2, "batch": 5, "validation": 0, "schedule": "cosine"}
    rates = [epoch.learning_rate for epoch in dp.train(model, split, optimizer="sgd(rate=0.1)", **options)]
    expected = [0.1 * (1 + np.cos(np.pi * share)) / 2 for share in (3 / 8, 7 / 8)]
    assert rates == pytest.approx(expected)


TRAIN = ["train", "d.npz", "-o", "m.npz", "--layers", LAYERS, "--classes", "4", "--epochs", "3"]
TRAIN += ["--log", "m.csv", "--plot", "m.png"]


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    """A folder with m.npz, its log m.csv and its curves m.png, as TRAIN made them."""
    folder, rng = tmp_path_factory.mktemp("training"), np.random.default_rng(0)
    dp.write(dp.Split(rng.integers(0, 255, (60, 6, 6), np.uint8), rng.integers(0, 4, 60)), folder / "d.npz")
    given, printed, said = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(3))
    assert main_inside(TRAIN, folder, [given, printed, said]) == 0
    assert b"m.png: the curves of m\n" in said.buffer.getvalue()
    return folder


@pytest.fixture
def trained(training, tmp_path):
    """The folder of the test as the training left it; the arguments of that."""
    shutil.copytree(training, tmp_path, dirs_exist_ok=True)
    return TRAIN


@pytest.mark.usefixtures("trained")
def test_plot_draws_from_the_log_what_train_drew(run, tmp_path):
    run("plot", "m.csv", "-o", "again.png")
    assert (tmp_path / "m.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_curves_are_not_overwritten_unasked(run, trained, tmp_path):
    (tmp_path / "m.png").write_bytes(b"another picture")
    for name in ("m.npz", "m.csv"):
        (tmp_path / name).rename(tmp_path / f"old-{name}")
    for arguments in (trained, [*trained, "--resume"], ["plot", "old-m.csv", "-o", "m.png"]):
        assert "m.png exists; pass --overwrite" in run(*arguments, check=2).stderr
    assert (tmp_path / "m.png").read_bytes() == b"another picture"
    run("plot", "old-m.csv", "-o", "m.png", "--overwrite")
    assert has((tmp_path / "m.png").read_bytes(), COLOURS[0])


def test_curves_need_a_name_of_a_png_that_nothing_else_has(run, trained):
    assert "drawn as .png, found m.svg" in run("plot", "m.csv", "-o", "m.svg", check=2).stderr
    assert "drawn as .png, found m.csv" in run(*trained, "--plot", "m.csv", "--overwrite", check=2).stderr


def test_a_finished_run_says_why_it_draws_nothing(run, trained, tmp_path):
    (tmp_path / "m.png").unlink()
    said = run(*trained, "--resume").stderr
    assert "m.png is not drawn, as no epochs are kept; `digitprep plot` draws them from a log" in said


def test_without_matplotlib_nothing_is_trained_in_vain(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.style", None)
    with pytest.raises(MissingExtra, match=r"drawing curves needs .* pip install \"digitprep\[report\]\""):
        plots.plotting()
