"""The command line, run as a user runs it, in a folder of its own."""

import csv
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from places import DIGITS, PHOTOS, SAMPLES
from typer.testing import CliRunner

import digitprep as dp
from digitprep.cli import app


def test_converting_round_the_formats_keeps_every_image_and_label(run, tmp_path):
    run("convert", DIGITS, "a.npz")
    run("convert", "a.npz", "b", "--to", "pngjson")
    run("convert", "b", "c", "--to", "idx")
    for made in ("a.npz", "b", "c"):
        assert run("diff", DIGITS, made).stdout == "same: 1,500 images (train 1,000, test 500)\n"
    for file in DIGITS.iterdir():
        assert (tmp_path / "c" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, ["info", DIGITS]),
        (0, ["list", "steps"]),
        (0, ["convert", DIGITS, "a.npz", "--overwrite"]),
        (0, ["convert", DIGITS, "a", "--to", "idx", "--overwrite"]),
        (0, ["convert", DIGITS, "b", "--to", "pngjson", "--take", "101", "--overwrite"]),
        (2, ["convert", DIGITS, "somewhere"]),
        (2, ["clean"]),
        (0, ["clean", PHOTOS / "01.jpg", "-o", "c.npz", "--overwrite"]),
        (0, ["train", DIGITS, "-o", "m.npz", "--model", "mlp", "--epochs", "1", "--quiet", "--overwrite"]),
        (0, ["evaluate", DIGITS, "--split", "test"]),
        (3, ["info", "missing"]),
        (7, ["predict", "--json", PHOTOS / "01.jpg", "missing.jpg"]),
    ],
)
def test_a_command_says_in_a_process_of_its_own_what_it_says_in_this_one(run, run_process, code, arguments):
    """Most tests run commands in their own process; none would notice if users were told anything else."""
    here, apart = (way(*arguments, check=code) for way in (run, run_process))
    assert here.stdout == apart.stdout
    # The name of the command, as typer tells it, is that of what Python was started with.
    told = [re.sub(r"python -m (pytest\.)?digitprep", "digitprep", way.stderr) for way in (here, apart)]
    assert told[0].split() == told[1].split()


def test_the_three_sample_datasets_are_the_same(run):
    run("diff", DIGITS, SAMPLES / "digits" / "png")
    run("diff", DIGITS, SAMPLES / "digits" / "digits.npz")


def test_diff_exits_1_and_names_the_first_label_that_differs(run, tmp_path):
    data = dp.read(DIGITS)
    labels = data["train"].labels.copy()
    labels[17] = (labels[17] + 1) % 10
    changed = dp.Split(data["train"].images, labels, "train")
    dp.write([changed, data["test"]], tmp_path / "other.npz")
    done = run("diff", DIGITS, "other.npz", check=1)
    assert f"sample 17: label {data['train'].labels[17]} in A, {labels[17]} in B" in done.stdout


def test_diff_names_the_first_pixel_that_differs(run, tmp_path):
    data = dp.read(DIGITS)
    images = data["test"].images.copy()
    images[3, 5, 7] = 99
    dp.write([data["train"], dp.Split(images, data["test"].labels, "test")], tmp_path / "other.npz")
    done = run("diff", DIGITS, "other.npz", check=1)
    assert "split 'test', sample 3: pixel (row 5, column 7) is 0 in A, 99 in B" in done.stdout


def test_converting_does_not_overwrite_unless_told_to(run, tmp_path):
    (tmp_path / "a.npz").write_bytes(b"precious")
    assert "--overwrite" in run("convert", DIGITS, "a.npz", check=2).stderr
    assert (tmp_path / "a.npz").read_bytes() == b"precious"
    run("convert", DIGITS, "a.npz", "--overwrite")
    run("diff", DIGITS, "a.npz")


def test_a_destination_whose_format_cannot_be_told_is_refused(run):
    assert "--to" in run("convert", DIGITS, "somewhere", check=2).stderr


