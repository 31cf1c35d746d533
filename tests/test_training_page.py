"""The page of train --report: the figures of the run, what the network has learnt, and runs side by side."""

import signal
import sys
from dataclasses import replace

import numpy as np
import pytest
from forked import Forked
from html_page import NASTY, Page, assert_harmless, told
from killing import kill_at, stand_ins

import digitprep as dp
from digitprep.errors import ModelError, UsageError
from digitprep.nn import Epoch
from digitprep.nn.look import feature_maps, first_kernels
from digitprep.nn.loss import softmax
from digitprep.report.plots import step_curve, time_curve
from digitprep.report.training import Learnt, training_page

IMAGE = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
EPOCHS = [
    Epoch(1, 0.5, 0.81, 0.4, 0.85, 1.5, 1000, best=True, learning_rate=0.1),
    Epoch(2, 0.3, 0.92, 0.45, 0.84, 2.5, 1000, learning_rate=0.05),
]


def model_of(
    text="conv(channels=3) | relu | maxpool | conv(channels=5, kernel=1) | flatten | dense(width=4)",
):
    return dp.Model.build(text, (8, 8), classes=4, class_names=NASTY)


def test_the_kernels_are_the_weights_of_the_first_layer():
    model = model_of()
    np.testing.assert_array_equal(first_kernels(model), model.params[0]["weight"][:, 0])
    dense = dp.Model.build("flatten | dense(width=4)", (8, 8), classes=4)
    np.testing.assert_array_equal(first_kernels(dense)[2].ravel(), dense.params[1]["weight"][2])
    colour = dp.Model.build("flatten | dense(width=4)", (8, 8, 3), classes=4)
    assert first_kernels(colour).shape == (4, 8, 8, 3)
    kernels = first_kernels(
        dp.Model.build("conv(channels=2) | flatten | dense(width=4)", (8, 8, 3), classes=4)
    )
    assert kernels.shape == (2, 3, 3, 3)
    assert first_kernels(dp.Model.build("batchnorm | flatten | dense(width=4)", (8, 8), classes=4)) is None


def test_the_maps_of_an_image_are_what_goes_from_layer_to_layer():
    model = model_of()
    first, second = feature_maps(model, IMAGE)
    assert first.layers == "conv(channels=3) | relu | maxpool"
    assert (first.maps.shape, second.maps.shape) == ((3, 3, 3), (5, 3, 3))
    values = [(model.params[0]["weight"][:, 0] * IMAGE[y : y + 3, x : x + 3] / 255).sum(axis=(1, 2))
              for y in (0, 1) for x in (0, 1)]  # fmt: skip
    np.testing.assert_allclose(first.maps[:, 0, 0], np.maximum(np.max(values, axis=0), 0), rtol=1e-4)
    weight, bias = model.params[5]["weight"], model.params[5]["bias"]
    logits = weight @ second.maps.ravel() + bias
    np.testing.assert_allclose(softmax(logits[None])[0], model.probabilities(IMAGE[None])[0], rtol=1e-4)
    with pytest.raises(ModelError):
        list(feature_maps(model, IMAGE[:5]))


def test_the_page_has_the_figures_of_the_run_and_pictures_of_what_was_learnt():
    learnt = Learnt(model_of(), IMAGE, NASTY[3])
    arguments = NASTY[0], {NASTY[1]: EPOCHS}, {"seed": NASTY[2]}, [(1, 2.0), (2, 1.5)], learnt
    assert training_page(*arguments) == training_page(*arguments)
    page = Page(training_page(*arguments))
    assert_harmless(page)
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    for said in (*NASTY, "85.00 %", "0.4500", "4.0", "3 of 3 units", "5 of 5", "0.05"):
        assert said in text
    images = page.all("img")
    assert len(images) == 3 + 3 + 1 + 3 + 5
    np.testing.assert_array_equal(told(images[6]["src"]), IMAGE)
    kernels = np.stack([told(image["src"]) for image in images[3:6]]).astype(int)
    assert abs(kernels - 127.5).max() == 127.5
    order = np.argsort(first_kernels(model_of()).ravel())
    assert (np.diff(kernels.ravel()[order]) >= 0).all()


def test_runs_side_by_side_have_a_row_each_and_no_network():
    page = Page(training_page("runs", {"a": EPOCHS, "b": EPOCHS[:1]}))
    assert len(page.all("img")) == 2
    rows = page.text.replace("\N{NO-BREAK SPACE}", "").partition("time, s")[2].split()
    assert rows[:8] == ["a", "2", "1", "0.5000", "81.00%", "0.4000", "85.00%", "4.0"]
    assert rows[8:16] == ["b", "1", "1", "0.5000", "81.00%", "0.4000", "85.00%", "1.5"]


