"""IDX files: every type and name that is out there, and every way in which they are broken."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from isal import isal_zlib
from places import DATA, needs_data

from digitprep import formats
from digitprep.contents import fingerprint
from digitprep.errors import DataError, UsageError
from digitprep.formats import gz, read_idx, write_idx
from digitprep.formats.idx_names import parse_name

TYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]


def images(count: int = 3, code: int = 8, shape: tuple[int, ...] = (2, 2)) -> bytes:
    sizes = (count, *shape)
    return struct.pack(f">2xBB{len(sizes)}I", code, len(sizes), *sizes) + bytes(
        range(count * int(np.prod(shape)))
    )


def labels(values: list[int]) -> bytes:
    return struct.pack(">2xBBI", 8, 1, len(values)) + bytes(values)


def folder(tmp_path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return tmp_path


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("shape", [(), (5,), (0,), (2, 3), (2, 3, 4, 5), (3, 0, 2)])
@pytest.mark.parametrize("dtype", TYPES)
def test_arrays_of_every_type_and_rank_read_back(
    dtype: str, shape: tuple[int, ...], ending: str, tmp_path: Path
) -> None:
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    write_idx(tmp_path / f"a.idx{ending}", array)
    found = read_idx(tmp_path / f"a.idx{ending}")
    assert found.dtype == array.dtype
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_what_is_larger_than_the_room_made_at_first_is_read_whole(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gz, "FIRST_BYTES", 5)
    monkeypatch.setattr(gz, "LARGEST_READ", 3)
    array = np.arange(1000, dtype=np.int16).reshape(10, 100)
    write_idx(tmp_path / f"a.idx{ending}", array)
    np.testing.assert_array_equal(read_idx(tmp_path / f"a.idx{ending}"), array)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_header_that_promises_exabytes_takes_memory_for_what_is_there(ending: str, tmp_path: Path) -> None:
    content = struct.pack(">2xBB3I", 8, 3, *[2**32 - 1] * 3) + b"abc"
    path = folder(tmp_path, {f"train-images-idx3-ubyte{ending}": content})
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="found the end at byte 19; "):
            formats.read(path)
        assert tracemalloc.get_traced_memory()[1] < 2 * gz.FIRST_BYTES
    finally:
        tracemalloc.stop()


def test_numbers_are_big_endian_on_disk(tmp_path: Path) -> None:
    write_idx(tmp_path / "a.idx", np.array([1, -2], np.int16))
    assert (tmp_path / "a.idx").read_bytes() == bytes.fromhex("00000b01 00000002 0001 fffe")


def test_arrays_in_another_order_or_endianness_are_written_right(tmp_path: Path) -> None:
    array = np.arange(6, dtype=">i4").reshape(2, 3).T
    write_idx(tmp_path / "a.idx", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "a.idx"), array)


def test_a_type_that_idx_lacks_is_refused_with_those_that_it_has(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no type for int64; convert the array to one of uint8"):
        write_idx(tmp_path / "a.idx", np.array([1]))


def test_an_existing_file_is_written_over_on_request_alone(tmp_path: Path) -> None:
    write_idx(tmp_path / "a.idx", np.zeros(3, np.uint8))
    with pytest.raises(UsageError, match="exists"):
        write_idx(tmp_path / "a.idx", np.ones(3, np.uint8))
    write_idx(tmp_path / "a.idx", np.ones(3, np.uint8), overwrite=True)
    assert read_idx(tmp_path / "a.idx").tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "set_", "split", "kind"),
    [
        ("train-images-idx3-ubyte.gz", "", "train", "images"),
        ("train-images.idx3-ubyte", "", "train", "images"),
        ("t10k-labels-idx1-ubyte", "", "test", "labels"),
        ("test-labels.idx1-ubyte.gz", "", "test", "labels"),
        ("images-idx3-ubyte", "", "train", "images"),
        ("emnist-digits-train-images-idx3-ubyte.gz", "emnist-digits", "train", "images"),
        ("qmnist-test-labels-idx2-int.gz", "qmnist", "test", "labels"),
        ("val_2-images-idx4-ubyte.gz", "", "val_2", "images"),
    ],
)
def test_names_tell_set_split_and_kind(name: str, set_: str, split: str, kind: str) -> None:
    found = parse_name(name)
    assert found is not None
    assert (found.set, found.split, found.kind) == (set_, split, kind)


@pytest.mark.parametrize(
    "name", ["README.md", "train-images.png", "train-images-idx3-ubyte.gz.part", "labels"]
)
def test_other_names_are_not_taken_for_idx(name: str) -> None:
    assert parse_name(name) is None


@pytest.mark.parametrize("given", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_either_file_of_a_pair_brings_the_other(given: str, tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        {
            "train-images-idx3-ubyte": images(),
            "train-labels-idx1-ubyte": labels([7, 8, 9]),
            "t10k-images-idx3-ubyte": images(),
        },
    )
    data = formats.read(path / given)
    assert list(data) == ["train"]
    assert data["train"].labels.tolist() == [7, 8, 9]


def test_images_alone_are_a_split_without_labels(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(images())
    assert formats.read(tmp_path / "mine")["train"].labels is None


@pytest.mark.parametrize("inflater", [zlib, isal_zlib])
def test_a_gzip_file_needs_no_ending_and_may_have_many_members(
    inflater: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gz, "inflater", inflater)
    content = images()
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(content[:9]) + gzip.compress(content[9:]) + bytes(600))
    assert len(formats.read(path)["train"]) == 3


def test_a_gzipped_copy_beside_the_plain_file_is_no_trouble(tmp_path: Path) -> None:
    names = {"train-images-idx3-ubyte": images(), "train-images-idx3-ubyte.gz": images()}
    assert len(formats.read(folder(tmp_path, names))["train"]) == 3


def test_a_gzipped_file_that_differs_from_the_plain_one_is_refused(tmp_path: Path) -> None:
    names = {"train-images-idx3-ubyte": images(), "train-images-idx3-ubyte.gz": images(2)}
    with pytest.raises(DataError, match=r"idx3-ubyte, train-images-idx3-ubyte.gz, which differ; remove one"):
        formats.read(folder(tmp_path, names))


def test_two_sets_in_one_folder_are_refused(tmp_path: Path) -> None:
    names = {f"emnist-{name}-train-images-idx3-ubyte": images() for name in ("digits", "letters")}
    with pytest.raises(DataError, match=r"emnist-digits.*emnist-letters"):
        formats.read(folder(tmp_path, names))


def test_a_split_named_as_mnist_names_its_test_images_is_refused(tmp_path: Path) -> None:
    split = formats.read(folder(tmp_path, {"t10k-images-idx3-ubyte": images()}))["test"]
    with pytest.raises(UsageError, match="t10k"):
        formats.write(type(split)(split.images, name="t10k"), tmp_path / "out", format="idx")


def test_written_files_have_mnist_names_and_no_trace_of_time_or_name(tmp_path: Path) -> None:
    source = folder(tmp_path, {"images-idx3-ubyte": images(), "labels-idx1-ubyte": labels([1, 2, 3])})
    formats.write(formats.stream(source), tmp_path / "out", format="idx")
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    header = (tmp_path / "out" / names[0]).read_bytes()[:10]
    assert header[3] == 0, "flags: no name"
    assert header[4:8] == bytes(4), "no time"
    formats.write(formats.stream(source), tmp_path / "plain", format="idx(compress=False)")
    assert (tmp_path / "plain" / "train-images-idx3-ubyte").read_bytes() == images()


BROKEN_IMAGES = {
    "empty": (b"", "byte 0: expected two zero bytes.*found an empty file"),
    "two bytes": (b"\0\0", "byte 0: expected two zero"),
    "web page": (b"<!DOCTYPE html><html>404", "found b'<!DOCTYPE html.*a web page"),
    "gzipped twice": (gzip.compress(gzip.compress(images())), "gzipped twice"),
    "type": (images(code=0x0A), "byte 2: expected a type, one of 08, 09, 0B, 0C, 0D, 0E, found 0A"),
    "rank": (b"\0\0\x08\xff" + bytes(99), "byte 3: expected at most 32 dimensions, found 255"),
    "sizes": (images()[:9], "byte 4: expected 3 dimensions of 4 bytes, found 5 bytes"),
    "short": (
        images()[:-3],
        r"byte 16: expected 12 bytes of values.*3 x 2 x 2 uint8\), found the end at byte 25",
    ),
    "long": (images() + b"\n\n", "expected 12 bytes of values.*found 2 more bytes after them"),
    "huge": (b"\0\0\x08\x03" + b"\xff" * 12 + b"123", "found the end at byte 19"),
    "gz cut": (
        gzip.compress(images())[:-9],
        "before byte .*more compressed data, found the end.*get the file again",
    ),
    "gz checksum": (gzip.compress(images())[:-8] + bytes(8), "sound gzip data, found damage"),
    "gz tail": (
        gzip.compress(images()) + b"tail",
        "expected the end, or one more gzip member, found other bytes",
    ),
    "labels": (labels([1, 2, 3]), "expected 3 dimensions of images, found 1, as labels have.*read_idx"),
    "rank 2": (images(shape=(4,)), r"read_idx reads any array"),
    "four channels": (images(shape=(1, 1, 4)), r"expected images of \(N, height, width\)"),
    "int8": (images(code=9), "byte 2: expected images of uint8, found int8; read_idx"),
    "no pixels": (images(shape=(0, 9)), "expected images with pixels"),
}


@pytest.mark.parametrize("case", BROKEN_IMAGES)
@pytest.mark.parametrize("inflater", [zlib, isal_zlib])
def test_broken_images_are_named_with_byte_expected_and_found(
    inflater: Any, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gz, "inflater", inflater)
    content, message = BROKEN_IMAGES[case]
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as raised:
        formats.read(path)
    assert str(path) in str(raised.value)


BROKEN_LABELS = {
    "fewer": (labels([1, 2]), "byte 4: expected 3 labels, one for each image of .*images.*, found 2"),
    "swapped": (images(), "images and labels may be swapped"),
    "floats": (
        struct.pack(">2xBBI3f", 0x0D, 1, 3, 1, 2, 3),
        "expected labels of whole numbers, found float32",
    ),
    "short": (labels([1, 2, 3])[:-1], "expected 3 bytes of values"),
    "eleven": (labels([1, 2, 11]), "sample 2: expected a label from 0 to 9, found 11"),
}


@pytest.mark.parametrize("case", BROKEN_LABELS)
def test_labels_that_do_not_fit_their_images_are_refused(case: str, tmp_path: Path) -> None:
    content, message = BROKEN_LABELS[case]
    path = folder(tmp_path, {"train-images-idx3-ubyte": images(), "train-labels-idx1-ubyte": content})
    with pytest.raises(DataError, match=message):
        formats.read(path)


@pytest.mark.parametrize("inflater", [zlib, isal_zlib])
def test_a_gzip_file_with_one_bit_changed_or_cut_anywhere_is_damaged_or_the_same(
    inflater: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gz, "inflater", inflater)
    file = tmp_path / "a.idx.gz"
    write_idx(file, np.arange(40, dtype=np.uint8))
    whole, expected = file.read_bytes(), read_idx(file).tolist()
    flipped = [
        whole[: bit // 8] + bytes([whole[bit // 8] ^ (1 << bit % 8)]) + whole[bit // 8 + 1 :]
        for bit in range(8 * len(whole))
    ]
    refused = 0
    for content in flipped + [whole[:size] for size in range(len(whole))]:
        file.write_bytes(content)
        try:
            assert read_idx(file).tolist() == expected  # fields as the time are not in the checksum
        except DataError:
            refused += 1
    assert refused > 7 * len(whole)


def packed_bytes(array: np.ndarray, tmp_path: Path) -> tuple[int, int]:
    """How long the gzipped file of an array is, and how long zlib alone would make it."""
    write_idx(tmp_path / "a.idx.gz", array, overwrite=True)
    np.testing.assert_array_equal(read_idx(tmp_path / "a.idx.gz"), array)
    return (tmp_path / "a.idx.gz").stat().st_size, len(zlib.compress(array.tobytes(), gz.LEVEL))


def test_looking_for_runs_alone_costs_no_space(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    digits = np.zeros((1000, 28, 28), np.uint8)
    digits[:, 6:22, 10:18] = rng.integers(0, 256, (1000, 16, 8))
    rows = np.repeat(rng.integers(0, 256, (1000, 1, 28), np.uint8), 28, axis=1)  # alike, and without runs
    for array in (digits, rows, digits[:0], digits[:1]):
        found, plain = packed_bytes(array, tmp_path)
        assert found <= 1.03 * plain + 40


def test_labels_alone_are_refused_with_the_function_that_reads_them(tmp_path: Path) -> None:
    path = folder(tmp_path, {"train-labels-idx1-ubyte": labels([1, 2])})
    for given in (path, path / "train-labels-idx1-ubyte"):
        with pytest.raises(DataError, match=r"expected a file of images beside these labels.*read_idx"):
            formats.read(given)
    assert read_idx(path / "train-labels-idx1-ubyte").tolist() == [1, 2]


def test_a_missing_file_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path / "none")


def emnist(tmp_path: Path, set_: str, values: list[int]) -> Path:
    """A folder of one of EMNIST's sets, three images of 2 x 3 as it stores them: on their side, 3 x 2."""
    names = [f"emnist-{set_}-train-images-idx3-ubyte.gz", f"emnist-{set_}-train-labels-idx1-ubyte.gz"]
    return folder(tmp_path, dict(zip(names, [images(shape=(3, 2)), labels(values)], strict=True)))


