"""Where a dataset came from, as it tells itself or the file beside it."""

import hashlib
import json

import numpy as np
import pytest
from places import DIGITS

from digitprep import formats


def told(tmp_path, name):
    return formats.origin(tmp_path / name)


def test_an_archive_tells_its_sources_in_a_member_that_numpy_reads(run, tmp_path):
    run("convert", DIGITS, "a.npz", "--split", "val=0.1", "--seed", "4")
    assert not (tmp_path / "a.npz.provenance.json").exists()
    record = json.loads(str(np.load(tmp_path / "a.npz", allow_pickle=False)["provenance"]))
    assert record == told(tmp_path, "a.npz")
    assert record["options"] == {"split": "val=0.1", "seed": 4}
    assert record["counts"] == {"train": 900, "val": 100, "test": 500}
    lines = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.name}\n" for f in sorted(DIGITS.iterdir())]
    sha256 = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert record["sources"] == [{"name": "idx", "files": 4, "sha256": sha256}]


def test_other_formats_have_a_file_beside_them_and_history_comes_along(run, tmp_path):
    run("convert", DIGITS, "a.npz", "--take", "5")
    run("merge", "a.npz", DIGITS, "-o", "b", "--to", "pngjson")
    first, second = told(tmp_path, "b")["sources"]
    assert json.loads((tmp_path / "b.provenance.json").read_text()) == told(tmp_path, "b")
    assert first["sha256"] == hashlib.sha256((tmp_path / "a.npz").read_bytes()).hexdigest()
    assert first["provenance"] == told(tmp_path, "a.npz")
    assert second["name"] == "idx"
    assert "made from a.npz" in run("info", "b").stdout


@pytest.mark.parametrize(("name", "to"), [("x.npz", "npz"), ("x", "idx"), ("x", "pngjson")])
def test_the_same_input_has_the_same_provenance(run, tmp_path, name, to):
    found = []
    for place in ("one", "two"):
        run("convert", DIGITS, f"{place}/{name}", "--to", to, "--take", "90")
        files = sorted(file for file in (tmp_path / place).rglob("*") if file.is_file())
        found.append([(file.relative_to(tmp_path / place), file.read_bytes()) for file in files])
    assert found[0] == found[1]


def test_it_is_replaced_with_the_dataset_and_not_otherwise(run, tmp_path):
    (tmp_path / "b.provenance.json").write_text("mine")
    assert "b.provenance.json exists" in run("convert", DIGITS, "b", "--to", "idx", check=2).stderr
    assert not (tmp_path / "b").exists()
    run("convert", DIGITS, "b", "--to", "idx", "--overwrite", "--take", "3")
    assert told(tmp_path, "b")["counts"] == {"train": 3, "test": 3}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"sources": 3}',
        '{"sources": [], "reading": 3}',
        '{"sources": [1]}',
        "[" * 100_000,
        "\udc80",
    ],
)
def test_a_file_that_is_no_provenance_tells_nothing(run, tmp_path, text):
    run("convert", DIGITS, "b", "--to", "idx", "--take", "3")
    (tmp_path / "b.provenance.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert told(tmp_path, "b") is None
    run("info", "b")


def test_what_has_none_tells_none(tmp_path):
    formats.write(formats.read(DIGITS), tmp_path / "a.npz")
    assert formats.origin(tmp_path / "a.npz") is None
    assert formats.origin(DIGITS) is None


def test_emnist_that_was_turned_upright_says_so(run, tmp_path):
    images, labels = (
        tmp_path / f"emnist-letters-train-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")
    )
    formats.write_idx(images, np.zeros((2, 28, 28), np.uint8))
    formats.write_idx(labels, np.array([1, 26], np.uint8))
    run("convert", images, "a.npz", "--classes", "26")
    assert told(tmp_path, "a.npz")["options"] == {"from": 'idx(emnist="letters")'}
    assert "reading" not in told(tmp_path, "a.npz")
    shown = run("info", images).stdout
    assert 'idx(emnist="letters")' in shown
    assert "A       1 #" in shown


def test_values_that_were_scaled_say_how(run, tmp_path):
    rng = np.random.default_rng(0)
    rows = np.column_stack([np.arange(9), rng.uniform(-0.9, 0.9, (9, 256)).round(3)])
    rows[0, 1], rows[1, 1] = -1, 1
    (tmp_path / "zip.train").write_text("".join(" ".join(map(str, row)) + "\n" for row in rows.tolist()))
    scaled = "values -1..1 scaled to 0..255 and rounded"
    for name, to in (("a.npz", "npz"), ("b", "idx")):
        run("convert", "zip.train", name, "--to", to, "--split", "val=0.3")
        assert told(tmp_path, name)["reading"] == [scaled]
        assert scaled in run("info", name).stdout
    run("convert", "a.npz", "c.npz")
    assert "reading" not in told(tmp_path, "c.npz")
    assert told(tmp_path, "c.npz")["sources"][0]["provenance"]["reading"] == [scaled]


def test_a_cleaned_dataset_tells_its_photos_and_its_pipeline(run, tmp_path):
    photos = [DIGITS.parents[1] / "photos" / name for name in ("03.jpg", "07.jpg")]
    run("clean", *photos, "-o", "a.npz", "--recipe", "tutorial-invert")
    record = told(tmp_path, "a.npz")
    assert record["pipeline"].startswith("grayscale | invert | resize(")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in photos]
    sha256 = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert record["sources"] == [{"name": "photos", "files": 2, "sha256": sha256}]
    assert record["counts"] == {"train": 2}
    assert "reading" not in record
