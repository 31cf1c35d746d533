"""Where the commands write: what cannot be written is said before the work, and never with a traceback."""

import numpy as np
import pytest
from PIL import Image
from places import PHOTOS

import digitprep as dp

LAYERS = "flatten | dense(width=4)"


@pytest.fixture
def train(run, tmp_path):
    """Train a small network for one epoch; the test split's images are of the size asked for."""

    def train_digitprep(*arguments, test_size=8, check=0):
        rng = np.random.default_rng(0)
        splits = [
            dp.Split(rng.integers(0, 255, (40, size, size), np.uint8), np.arange(40) % 4, name)
            for name, size in (("train", 8), ("test", test_size))
        ]
        dp.write(splits, tmp_path / "data.npz", overwrite=True)
        options = ["--layers", LAYERS, "--classes", "4", "--validation", "0.1", "--epochs", "1"]
        return run("train", "data.npz", *options, *arguments, check=check)

    return train_digitprep


@pytest.fixture
def photo(tmp_path):
    """A photo of a digit in a folder of its own."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes((PHOTOS / "01.jpg").read_bytes())
    return tmp_path / "photos" / "a.jpg"


# train


def test_training_creates_the_folders_of_what_it_writes(train, tmp_path):
    train("-o", "new/m.npz", "--checkpoint", "kept/c.npz", "--log", "logs/l.csv")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["m.npz"]
    assert (tmp_path / "logs" / "l.csv").is_file()


@pytest.mark.parametrize("option", ["-o", "--checkpoint", "--log"])
def test_training_does_not_start_where_its_files_cannot_be_written(train, tmp_path, option):
    (tmp_path / "file").write_text("")
    end = ".csv" if option == "--log" else ".npz"
    for path in (f"file/m{end}", "x" * 300 + end):
        said = train("-o", "m.npz", option, path, check=1).stderr
        assert path.removesuffix(end) in said  # or its checkpoint, which is tried first
        assert ": cannot be written" in said
        assert "epoch" not in said


@pytest.mark.parametrize("option", ["-o", "--checkpoint", "--log"])
@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_training_does_not_start_where_a_folder_is_in_the_way(train, tmp_path, option, resume):
    taken = "taken.csv" if option == "--log" else "taken.npz"
    (tmp_path / taken).mkdir()
    for path in (taken, "."):
        said = train("-o", "m.npz", option, path, "--overwrite", *resume, check=2).stderr
        assert f"{path} is no regular file" in said or "--log writes" in said or "ends in .npz" in said
        assert "epoch" not in said


def test_a_test_split_of_another_image_size_is_refused_before_training(train, tmp_path):
    said = train("-o", "m.npz", test_size=9, check=3).stderr
    assert "split 'test': expected images of 8 x 8, as in split 'train', found 9 x 9" in said
    assert "epoch" not in said
    assert not (tmp_path / "m.npz").exists()


# clean


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "taken.npz"], "taken.npz is no regular file"),
        (["-o", "taken", "--to", "idx"], "taken is something else, and a folder is to be written"),
        (["-o", "mixed", "--to", "idx"], "it holds mine.txt"),
        (["-o", "listed.npz"], "listed.rejected.csv is no regular file"),
        (["-o", "made.npz", "--split", "../up"], "letters, digits and _"),
        (["-o", "made", "--to", "idx", "--split", "t10k"], "means the split 'test'"),
    ],
)
@pytest.mark.usefixtures("photo")
def test_cleaning_does_not_start_where_its_dataset_cannot_be_made(run, tmp_path, arguments, words):
    for folder in ("taken.npz", "mixed", "listed.rejected.csv"):
        (tmp_path / folder).mkdir()
    for file in ("taken", "mixed/mine.txt"):
        (tmp_path / file).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert words in run("clean", "photos", *arguments, "--overwrite", check=2).stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("photo")
def test_cleaning_does_not_start_where_the_disk_refuses(run, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file/d.npz: cannot be written" in run("clean", "photos", "-o", "file/d.npz", check=1).stderr


@pytest.mark.usefixtures("photo")
def test_cleaning_replaces_a_folder_of_its_own_format_only_when_told_to(run):
    run("clean", "photos", "-o", "made", "--to", "idx", "--no-sheet")
    assert "made exists" in run("clean", "photos", "-o", "made", "--to", "idx", "--no-sheet", check=2).stderr
    run("clean", "photos", "-o", "made", "--to", "idx", "--no-sheet", "--overwrite")


@pytest.mark.parametrize("first", [["out.npz"], ["out.parquet"], ["set", "--to", "pngjson"]])
def test_the_sheet_of_another_dataset_is_no_photo(run, photo, tmp_path, first):
    run("clean", "photos", "-o", f"photos/{first[0]}", *first[1:])
    assert list((tmp_path / "photos").glob("*.sheet.png"))
    (tmp_path / "photos" / "mine.sheet.png").write_bytes(photo.read_bytes())
    images = len(list((tmp_path / "photos").glob("set/**/*.png"))) + 2
    assert f"e.npz: {images} images" in run("clean", "photos", "-o", "e.npz").stderr


@pytest.mark.usefixtures("photo")
@pytest.mark.parametrize(
    "asked", [["photos/cls"], ["photos"], ["photos/cls", "mine.jpg"], ["photos/cls/1.jpg"]]
)
def test_a_destination_that_holds_the_photos_is_said_to(run, tmp_path, asked):
    (tmp_path / "photos" / "cls").mkdir()
    for name in ("photos/cls/1.jpg", "mine.jpg"):
        (tmp_path / name).write_bytes(next((tmp_path / "photos").glob("*.*")).read_bytes())
    said = run("clean", *asked, "-o", "photos", "--to", "pngjson", "--overwrite", check=2).stderr
    assert "photos holds photos/" in said
    assert "choose another destination" in said


def test_where_no_photo_can_be_used_it_says_that_nothing_was_written(run, photo, tmp_path):
    run("clean", photo, "-o", "made.npz", "--no-sheet")
    old = (tmp_path / "made.npz").read_bytes()
    Image.new("L", (50, 50), 255).save(photo, "PNG")
    said = run("clean", photo, "-o", "new.npz", check=7).stderr
    assert "no photo could be used; new.npz was not written; new.rejected.csv says why" in said
    said = run("clean", photo, "-o", "made.npz", "--overwrite", check=7).stderr
    assert "no photo could be used; made.npz was not written (the old one is unchanged)" in said
    assert (tmp_path / "made.npz").read_bytes() == old


# demo and export


def test_the_demo_prints_its_table_even_where_the_picture_cannot_be_written(run, tmp_path):
    run("demo", "-o", "new/demo.jpg")
    assert Image.open(tmp_path / "new" / "demo.jpg").format == "JPEG"
    # What a full disk does after the work, a broken format does here: it cannot hold so many colours.
    done = run("demo", "-o", "demo.xbm", check=1)
    assert "of 20 right" in done.stdout
    assert "demo.xbm: cannot be written" in done.stderr
    assert not (tmp_path / "demo.xbm").exists()


@pytest.mark.parametrize(
    ("picture", "words", "code"),
    [
        ("demo.txt", "expected a name that ends in .png, .jpg or another of a picture, found demo.txt", 2),
        ("demo", "found demo", 2),
        ("taken.png", "taken.png is no regular file", 2),
        ("file/demo.png", "file/demo.png: cannot be written", 1),
    ],
)
def test_the_demo_does_not_start_where_its_picture_cannot_be_made(run, tmp_path, picture, words, code):
    (tmp_path / "file").write_text("")
    (tmp_path / "taken.png").mkdir()
    done = run("demo", "-o", picture, check=code)
    assert words in done.stderr
    assert done.stdout == ""


def test_exporting_to_where_nothing_can_be_written_names_the_file(run, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "taken.onnx").mkdir()
    assert "cannot be written" in run("export", "digitnet", "file/m.onnx", check=1).stderr
    assert "no regular file" in run("export", "digitnet", "taken.onnx", "--overwrite", check=2).stderr
