"""What holds for every format: each test runs for all that the registry knows."""

from __future__ import annotations

import gzip
import io
import pickle
import shutil
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from string import ascii_lowercase, digits

import golden_files
import numpy as np
import pytest
from golden_files import WRITABLE, destination
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitprep import formats
from digitprep.contents import difference
from digitprep.dataset import Dataset, Split
from digitprep.errors import DataError, DigitprepError, UsageError
from digitprep.formats.base import FORMATS
from digitprep.formats.png import decode_png

FOLDERS = [name for name in WRITABLE if FORMATS[name].folder]


def split(
    count: int = 5,
    shape: tuple[int, ...] = (28, 28),
    name: str = "train",
    classes: int = 10,
    labelled: bool = True,
) -> Split:
    rng = np.random.default_rng(count + len(name))
    images = rng.integers(0, 256, (count, *shape), np.uint8)
    return Split(images, rng.integers(0, classes, count) if labelled else None, name)


def assert_same(found: Dataset, expected: Dataset) -> None:
    assert list(found) == list(expected)
    for name in expected:
        assert found[name].images.dtype == np.uint8
        np.testing.assert_array_equal(found[name].images, expected[name].images)
        if expected[name].labels is None:
            assert found[name].labels is None
        else:
            assert found[name].labels.dtype == np.int64
            np.testing.assert_array_equal(found[name].labels, expected[name].labels)