UPRIGHT = np.arange(18).reshape(3, 3, 2).transpose(0, 2, 1)


@pytest.mark.parametrize(
    ("set_", "stored", "read", "classes"),
    [
        ("digits", [0, 9, 4], [0, 9, 4], None),
        ("mnist", [0, 9, 4], [0, 9, 4], None),
        ("letters", [1, 26, 3], [0, 25, 2], "AZC"),
        ("balanced", [0, 36, 46], [0, 36, 46], "0at"),
        ("bymerge", [10, 35, 40], [10, 35, 40], "AZf"),
        ("byclass", [9, 36, 61], [9, 36, 61], "9az"),
    ],
)
def test_emnist_is_turned_upright_and_its_labels_get_their_characters(
    set_: str, stored: list[int], read: list[int], classes: str | None, tmp_path: Path
) -> None:
    path = emnist(tmp_path, set_, stored)
    for given in (path, next(path.glob("*images*")), next(path.glob("*labels*"))):
        part = formats.read(given, batch=2)["train"]
        np.testing.assert_array_equal(part.images, UPRIGHT)
        assert part.labels.tolist() == read
        names = part.class_names
        assert names == classes if classes is None else "".join(names[n] for n in read) == classes
        assert part.provenance.pipeline == f'idx(emnist="{set_}")'