def test_damaged_data_exits_3_and_leaves_nothing_behind(run, tmp_path):
    folder = tmp_path / "cut"
    folder.mkdir()
    for file in DIGITS.iterdir():
        data = file.read_bytes()
        (folder / file.name).write_bytes(data[: len(data) // 2] if "train-images" in file.name else data)
    done = run("convert", "cut", "out.npz", check=3)
    assert "train-images-idx3-ubyte.gz" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut"]


def test_a_label_outside_the_classes_is_an_error_that_says_how_to_allow_it(run, tmp_path):
    split = dp.Split(np.zeros((3, 4, 4), np.uint8), np.array([1, 11, 2]))
    dp.write(split, tmp_path / "letters.npz")
    done = run("info", "letters.npz", check=3)
    assert "sample 1" in done.stderr
    assert "--classes" in done.stderr
    run("info", "letters.npz", "--classes", "12")


def test_info_says_what_a_dataset_holds(run):
    text = run("info", DIGITS).stdout
    assert "train    1,000 images of 28 x 28" in text
    described = json.loads(run("info", DIGITS, "--json").stdout)
    assert described["splits"]["test"]["count"] == 500
    assert described["splits"]["test"]["type"] == "uint8"
    assert described["bytes"] == sum(file.stat().st_size for file in DIGITS.iterdir())
    assert re.search(r"^ +3     100 #{40}$", text, re.MULTILINE)  # every digit is as frequent
    assert described["splits"]["test"]["labels"] == {str(digit): 50 for digit in range(10)}
    assert described["fingerprint"] == dp.fingerprint(dp.stream(DIGITS))
    assert "MNIST-likeness: 99.2% of 1,000 images pass; against the others: " in text
    likeness = described["splits"]["train"]["mnist_likeness"]
    assert (likeness["count"], likeness["passed"]) == (1000, 992)


def test_info_checks_a_sample_of_what_is_large_and_nothing_of_another_size(run, tmp_path):
    digits = dp.read(DIGITS)["train"].images
    splits = [dp.Split(np.concatenate([digits, digits]), None, "train"), dp.Split(digits, None, "test")]
    dp.write(dp.Dataset(splits), tmp_path / "large.npz")
    assert "1,000 images, evenly chosen, pass" in run("info", "large.npz").stdout
    dp.write(dp.Dataset([dp.Split(digits[:, 4:24, 4:24], None, "train")]), tmp_path / "small.npz")
    assert "MNIST-likeness" not in run("info", "small.npz").stdout
    described = json.loads(run("info", "small.npz", "--json").stdout)
    assert described["splits"]["train"]["mnist_likeness"] is None


def test_cleaning_makes_a_dataset_a_sheet_and_a_list_of_what_was_rejected(run, tmp_path):
    photos = tmp_path / "photos"
    for digit in (0, 8):
        (photos / str(digit)).mkdir(parents=True)
    Image.open(PHOTOS / "01.jpg").save(photos / "0" / "good.jpg")
    Image.open(PHOTOS / "09.jpg").save(photos / "8" / "good.jpg")
    Image.new("RGB", (80, 80), "white").save(photos / "8" / "blank.png")
    (photos / "0" / "cut.jpg").write_bytes((PHOTOS / "01.jpg").read_bytes()[:5000])
    (photos / "0" / ".DS_Store").write_bytes(b"junk")
    done = run("clean", "photos", "-o", "made.npz", "--labels", "folder", check=7)
    assert "2 of 4 photos could not be used" in done.stderr
    made = dp.read(tmp_path / "made.npz")["train"]
    assert made.labels.tolist() == [0, 8]
    assert made.images.shape == (2, 28, 28)
    with (tmp_path / "made.rejected.csv").open(newline="") as file:
        rejected = {Path(row["file"]).name: row["reason"] for row in csv.DictReader(file)}
    assert rejected.keys() == {"cut.jpg", "blank.png"}
    assert "truncated" in rejected["cut.jpg"]
    assert "blank" in rejected["blank.png"]
    assert Image.open(tmp_path / "made.sheet.png").size[0] > 300


def test_cleaning_says_how_many_images_are_like_mnists_and_keeps_the_others_with_reasons(run, tmp_path):
    assert "20 images, all like MNIST's" in run("clean", PHOTOS, "-o", "good.npz").stderr
    assert not (tmp_path / "good.unlike.csv").exists()
    done = run("clean", PHOTOS, "-o", "bad.npz", "--pipeline", "grayscale | resize(size=28)")
    assert "20 images, 0 of them like MNIST's; bad.unlike.csv says what the others lack" in done.stderr
    assert len(dp.read(tmp_path / "bad.npz")["train"]) == 20
    with (tmp_path / "bad.unlike.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {Path(row["file"]).name for row in rows} == {path.name for path in PHOTOS.glob("[0-9]*")}
    assert any(row["reason"].startswith("empty pixels: expected") for row in rows)
    assert (
        "like MNIST"
        not in run("clean", PHOTOS, "-o", "c.npz", "--pipeline", "grayscale | resize(size=20)").stderr
    )


def test_cleaning_says_which_photos_are_doubtful_and_which_image_is_whose(run, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    sure, digits = np.asarray(Image.open(PHOTOS / "04.jpg").convert("L")), dp.read(DIGITS)["train"].images
    Image.fromarray(sure).save(tmp_path / "a" / "3.png")
    two = 230 - np.kron(np.hstack([digits[0], digits[1]]), np.ones((4, 4), np.uint8)) // 5 * 4
    Image.fromarray(np.pad(two, 40, constant_values=230)).save(tmp_path / "b" / "3.png")
    done = run("clean", "a", "b", "-o", "made.npz", "--labels", "name")
    assert "2 images" in done.stderr
    assert "1 doubtful, made.doubtful.csv says why" in done.stderr
    with (tmp_path / "made.doubtful.csv").open(newline="") as file:
        assert [Path(row["file"]).as_posix() for row in csv.DictReader(file)] == ["b/3.png"]
    with (tmp_path / "made.photos.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["index"], row["split"], Path(row["file"]).as_posix(), row["label"]) for row in rows] == [
        ("0", "train", "a/3.png", "3"),
        ("1", "train", "b/3.png", "3"),
    ]
    left, top, width, height = (int(rows[0][name]) for name in ("x", "y", "width", "height"))
    assert sure[top : top + height, left : left + width].min() == sure.min()
    run("clean", "a", "b", "-o", "letters.npz", "--classes", "26", "--labels", "name")
    assert (tmp_path / "letters.photos.csv").exists()


def test_cleaning_on_two_processes_gives_the_same_bytes(run, tmp_path):
    labels = PHOTOS / "labels.csv"
    run("clean", PHOTOS, "-o", "one", "--to", "idx", "--labels", labels)
    run("clean", PHOTOS, "-o", "two", "--to", "idx", "--labels", labels, "--jobs", "2")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert (tmp_path / "one.sheet.png").read_bytes() == (tmp_path / "two.sheet.png").read_bytes()


def test_cleaning_where_no_photo_can_be_used_writes_no_dataset(run, tmp_path):
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    run("clean", "blank.png", "-o", "made.npz", check=7)
    assert not (tmp_path / "made.npz").exists()
    assert (tmp_path / "made.rejected.csv").exists()


def test_cleaning_refuses_before_any_work_to_overwrite_what_it_would_write_beside_the_dataset(run, tmp_path):
    (tmp_path / "made.sheet.png").write_bytes(b"precious")
    run("clean", PHOTOS, "-o", "made.npz", check=2)
    assert (tmp_path / "made.sheet.png").read_bytes() == b"precious"
    assert not (tmp_path / "made.npz").exists()


def test_an_unknown_step_is_named_with_the_one_that_was_meant(run):
    done = run("clean", PHOTOS, "-o", "x.npz", "--pipeline", "greyscale | resize(size=28)", check=2)
    assert "did you mean 'grayscale'?" in done.stderr


def test_predict_reads_the_sample_photos(run):
    with (PHOTOS / "labels.csv").open(newline="") as file:
        labels = {row["file"]: row["label"] for row in csv.DictReader(file)}
    lines = [line.split("\t") for line in run("predict", PHOTOS).stdout.splitlines()]
    right = sum(labels[Path(file).name] == digit for file, digit, _ in lines)
    assert len(lines) == 20
    assert right >= 19


def test_predict_prints_one_json_object_a_photo_in_order_and_goes_on_after_one_it_cannot_read(run, tmp_path):
    (tmp_path / "page.html").write_text("<html>no photo</html>")
    photo = PHOTOS / "02.jpg"
    done = run("predict", "--json", photo, "page.html", "missing.jpg", photo, check=7)
    first, bad, missing, last = map(json.loads, done.stdout.splitlines())
    assert list(first) == ["file", "text", "digits", "reason"]
    assert (first["file"], first["text"], first["reason"]) == (str(photo), "1", None)
    assert first["digits"] == last["digits"]
    assert first["digits"][0]["digit"] == 1
    assert 0.5 < first["digits"][0]["confidence"] <= 1
    x, y, width, height = first["digits"][0]["box"]
    assert 100 < x < x + width < 330
    assert 60 < y < y + height < 420
    assert bad["text"] is None
    assert "expected an image" in bad["reason"]
    assert missing["text"] is None
    assert "No such file" in missing["reason"]


def test_training_saves_a_network_that_evaluates_and_predicts(run):
    layers = "flatten | dense(width=32) | relu | dense(width=10)"
    done = run("train", DIGITS, "-o", "m.npz", "--layers", layers, "--epochs", "6", "--validation", "200")
    assert re.fullmatch(r"test: .*% of 500 images are right \(95 % interval .*\), .*\n", done.stdout)
    scores = json.loads(run("evaluate", DIGITS, "--model", "m.npz", "--json").stdout)
    assert scores.keys() == {"train", "test"}
    assert scores["test"]["count"] == 500
    assert scores["test"]["accuracy"] > 0.75
    evaluated = run("evaluate", DIGITS, "--model", "m.npz", "--split", "test").stdout
    assert evaluated.startswith(done.stdout)
    assert "recall" in evaluated
    run("predict", PHOTOS / "01.jpg", "--model", "m.npz")
    assert "exists" in run("train", DIGITS, "-o", "m.npz", check=2).stderr


def test_the_same_seed_trains_the_same_network(run, tmp_path):
    options = ("--layers", "flatten | dense(width=10)", "--epochs", "2", "--validation", "100")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run("train", DIGITS, "-o", f"{name}.npz", "--seed", seed, *options)
    a, b, c = ((tmp_path / f"{name}.npz").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_the_bundled_network_reads_mnist(run):
    scores = json.loads(run("evaluate", DIGITS, "--json", "--split", "test").stdout)
    assert scores["test"]["accuracy"] >= 0.99


def test_a_file_that_is_no_network_is_refused(run, tmp_path):
    (tmp_path / "m.npz").write_bytes(b"no network")
    assert "m.npz" in run("predict", PHOTOS / "01.jpg", "--model", "m.npz", check=5).stderr


def test_the_demo_shows_that_the_default_recipe_beats_the_tutorials_and_overwrites_nothing(run, tmp_path):
    first = run("demo").stdout
    counts = {line.split()[0]: int(line.split()[1]) for line in first.splitlines() if " of 20 right" in line}
    assert counts["mnist"] >= 19
    assert max(counts["tutorial-invert"], counts["tutorial-threshold"]) <= counts["mnist"] - 4
    assert run("demo").stdout == first
    assert {path.name for path in tmp_path.iterdir()} == {"digitprep-demo.png", "digitprep-demo-2.png"}


def test_the_version_is_told(run_process):
    assert run_process("--version").stdout == f"digitprep {dp.__version__}\n"


def test_help_leaves_it_to_the_terminal_where_lines_end():
    shown = CliRunner().invoke(app, ["clean", "--help"], env={"COLUMNS": "80"}).output
    said = shown[shown.index("Beside DST") : shown.index("goes on after it.")]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    assert len(lines) >= 8
    for line, below in itertools.pairwise(lines):
        assert line.endswith(".png.") or len(line) + 1 + len(below.split()[0]) > 72, line


def test_help_shows_what_holds_where_nothing_is_given():
    """Brackets in a help text would be taken for a style and swallowed, so defaults stand beside it."""
    for name, command in typer.main.get_command(app).commands.items():
        shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).output
        for option in command.params:
            assert "[" not in (getattr(option, "help", None) or ""), option.name
            if isinstance(getattr(option, "show_default", None), str):
                assert f"[default: ({option.show_default})]" in shown


@pytest.mark.parametrize("arguments", [["--help"], ["list", "formats"], ["list", "steps"], ["info", DIGITS]])
def test_commands_that_need_no_opencv_do_not_import_it(tmp_path, arguments):
    heavy = {"cv2", "matplotlib", "torch", *({"numpy", "PIL"} if arguments == ["--help"] else ())}
    code = (
        "import sys\n"
        "from digitprep.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_output_that_nobody_reads_any_more_is_no_crash(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "digitprep", "list", "steps"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    process.wait(timeout=60)


def test_json_stays_on_stdout_whole_while_a_progress_bar_is_drawn(tmp_path):
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "40"}  # as good as a terminal on stderr
    command = [sys.executable, "-m", "digitprep", "predict", "--json", str(PHOTOS / "01.jpg")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["0"]


def test_an_empty_option_is_an_error_and_not_a_default(run):
    run("predict", PHOTOS / "01.jpg", "--pipeline", "", check=2)
    run("predict", PHOTOS / "01.jpg", "--recipe", "", check=2)
    run("clean", PHOTOS, "-o", "x.npz", "--labels", "", check=2)


@pytest.mark.parametrize("destination", [["out.npz"], ["set", "--to", "pngjson"]])
def test_what_cleaning_wrote_is_no_photo_of_the_next_run(run, tmp_path, destination):
    (tmp_path / "3.jpg").write_bytes((PHOTOS / "04.jpg").read_bytes())
    for _ in range(2):
        run("clean", ".", "-o", *destination, "--overwrite")
        assert len(dp.read(tmp_path / destination[0])["train"]) == 1


def test_a_photo_of_a_kind_that_cannot_be_read_is_rejected_aloud(run, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jxl").write_bytes(b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100))
    (tmp_path / "photos" / "b.jpg").write_bytes((PHOTOS / "04.jpg").read_bytes())
    run("clean", "photos", "-o", "out.npz", check=7)
    assert "save it as JPEG" in (tmp_path / "out.rejected.csv").read_text()


def test_a_name_that_the_terminal_cannot_show_is_no_crash(tmp_path):
    name = "\u4e03.jpg"
    (tmp_path / name).write_bytes((PHOTOS / "04.jpg").read_bytes())
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, "-m", "digitprep", "predict", name]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert done.stdout.split(b"\t")[1] == b"3"