def contents(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    return {str(file.relative_to(path.parent)): file.read_bytes() for file in files if file.is_file()}


DATASETS = {
    "one split": [split()],
    "train, val, test and one more": [
        split(3),
        split(4, name="val"),
        split(2, name="test"),
        split(3, name="own"),
    ],
    "no labels": [split(labelled=False)],
    "labels in train alone": [split(4), split(3, name="test", labelled=False)],
    "an empty split": [split(3), split(0, name="test")],
    "an empty split without labels": [split(0, labelled=False)],
    "RGB": [split(4, (6, 6, 3))],
    "higher than wide": [split(4, (7, 5))],
    "wider than high": [split(4, (5, 7))],
    "as wide as RGB has channels": [split(4, (5, 3))],
    "one pixel": [split(4, (1, 1))],
    "one RGB pixel": [split(4, (1, 1, 3))],
    "one sample": [split(1)],
    "two sizes": [split(3, (8, 8)), split(3, (9, 7), "test")],
    "62 classes": [split(80, (3, 3), classes=62)],
    "large labels": [Split(np.zeros((3, 2, 2), np.uint8), np.array([0, 255, 70_000]))],
}


@pytest.mark.parametrize("name", WRITABLE)
@pytest.mark.parametrize("batch", [1, 7, 4096])
@pytest.mark.parametrize("case", DATASETS)
def test_what_is_written_reads_back_bit_for_bit(name: str, case: str, batch: int, tmp_path: Path) -> None:
    data, path = Dataset(DATASETS[case]), destination(tmp_path, name)
    formats.write((part for part in data.values() for part in part.batches(batch)), path, format=name)
    assert str(formats.sniff(path)) == name
    assert_same(formats.read(path, batch=batch, classes=None), data)


@pytest.mark.parametrize("name", WRITABLE)
def test_batches_are_full_save_the_last_of_each_split(name: str, tmp_path: Path) -> None:
    path = destination(tmp_path, name)
    formats.write([split(5, name="test"), split(7)], path, format=name)
    sizes = [(part.name, len(part)) for part in formats.stream(path, batch=3)]
    assert sizes == [("train", 3), ("train", 3), ("train", 1), ("test", 3), ("test", 2)]


@pytest.mark.parametrize("name", WRITABLE)
def test_the_same_input_gives_the_same_bytes_whatever_the_batch(name: str, tmp_path: Path) -> None:
    data, made = split(23), []
    for batch in (23, 23, 1, 7):
        folder = tmp_path / str(len(made))
        formats.write(data.batches(batch), destination(folder, name), format=name)
        made.append(contents(destination(folder, name)))
    assert made[0]
    assert all(other == made[0] for other in made)


CLASS_NAMES = ("T-shirt/top", "a b", "ü")


@pytest.mark.parametrize("name", WRITABLE)
def test_the_names_of_classes_survive(name: str, tmp_path: Path) -> None:
    path = destination(tmp_path, name)
    parts = [split(6, classes=3), split(3, name="test", classes=3)]
    named = Dataset(replace(part, class_names=CLASS_NAMES) for part in parts)
    formats.write((part for one in named.values() for part in one.batches(2)), path, format=name)
    assert str(formats.sniff(path)) == name
    found = formats.read(path, batch=4)
    assert_same(found, named)
    assert [part.class_names for part in found.values()] == [CLASS_NAMES, CLASS_NAMES]
    formats.write(parts, path, format=name, overwrite=True)
    assert formats.read(path)["train"].class_names is None


@pytest.fixture(scope="module")
def in_every_format(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("formats")
    paths = {name: destination(folder / name, name) for name in WRITABLE}
    for name, path in paths.items():
        formats.write(PAIRED, path, format=name)
    return paths


PAIRED = Dataset(
    replace(part, class_names=tuple("abcdefghij")) for part in (split(9), split(4, (7, 5, 3), "test"))
)


@pytest.mark.parametrize("target", WRITABLE)
@pytest.mark.parametrize("source", WRITABLE)
def test_every_format_becomes_every_other_without_loss(
    source: str, target: str, in_every_format: dict[str, Path], tmp_path: Path
) -> None:
    path = destination(tmp_path, target)
    formats.write(formats.stream(in_every_format[source], batch=4), path, format=target)
    assert difference(formats.stream(path), PAIRED.values()) is None
    assert all(part.class_names == tuple("abcdefghij") for part in formats.stream(path))


# No regular expression: for one, Hypothesis goes through all of Unicode first, wherever it did not yet.
NAMES = st.builds(
    str.__add__, st.sampled_from(ascii_lowercase), st.text(f"{ascii_lowercase}{digits}_", max_size=6)
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("name", WRITABLE)
@given(data=st.data())
def test_random_datasets_read_back(name: str, data: st.DataObject, tmp_path: Path) -> None:
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    shape += data.draw(st.sampled_from([(), (3,)]))
    names = data.draw(st.lists(NAMES, min_size=1, unique=True))
    count, classes = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 300))
    dataset = Dataset(
        split(count, shape, name, classes, data.draw(st.booleans())) for name in names[:3] if name != "t10k"
    )
    if not dataset:
        return
    path = destination(tmp_path, name)
    formats.write(dataset, path, format=name, overwrite=True)
    assert_same(formats.read(path, classes=None, batch=data.draw(st.integers(1, 7))), dataset)


@pytest.mark.parametrize("name", WRITABLE)
def test_a_file_is_claimed_by_its_own_format_alone(name: str, tmp_path: Path) -> None:
    path = destination(tmp_path, name)
    formats.write([split(), split(2, name="test")], path, format=name)
    assert [other for other in FORMATS if FORMATS[other]().sniff(path)] == [name]
    for foreign in ("empty.bin", "text.txt", "picture.jpg"):
        (tmp_path / foreign).write_bytes({"t": b"1, 2", "p": b"\xff\xd8\xff\xe0"}.get(foreign[0], b""))
        assert not FORMATS[name]().sniff(tmp_path / foreign)
    assert not FORMATS[name]().sniff(tmp_path / "missing")


@pytest.mark.parametrize("name", WRITABLE)
def test_an_existing_destination_is_refused_before_any_work_is_done(name: str, tmp_path: Path) -> None:
    path, taken = destination(tmp_path, name), []
    formats.write(split(), path, format=name)
    before = contents(path)
    with pytest.raises(UsageError, match=r"exists; pass --overwrite \(overwrite=True\)"):
        formats.write((taken.append(1) or split() for _ in range(1)), path, format=name)
    assert contents(path) == before
    assert not taken


@pytest.mark.parametrize("name", WRITABLE)
def test_overwrite_replaces_all_of_the_old_data(name: str, tmp_path: Path) -> None:
    path, new = destination(tmp_path, name), Dataset([split(3, name="val")])
    formats.write([split(), split(4, name="test")], path, format=name)
    formats.write(new, path, format=name, overwrite=True)
    assert_same(formats.read(path), new)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", WRITABLE)
def test_a_dataset_may_be_written_over_itself(name: str, tmp_path: Path) -> None:
    path, data = destination(tmp_path, name), Dataset([split(9), split(4, name="test")])
    formats.write(data, path, format=name)
    formats.write(formats.stream(path, batch=2), path, format=name, overwrite=True)
    assert_same(formats.read(path), data)


@pytest.mark.parametrize("name", FOLDERS)
def test_an_empty_folder_is_a_fine_destination(name: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    formats.write(split(), tmp_path / "data", format=name)
    assert len(formats.read(tmp_path / "data")["train"]) == 5


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("foreign", ["thesis.doc", "train_x/holiday.png", "sub/train_x/00001.png"])
def test_a_folder_with_a_foreign_file_is_never_replaced(name: str, foreign: str, tmp_path: Path) -> None:
    path = tmp_path / "data"
    formats.write(split(), path, format=name)
    (path / foreign).parent.mkdir(parents=True, exist_ok=True)
    (path / foreign).write_text("mine")
    before = contents(path)
    with pytest.raises(UsageError, match=f"it holds {foreign}"):
        formats.write(split(), path, format=name, overwrite=True)
    assert contents(path) == before


@pytest.mark.parametrize("name", FOLDERS)
def test_what_file_managers_leave_is_no_foreign_file(name: str, tmp_path: Path) -> None:
    formats.write(split(), tmp_path / "data", format=name)
    (tmp_path / "data" / ".DS_Store").write_text("")
    formats.write(split(3), tmp_path / "data", format=name, overwrite=True)
    assert len(formats.read(tmp_path / "data")["train"]) == 3


@pytest.mark.parametrize("name", WRITABLE)
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, DataError, OSError(28, "No space left")])
def test_a_failure_midway_leaves_nothing_behind(name: str, error: BaseException, tmp_path: Path) -> None:
    def failing() -> Iterator[Split]:
        yield split(3)
        yield split(3, name="test")
        raise error

    path = destination(tmp_path, name)
    raised = DigitprepError if isinstance(error, OSError) else error
    with pytest.raises(raised):
        formats.write(failing(), path, format=name)
    assert list(tmp_path.iterdir()) == []
    formats.write(split(), path, format=name)
    before = contents(path)
    with pytest.raises(raised):
        formats.write(failing(), path, format=name, overwrite=True)
    assert list(tmp_path.iterdir()) == [path]
    assert contents(path) == before