def test_emnist_is_read_as_it_is_stored_on_request(tmp_path: Path) -> None:
    part = formats.read(emnist(tmp_path, "letters", [1, 2, 3]), format='idx(emnist="no")')["train"]
    assert part.images.shape == (3, 3, 2)
    assert (part.labels.tolist(), part.class_names) == ([1, 2, 3], None)


def test_emnist_under_other_names_is_put_right_on_request(tmp_path: Path) -> None:
    path = folder(
        tmp_path, {"images-idx3-ubyte": images(shape=(3, 2)), "labels-idx1-ubyte": labels([1, 2, 3])}
    )
    part = formats.read(path, format='idx(emnist="letters")')["train"]
    np.testing.assert_array_equal(part.images, UPRIGHT)
    assert part.labels.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("set_", "wrong"), [("letters", 0), ("letters", 27), ("digits", 10), ("balanced", 47)]
)
def test_labels_that_an_emnist_set_does_not_have_are_refused(set_: str, wrong: int, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"as EMNIST {set_} has, found {wrong}; --from"):
        formats.read(emnist(tmp_path, set_, [1, 2, wrong]))


def test_an_emnist_set_that_is_not_named_has_to_be(tmp_path: Path) -> None:
    path = folder(tmp_path, {"emnist-train-images-idx3-ubyte": images(shape=(3, 2))})
    with pytest.raises(DataError, match=r"one of EMNIST's sets, found emnist; .*--from 'idx\(emnist="):
        formats.read(path)