def test_curves_by_time_and_by_step_are_those_of_the_run(monkeypatch):
    from digitprep.report import plots

    figures = []
    monkeypatch.setattr(plots, "_png", lambda figure, _: figures.append(figure) or b"")
    time_curve({"a": EPOCHS, "b": EPOCHS[:1]})
    training, validation, best = figures[0].axes[0].lines[:3]
    assert list(training.get_xdata()) == list(validation.get_xdata()) == [1.5, 4.0]
    assert list(validation.get_ydata()) == [0.85, 0.84]
    assert list(best.get_xdata()) == [1.5]
    steps = [(number, 1 / number) for number in range(1, 201)]
    step_curve(steps)
    batches, means = figures[1].axes[0].lines
    assert [*zip(batches.get_xdata(), batches.get_ydata(), strict=True)] == steps
    assert means.get_ydata()[0] == pytest.approx(np.mean([1 / number for number in range(1, 5)]))
    assert len(means.get_xdata()) == 197
    with pytest.raises(UsageError, match="at least one step"):
        step_curve([])


def test_train_writes_the_page_and_plot_another_from_the_logs(run, tmp_path):
    rng = np.random.default_rng(0)
    split = dp.Split(rng.integers(0, 255, (60, 6, 6), np.uint8), rng.integers(0, 4, 60))
    dp.write(split, tmp_path / "d.npz")
    arguments = ["train", "d.npz", "-o", "m.npz", "--layers", "flatten | dense(width=4)", "--classes", "4"]
    arguments += ["--epochs", "3", "--log", "m.csv", "--report", "m.html"]
    assert "m.html: " in run(*arguments).stderr
    page = Page((tmp_path / "m.html").read_bytes())
    assert f"the first image of split 'train', a {split.labels[0]}" in page.text
    assert "flatten | dense(width=4)" in page.text
    assert len(page.all("img")) == 3 + 4 + 1
    (tmp_path / "m.npz").unlink()
    (tmp_path / "m.csv").rename(tmp_path / "old.csv")
    assert "m.html exists; pass --overwrite" in run(*arguments, check=2).stderr
    run("plot", "old.csv", "-o", "runs.html")
    assert len(Page((tmp_path / "runs.html").read_bytes()).all("img")) == 2
    assert "runs.html exists; pass --overwrite" in run("plot", "old.csv", "-o", "runs.html", check=2).stderr


@pytest.fixture
def ticking(run, monkeypatch):
    """`run` as the processes that are killed do it."""
    for stand_in in stand_ins():
        monkeypatch.setattr(*stand_in)
    return run


def killed_at(moment, folder, *arguments) -> int:
    """The exit code of train, which ends by SIGKILL just before that moment."""
    process = Forked(arguments, folder, before=(kill_at, moment))
    process.communicate()
    return process.returncode


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_killed_while_it_draws_it_ends_with_the_same_page_and_plot(ticking, tmp_path):
    """After the first checkpoint, once the network is there, once the plot is, and once the page is."""
    rng = np.random.default_rng(0)
    dp.write(dp.Split(rng.integers(0, 255, (60, 6, 6), np.uint8), np.arange(60) % 4), tmp_path / "d.npz")
    options = ["train", "../d.npz", "-o", "m.npz", "--layers", "flatten | dense(width=4)", "--classes", "4"]
    options += ["--steps", "120", "--batch", "4", "--log", "m.csv", "--plot", "m.png", "--report", "m.html"]
    options += ["--resume"]
    (tmp_path / "whole").mkdir()
    ticking(*options, folder=tmp_path / "whole")
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    assert sorted(whole) == ["m.csv", "m.html", "m.npz", "m.png"]
    moments = ("placed m.csv", "placed m.png", "placed m.html", "removed m.checkpoint.npz")
    for moment in moments:
        (tmp_path / moment).mkdir()
        assert killed_at(moment, tmp_path / moment, *options) == -signal.SIGKILL
        ticking(*options, folder=tmp_path / moment)
        assert {path.name: path.read_bytes() for path in (tmp_path / moment).iterdir()} == whole, moment


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_what_is_not_of_the_run_is_not_overwritten_when_it_draws_again(ticking, tmp_path):
    rng = np.random.default_rng(0)
    dp.write(dp.Split(rng.integers(0, 255, (60, 6, 6), np.uint8), np.arange(60) % 4), tmp_path / "d.npz")
    options = ["train", "d.npz", "-o", "m.npz", "--layers", "flatten | dense(width=4)", "--classes", "4"]
    options += ["--epochs", "1", "--plot", "m.png", "--report", "m.html"]
    assert killed_at("placed m.png", tmp_path, *options) == -signal.SIGKILL
    (tmp_path / "m.html").write_text("mine")
    ticking(*options, "--resume", check=UsageError.exit_code)
    assert (tmp_path / "m.html").read_text() == "mine"
    ticking(*options, "--resume", "--overwrite")
    assert len(Page((tmp_path / "m.html").read_bytes()).all("img")) == 3 + 4 + 1


def test_of_a_run_that_counts_steps_the_page_has_steps():
    reports = [replace(epoch, steps=50 * epoch.number) for epoch in EPOCHS]
    text = Page(training_page("steps", {"a": reports})).text.replace("\N{NO-BREAK SPACE}", "")
    assert "steps\nbest step\n" in text
    assert text.partition("time, s")[2].split()[:3] == ["a", "100", "50"]
    assert "2 reports" in text
    assert "epoch" not in text.partition("Figures")[2]