@pytest.mark.parametrize("name", WRITABLE)
@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "no split"),
        ([split(2), split(2, name="test"), split(2)], "'train' comes back"),
        ([split(2), split(2, (5, 5))], "sample 2: expected images of 28 x 28"),
        ([split(2), split(2, labelled=False)], "some of the split's images have labels"),
        (
            [Split(np.zeros((2, 3, 3), np.uint8), np.array([1, -1]))],
            "sample 1: expected a label of at least 0",
        ),
        ([split(2, (0, 4))], "no pixels"),
        ([split(2, name="../up")], "made of letters, digits and _"),
    ],
)
def test_parts_that_make_no_dataset_are_refused(
    name: str, parts: list[Split], message: str, tmp_path: Path
) -> None:
    with pytest.raises((DataError, UsageError), match=message):
        formats.write(parts, destination(tmp_path, name), format=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", WRITABLE)
def test_a_label_beyond_the_classes_is_refused_with_file_split_and_sample(name: str, tmp_path: Path) -> None:
    path = destination(tmp_path, name)
    formats.write(Split(np.zeros((5, 2, 2), np.uint8), np.array([0, 1, 9, 11, 3]), "test"), path, format=name)
    with pytest.raises(
        DataError, match=r"data.*\(split 'test'\): sample 3: expected a label from 0 to 9, found 11"
    ):
        list(formats.stream(path, batch=2))
    assert len(formats.read(path, classes=12)["test"]) == 5


def damaged(path: Path, copy: Path, damage: Callable[[bytes, int], bytes]) -> Iterator[None]:
    """A copy of a dataset, with one of its files damaged at one position after the other."""
    shutil.copytree(path, copy, dirs_exist_ok=True) if path.is_dir() else shutil.copy(path, copy)
    files = [copy] if copy.is_file() else [file for file in sorted(copy.rglob("*")) if file.is_file()]
    for file in files:
        data = file.read_bytes()
        for position in sorted({*range(0, len(data), max(1, len(data) // 24)), len(data) - 1}):
            file.write_bytes(damage(data, position))
            yield
        file.write_bytes(data)


@pytest.mark.parametrize("name", WRITABLE)
def test_a_file_cut_off_anywhere_is_a_data_error_or_lost_nothing(name: str, tmp_path: Path) -> None:
    path, data = destination(tmp_path, name), Dataset([split(3, (4, 4)), split(2, (4, 4), "test")])
    formats.write(data, path, format=name)
    copy = destination(tmp_path / "copy", name)
    copy.parent.mkdir()
    for _ in damaged(path, copy, lambda content, position: content[:position]):
        try:
            found = formats.read(copy, format=name)
        except DataError:
            continue
        if FORMATS[name].open_ended:  # nothing in the file says how many samples there were
            assert_same(found, Dataset(data[part][: len(found[part])] for part in data))
        else:
            assert_same(found, data)


@pytest.mark.parametrize("name", WRITABLE)
def test_a_byte_changed_anywhere_gives_a_data_error_and_no_other(name: str, tmp_path: Path) -> None:
    path = destination(tmp_path, name)
    formats.write([split(3, (4, 4)), split(2, (4, 4), "test")], path, format=name)
    copy = destination(tmp_path / "copy", name)
    copy.parent.mkdir()
    outcomes = set()
    for change in (0xFF, 0x01):
        for _ in damaged(
            path,
            copy,
            lambda content, at, x=change: content[:at] + bytes([content[at] ^ x]) + content[at + 1 :],
        ):
            try:
                formats.read(copy, format=name)
                outcomes.add("read")
            except DataError:
                outcomes.add("refused")
    assert "refused" in outcomes


@pytest.mark.parametrize("name", FORMATS)
def test_options_survive_text_dict_and_pickle(name: str) -> None:
    cls = FORMATS[name]
    flipped = {field.name: not field.default for field in fields(cls) if isinstance(field.default, bool)}
    for spec in (cls(), cls(**flipped)):
        assert FORMATS.parse(str(spec)) == spec
        assert FORMATS.from_dict(spec.to_dict()) == spec
        assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_in_one_line_what_it_is(name: str) -> None:
    assert 20 < len(FORMATS.summary(name)) < 110


@pytest.mark.parametrize("name", WRITABLE)
def test_memory_holds_batches_and_never_the_dataset(name: str, tmp_path: Path) -> None:
    path = destination(tmp_path, name)
    part = split(16, (128, 128))  # 262 KB; 64 of them are 17 MB
    tracemalloc.start()
    try:
        formats.write((part for _ in range(64)), path, format=name)
        assert sum(len(read) for read in formats.stream(path, batch=16)) == 64 * 16
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Of this up to 4 MB may be Python's own table of interned names, which grows at no fixed time.
    assert peak < 10e6, f"{peak / 1e6:.1f} MB"


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_path_is_refused_at_once(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing: cannot be read: No such file"):
        formats.stream(tmp_path / "missing", format=name)


def test_importing_formats_imports_no_image_library() -> None:
    code = (
        "import sys, digitprep.formats; sys.exit(any(m in sys.modules for m in ('PIL', 'cv2', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def unpacked(path: Path) -> dict[str, bytes]:
    """What stands in the files of a dataset, whichever zlib packed it."""
    unpack = {".gz": gzip.decompress, ".npz": _members, ".tar": _tar_members, ".png": _pixels}
    unpack[".parquet"] = _rows
    found = contents(path)
    return {name: unpack.get(Path(name).suffix, bytes)(data) for name, data in found.items()}


def _pixels(data: bytes) -> bytes:
    return decode_png(data, "").tobytes()


def _tar_members(data: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        files = [(member.name, archive.extractfile(member).read()) for member in archive]
    return b"".join(
        name.encode() + (_pixels(content) if name.endswith(".png") else content) for name, content in files
    )


def _rows(data: bytes) -> bytes:
    """Without the name of the program that wrote them."""
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(data))
    rows = table.to_pylist()
    for row in rows:
        row["image"]["bytes"] = _pixels(row["image"]["bytes"])
    return repr((table.schema.metadata, rows)).encode()


def _members(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"".join(name.encode() + archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize("name", WRITABLE)
def test_files_of_former_versions_are_read_and_written_as_ever(name: str, tmp_path: Path) -> None:
    golden = destination(golden_files.GOLDEN / name, name)
    assert golden.exists(), f"{golden} is missing: python tests/golden_files.py writes it, once"
    assert str(formats.sniff(golden)) == name
    assert_same(formats.read(golden), golden_files.DATA)
    formats.write(golden_files.DATA, destination(tmp_path, name), format=name)
    assert unpacked(destination(tmp_path, name)) == unpacked(golden)
