"""The train command as people run it: killed, interrupted, resumed, logged, on other images than digits."""

import csv
import json
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from forked import Forked, in_terminal

import digitprep as dp
from digitprep.selection import held_back_unasked

LAYERS = "conv(channels=2) | relu | maxpool | flatten | dropout(rate=0.1) | dense(width=4)"
OPTIONS = ["--layers", LAYERS, "--classes", "4", "--validation", "40", "--batch", "8"]


@pytest.fixture
def data(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (300, 8, 8), dtype=np.uint8)
    split = dp.Split(images, (images[:, 4, 4] // 64).astype(np.int64))
    dp.write(split, tmp_path / "data.npz")
    return tmp_path / "data.npz"


def started(folder, *arguments) -> Forked:
    return Forked(["train", "data.npz", *arguments], folder, COLUMNS="200")


@pytest.fixture
def train(run):
    """A whole run of training; what it says on stderr."""
    return lambda *arguments, check=0: run("train", "data.npz", *arguments, check=check).stderr


def wait_for(process, line) -> None:
    seen = []
    for said in process.stderr:
        if said.startswith(line):
            return
        seen.append(said)
    pytest.fail(f"it ended without saying {line!r}:\n{''.join(seen)}")


@pytest.mark.usefixtures("data")
def test_killed_at_random_moments_it_ends_in_the_same_bytes(train, tmp_path):
    """SIGKILL again and again, then --resume: model and log are those of an undisturbed run."""
    options = [*OPTIONS, "--epochs", "12"]
    train("-o", "a.npz", "--log", "a.csv", *options)
    moments = random.Random(1)
    for _ in range(4):
        process = started(tmp_path, "-o", "b.npz", "--log", "b.csv", "--resume", *options)
        wait_for(process, ("epoch", "b.npz"))
        time.sleep(moments.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (tmp_path / "b.npz").exists():
            break
    # Without --overwrite: if the last one came to its end, its model is of this run.
    if (tmp_path / "b.checkpoint.npz").exists() or not (tmp_path / "b.npz").exists():
        train("-o", "b.npz", "--log", "b.csv", "--resume", *options)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    logs = [list(csv.DictReader((tmp_path / f"{name}.csv").open(newline=""))) for name in "ab"]
    times = {"seconds", "images_per_second"}
    a, b = ([{key: row[key] for key in row.keys() - times} for row in log] for log in logs)
    assert a == b
    assert len(a) == 12
    assert sorted(path.name for path in tmp_path.iterdir() if "checkpoint" in path.name) == []


@pytest.mark.usefixtures("data")
def test_ctrl_c_leaves_a_usable_model_and_says_how_to_go_on(train, tmp_path):
    """Exit 130, a model of the best epoch, a checkpoint; --resume replaces that model by the final one."""
    options = [*OPTIONS, "--epochs", "40"]
    process = started(tmp_path, "-o", "m.npz", *options)
    wait_for(process, "epoch 2")
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "--resume" in said
    assert "Traceback" not in said
    model = dp.load_model(tmp_path / "m.npz")
    assert model.metadata["epoch"].endswith("of 40")
    assert (tmp_path / "m.checkpoint.npz").exists()
    assert "--resume to go on" in train("-o", "m.npz", *options, check=2)
    said = train("-o", "m.npz", "--resume", *options)
    assert "resuming m.checkpoint.npz after" in said
    train("-o", "straight.npz", *options)
    assert (tmp_path / "m.npz").read_bytes() == (tmp_path / "straight.npz").read_bytes()
    assert not (tmp_path / "m.checkpoint.npz").exists()


LINEAR = ["--layers", "flatten | dense(width=4)", "--classes", "4", "--validation", "40", "--batch", "1"]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.usefixtures("data")
def test_stopped_after_reports_but_before_any_validation_it_goes_on(train, tmp_path, stop):
    """The first validation comes after 300 steps, the first row of the log after 50."""
    options = [*LINEAR, "--steps", "400", "--log", "m.csv"]
    process = started(tmp_path, "-o", "m.npz", *options)
    wait_for(process, "step 50:")
    process.send_signal(stop)
    said = process.communicate(timeout=60)[1]
    if stop == signal.SIGINT and "step 300:" not in said:
        assert process.returncode == 130, said
        assert "it is the network as it was then" in said
        assert dp.load_model(tmp_path / "m.npz").metadata["unfinished"].endswith("of 8")
    train("-o", "m.npz", "--resume", *options)
    train("-o", "straight.npz", *options[:-2])
    assert (tmp_path / "m.npz").read_bytes() == (tmp_path / "straight.npz").read_bytes()
    rows = list(csv.DictReader((tmp_path / "m.csv").open(newline="")))
    assert [row["steps"] for row in rows] == [str(steps) for steps in range(50, 450, 50)]


def test_resuming_another_run_names_what_differs(train, data, tmp_path):
    """And neither the checkpoint nor an output of another run is touched."""
    split = dp.read(data)["train"]
    model = dp.Model.build(LAYERS, (8, 8), 4)
    options = {"epochs": 3, "batch": 8, "validation": 40}
    epochs = dp.train(model, split, checkpoint=tmp_path / "m.checkpoint.npz", **options)
    next(epochs)
    epochs.close()
    kept = (tmp_path / "m.checkpoint.npz").read_bytes()
    said = train("-o", "m.npz", *OPTIONS, "--resume", "--epochs", "4", check=2)
    assert "epochs is '3' there, '4' here" in said
    (tmp_path / "m.npz").write_bytes(b"precious")
    assert "--overwrite" in train("-o", "m.npz", *OPTIONS, "--resume", "--epochs", "3", check=2)
    assert (tmp_path / "m.npz").read_bytes() == b"precious"
    (tmp_path / "m.npz").unlink()
    (tmp_path / "l.csv").write_text("mine\n")
    arguments = ["-o", "m.npz", *OPTIONS, "--resume", "--epochs", "3", "--log", "l.csv"]
    assert "l.csv exists" in train(*arguments, check=2)
    assert (tmp_path / "m.checkpoint.npz").read_bytes() == kept
    (tmp_path / "m.checkpoint.npz").write_bytes(kept[:-99])
    assert "remove the file" in train(*arguments, check=5)
    train("-o", "m.npz", *OPTIONS, "--epochs", "1", "--overwrite")


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl"])
@pytest.mark.usefixtures("data")
def test_a_log_has_a_row_an_epoch(train, tmp_path, suffix):
    train("-o", "m.npz", *OPTIONS, "--epochs", "3", "--log", f"log.{suffix}")
    text = (tmp_path / f"log.{suffix}").read_text()
    if suffix == "csv":
        rows = list(csv.DictReader(text.splitlines()))
    else:
        rows = json.loads(text) if suffix == "json" else [json.loads(line) for line in text.splitlines()]
    assert [int(row["number"]) for row in rows] == [1, 2, 3]
    assert all(float(row["validation_accuracy"]) <= 1 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--log", "log.txt"], ".csv, .json, .jsonl"),
        (["--log", "m.npz"], ".csv, .json, .jsonl"),
        (["--checkpoint", "m.npz"], "a file each"),
        (["--epochs", "3", "--steps", "3"], "give one of them"),
        (["--loss", "hinge"], "known"),
        (["--validation", "0", "--patience", "3"], "waits for a better validation"),
        (["--class-names", "a,b,c"], "has 3 names, but --classes says 4"),
        (["--class-names", ""], "has 1 names, but --classes says 4"),
        (["--class-names", "a,b,c,a"], "found 'a' 2 times"),
        (["--class-names", "a,,c,d"], "found none for class 1"),
        (["--model", ""], "give one of them"),
        (["--layers", ""], "is no list of layers"),
        (["--loss", "binary_cross_entropy"], "expected a network that ends in sigmoid"),
        (["-o", "new/m.onnx"], "ends in .npz"),
        (["-o", "new/v1.1"], "ends in .npz"),
        (["-o", "new/m.npz", "--optimizer", "adamant"], "known"),
    ],
)
@pytest.mark.usefixtures("data")
def test_options_that_cannot_be_meant_are_refused(train, tmp_path, arguments, words):
    assert words in train("-o", "m.npz", *OPTIONS, *arguments, check=2)
    assert [path.name for path in tmp_path.iterdir()] == ["data.npz"]


@pytest.mark.usefixtures("data")
def test_a_network_without_a_name_is_none(train):
    assert "no network is named ''" in train("-o", "m.npz", "--model", "", "--classes", "4", check=2)


@pytest.mark.usefixtures("data")
def test_labels_beyond_the_names_are_refused(train):
    options = ["--layers", "flatten | dense(width=3)", "--class-names", "a,b,c"]
    assert "label from 0 to 2" in train("-o", "m.npz", *options, check=3)


@pytest.mark.usefixtures("data")
def test_resuming_what_is_finished_says_so_and_trains_nothing(train, tmp_path):
    """A network that was stopped and lost its checkpoint is not finished; it starts anew."""
    options = ["-o", "m.npz", *OPTIONS, "--epochs", "2"]
    train(*options)
    finished = (tmp_path / "m.npz").read_bytes()
    said = train(*options, "--resume")
    assert "nothing left to train" in said
    assert "epoch" not in said
    assert "exists" in train(*options[:-1], "3", "--resume", check=2)
    model = dp.load_model(tmp_path / "m.npz")
    model.metadata["unfinished"] = "stopped after 1 of 2"
    model.save(tmp_path / "m.npz", overwrite=True)
    assert "starts anew" in train(*options, "--resume")
    assert (tmp_path / "m.npz").read_bytes() == finished


@pytest.mark.usefixtures("data")
def test_of_a_small_dataset_a_tenth_is_held_back_unless_a_number_is_given(train, tmp_path):
    options = ["--layers", LAYERS, "--classes", "4", "--epochs", "1"]
    said = train("-o", "a.npz", *options)
    assert said.startswith("30 of 300 images are held back to choose the best epoch; --validation")
    assert dp.load_model(tmp_path / "a.npz").metadata["validation_images"] == "30"
    assert "held back" not in train("-o", "b.npz", *options, "--validation", "30")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert "none would be left" in train("-o", "c.npz", *options, "--validation", "300", check=2)


@pytest.mark.parametrize(
    ("usual", "count", "held"),
    [
        (5000, 60_000, 5000),
        (5000, 50_000, 5000),
        (5000, 49_999, 4999),
        (5000, 19, 1),
        (5000, 9, 0),
        (5000, 0, 0),
        (0, 99, 0),
        (0.2, 99, 0.2),
    ],
)
def test_what_is_usual_is_held_back_where_it_is_at_most_a_tenth(usual, count, held):
    assert held_back_unasked(count, usual) == held


@pytest.mark.parametrize(
    ("count", "code", "words"), [(0, 3, "no images to learn from"), (1, 0, "0 of 1 images")]
)
def test_a_dataset_of_hardly_any_images_is_not_asked_for_validation(train, tmp_path, count, code, words):
    """And nothing is said of images to hold back before it is known that there are some."""
    split = dp.Split(np.zeros((count, 8, 8), np.uint8), np.zeros(count, np.int64))
    dp.write(split, tmp_path / "data.npz")
    said = train("-o", "new/m.npz", "--layers", LAYERS, "--classes", "4", "--epochs", "1", check=code)
    assert words in said
    assert ("held back" in said) == bool(count)
    assert (tmp_path / "new").exists() == bool(count)


@pytest.mark.usefixtures("data")
def test_steps_and_patience_say_how_long(train):
    """A report every 50 steps; and a rate too small to change anything wears the patience out."""
    said = train("-o", "a.npz", *OPTIONS, "--steps", "120", "--loss", "softmax_cross_entropy")
    assert [line.split(":")[0] for line in said.splitlines()][:3] == ["step 50", "step 100", "step 120"]
    frozen = ["--optimizer", "sgd(rate=0)", "--epochs", "30", "--patience", "2"]
    said = train("-o", "b.npz", *OPTIONS, *frozen)
    assert sum(line.startswith("epoch") for line in said.splitlines()) == 3


def test_letters_in_colour_of_any_size_with_their_names(train, tmp_path):
    """12 x 9 RGB images of 26 classes; the names travel in the model."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (260, 12, 9, 3), dtype=np.uint8)
    dp.write(dp.Split(images, np.arange(260) % 26), tmp_path / "data.npz")
    layers = "conv(channels=4) | relu | maxpool | flatten | dense(width=26)"
    options = ["--layers", layers, "--epochs", "1", "--validation", "0.1"]
    train("-o", "a.npz", *options, "--classes", "26")
    model = dp.load_model(tmp_path / "a.npz")
    assert (model.image_shape, model.classes) == ((12, 9, 3), 26)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    train("-o", "b.npz", *options, "--class-names", ",".join(letters))
    assert dp.load_model(tmp_path / "b.npz").class_names == tuple(letters)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.usefixtures("data")
def test_on_a_terminal_a_table_and_a_bar_are_drawn(tmp_path):
    command = ["train", "data.npz", "-o", "m.npz", *OPTIONS, "--epochs", "3"]
    seen, code = in_terminal(command, tmp_path, COLUMNS="120", LINES="40")
    assert code == 0
    for words in ("validation accuracy", "images/s", "time left", "100%"):
        assert words in seen