def test_emnist_s_test_images_do_not_go_with_another_set_s_training_images(tmp_path: Path) -> None:
    for name in ("emnist-digits-train", "emnist-letters-test"):
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(images())
    with pytest.raises(DataError, match="found emnist-digits, emnist-letters; give each set a folder"):
        formats.read(tmp_path)


def test_nothing_is_written_on_its_side(tmp_path: Path) -> None:
    part = formats.read(emnist(tmp_path, "digits", [1, 2, 3]))["train"]
    with pytest.raises(UsageError, match="for reading"):
        formats.write(part, tmp_path / "out", format='idx(emnist="digits")')
    formats.write(part, tmp_path / "out", format="idx")
    np.testing.assert_array_equal(formats.read(tmp_path / "out")["train"].images, UPRIGHT)


@needs_data("mnist")
def test_real_mnist_passes_through_every_format_and_comes_back_byte_for_byte(tmp_path: Path) -> None:
    source = DATA / "mnist" / "t10k-images-idx3-ubyte.gz"
    formats.write(formats.stream(source), tmp_path / "t10k.npz")
    formats.write(formats.stream(tmp_path / "t10k.npz"), tmp_path / "png", format="pngjson")
    formats.write(formats.stream(tmp_path / "png"), tmp_path / "idx", format="idx")
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        original, found = DATA / "mnist" / name, tmp_path / "idx" / name
        assert gzip.decompress(found.read_bytes()) == gzip.decompress(original.read_bytes())
    assert fingerprint(formats.stream(source)) == fingerprint(formats.stream(tmp_path / "png", batch=999))


@needs_data("mnist", "formats/qmnist")
def test_qmnist_labels_begin_with_mnist_s_own(tmp_path: Path) -> None:
    mnist = formats.read(DATA / "mnist" / "t10k-images-idx3-ubyte.gz")["test"]
    extended = read_idx(DATA / "formats" / "qmnist" / "qmnist-test-labels-idx2-int.gz")
    assert extended.shape == (60_000, 8)
    np.testing.assert_array_equal(extended[:10_000, 0], mnist.labels)
    write_idx(tmp_path / "qmnist-test-images-idx3-ubyte", mnist.images[:50])
    write_idx(tmp_path / "qmnist-test-labels-idx2-int.gz", extended[:50])
    assert formats.read(tmp_path)["test"].labels.tolist() == mnist.labels[:50].tolist()


@needs_data("formats/idx_testfiles")
def test_files_of_another_library_read_as_it_reads_them() -> None:
    files = DATA / "formats" / "idx_testfiles"
    assert read_idx(files / "correct.idx").tolist() == [10, 11, 12]
    with pytest.raises(DataError, match="an empty file"):
        read_idx(files / "empty.idx")
