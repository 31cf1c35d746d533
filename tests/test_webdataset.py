"""Tar shards as WebDataset keeps them: ours read by the package of that name, and its own read here."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from digitprep import formats
from digitprep.dataset import Dataset, Split
from digitprep.errors import DataError
from digitprep.formats.png import encode_png
from digitprep.formats.tar import END, comment_entry, entry
from digitprep.names import path_inside

PICTURE = encode_png(np.arange(6, dtype=np.uint8).reshape(2, 3))
SAMPLE = entry("1.png", PICTURE) + entry("1.cls", b"7")


def written(path: Path, *entries: bytes, end: bytes = END) -> Path:
    path.write_bytes(b"".join(entries) + end)
    return path


def by_tarfile(path: Path, members: dict[str, bytes], **options: Any) -> Path:
    with tarfile.open(path, "w", **options) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1234567890.5
            archive.addfile(info, io.BytesIO(data))
    return path


def numbered(count: int, name: str = "train") -> Split:
    return Split(np.arange(count, dtype=np.uint8).reshape(-1, 1, 1), np.arange(count) % 10, name)


def test_the_package_webdataset_iterates_what_is_written(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 256, (25, 5, 4, 3), np.uint8), rng.integers(0, 10, 25))
    formats.write(split, tmp_path / "out", format="webdataset(shard_samples=10)")
    urls = [file.as_posix() for file in sorted((tmp_path / "out").iterdir())]
    found = list(webdataset.WebDataset(urls, shardshuffle=False).decode("rgb8").to_tuple("png", "cls"))
    np.testing.assert_array_equal(np.stack([image for image, _ in found]), split.images)
    assert [label for _, label in found] == split.labels.tolist()


def test_what_the_package_webdataset_writes_is_read(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    images = np.random.default_rng(0).integers(0, 256, (25, 5, 4), np.uint8)
    with webdataset.ShardWriter(
        (tmp_path / "mnist-train-%06d.tar").as_posix(), maxcount=10, verbose=0
    ) as sink:
        for index, image in enumerate(images):
            sink.write({"__key__": f"sample{index:04}", "png": Image.fromarray(image), "cls": index % 10})
    split = formats.read(tmp_path)["train"]
    np.testing.assert_array_equal(split.images, images)
    assert split.labels.tolist() == [index % 10 for index in range(25)]
    assert split.sample_names[:2] == ("sample0000", "sample0001")


def test_shards_are_bounded_in_samples_and_in_bytes(tmp_path: Path) -> None:
    formats.write(numbered(25), tmp_path / "a", format="webdataset(shard_samples=10)")
    names = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert names == ["train-000000.tar", "train-000001.tar", "train-000002.tar"]
    formats.write(numbered(25), tmp_path / "b", format="webdataset(shard_bytes=10000)")
    sizes = [file.stat().st_size for file in (tmp_path / "b").iterdir()]
    assert len(sizes) > 3
    assert max(sizes) <= 10_000
    for folder in "ab":
        assert formats.read(tmp_path / folder)["train"].labels.tolist() == numbered(25).labels.tolist()


def test_entries_hold_no_clock_and_no_user(tmp_path: Path) -> None:
    formats.write(numbered(2), tmp_path / "out", format="webdataset")
    with tarfile.open(tmp_path / "out" / "train-000000.tar") as archive:
        for member in archive:
            told = (member.mtime, member.uid, member.gid, member.uname, member.gname, member.mode)
            assert told == (0, 0, 0, "", "", 0o644)


def test_more_samples_than_16_bits_count_are_kept_in_order(tmp_path: Path) -> None:
    count = 65_537
    split = Split((np.arange(count) % 251).astype(np.uint8).reshape(-1, 1, 1), None)
    formats.write(split.batches(4096), tmp_path / "out", format="webdataset")
    images = np.concatenate([part.images for part in formats.stream(tmp_path / "out")])
    np.testing.assert_array_equal(images, split.images)


def test_names_of_classes_lie_beside_the_shards(tmp_path: Path) -> None:
    names = ("T-shirt/top", "ゼロ", "a b", "100%", ".hidden", "unlabelled", "x\ny", "7")
    data = Dataset(
        [
            Split(np.zeros((2, 2, 2), np.uint8), np.array([7, 1]), name, None, names)
            for name in ("train", "test")
        ]
    )
    formats.write(data, tmp_path / "out", format="webdataset")
    assert "T-shirt%2Ftop\nゼロ\na b\n100%25\n" in (tmp_path / "out" / "classes.txt").read_text("utf-8")
    found = formats.read(tmp_path / "out")
    assert [split.class_names for split in found.values()] == [names, names]


def test_one_shard_alone_is_read_by_its_name(tmp_path: Path) -> None:
    for name, split in {"test-000003.tar": "test", "val.tar": "val", "0001.tar": "train"}.items():
        written(tmp_path / name, SAMPLE)
        assert list(formats.read(tmp_path / name)) == [split]


def test_gzipped_shards_are_read(tmp_path: Path) -> None:
    (tmp_path / "train-0.tar.gz").write_bytes(gzip.compress(SAMPLE + END))
    assert formats.read(tmp_path)["train"].labels.tolist() == [7]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_of_every_kind_of_tar_are_read(form: int, tmp_path: Path) -> None:
    key = "long/" * (20 if form == tarfile.USTAR_FORMAT else 50) + "é"
    by_tarfile(tmp_path / "train-0.tar", {f"./{key}.png": PICTURE, f"./{key}.cls": b"3\n"}, format=form)
    split = formats.read(tmp_path)["train"]
    assert (split.sample_names, split.labels.tolist()) == ((key,), [3])


def test_members_of_other_kinds_are_passed_over(tmp_path: Path) -> None:
    members = {"._1.png": b"", "1.png": PICTURE, "1.json": b"{}", "1.cls": b"7", "1.txt": b"a seven"}
    by_tarfile(tmp_path / "train-0.tar", members)
    assert formats.read(tmp_path)["train"].labels.tolist() == [7]


def test_folders_in_an_archive_are_passed_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "train-0.tar", "w") as archive:
        folder = tarfile.TarInfo("d")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in {"d/1.png": PICTURE, "d/1.cls": b"7"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    assert formats.read(tmp_path)["train"].sample_names == ("d/1",)


def lying(size: bytes, kind: bytes = b"0") -> bytes:
    header = bytearray(entry("1.png", PICTURE)[:512])
    header[124:136], header[156:157], header[148:156] = size.ljust(12, b"\0"), kind, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


BAD = {
    "up": ([entry("../1.png", PICTURE)], r"byte 0: expected a name inside the archive, found '\.\./1\.png'"),
    "up, by Windows": ([entry("a\\..\\..\\1.png", PICTURE)], "a name inside the archive"),
    "absolute": ([entry("/1.png", PICTURE)], "a name inside the archive, found '/1.png'"),
    "a drive": ([entry("C:1.png", PICTURE)], "a name inside the archive"),
    "symbolic link": ([lying(b"0", b"2")], "byte 0: expected a file, found '1.png', a symbolic link"),
    "hard link": ([SAMPLE, lying(b"0", b"1")], "byte 2048: expected a file, found '1.png', a hard link"),
    "device": ([lying(b"0", b"3")], "found '1.png', a device"),
    "no image": ([entry("1.cls", b"7")], "'1.cls' at byte 0: expected one image and one .cls for sample '1'"),
    "two images": ([entry("1.png", PICTURE), entry("1.jpg", PICTURE)], "found 1.png, 1.jpg"),
    "one label missing": ([SAMPLE, entry("2.png", PICTURE)], "'2.png' at byte 2048: expected a .cls beside"),
    "one label too many": ([entry("0.png", PICTURE), SAMPLE], "expected no label, as for the images before"),
    "again": (
        [SAMPLE, entry("2.png", PICTURE), entry("2.cls", b"1"), SAMPLE],
        "byte 4096: expected each sample once.*'1' again",
    ),
    "no number": (
        [entry("1.png", PICTURE), entry("1.cls", b"seven")],
        "member '1.cls' at byte 1024: expected a label.*b'seven'",
    ),
    "no image inside": ([entry("1.png", b"hello")], "member '1.png' at byte 0: expected an image"),
    "a terabyte": ([lying(b"77777777777")], "at most 200,000,000 bytes, found 8,589,934,591"),
    "more than octal holds": ([lying(b"\x80" + bytes(10) + b"\1")], "found more"),
    "a gigabyte of names": ([lying(b"10000000000", b"L")], "at most 1,048,576 bytes"),
    "a bad pax record": ([lying(b"10", b"x"), b"99 a=b\n\n".ljust(512, b"\0")], "damage"),
    "a wrong sum": ([SAMPLE[:512].replace(b"1.png", b"2.png"), SAMPLE[512:]], "right checksum"),
    "bytes after the end": ([SAMPLE, END, b"more"], r"byte 2560: expected the end of the archive"),
    "another size": (
        [SAMPLE, entry("2.png", encode_png(np.zeros((4, 4), np.uint8))), entry("2.cls", b"1")],
        "expected 2 x 3, the size of 1, found 4 x 4",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_shard_that_is_wrong_is_refused_with_its_member_and_its_byte(case: str, tmp_path: Path) -> None:
    entries, message = BAD[case]
    file = written(tmp_path / "train-000000.tar", *entries)
    with pytest.raises(DataError, match=message) as raised:
        formats.read(tmp_path)
    assert str(raised.value).startswith(str(file))


def test_a_shard_cut_off_at_any_byte_is_refused(tmp_path: Path) -> None:
    whole = SAMPLE + END
    for size in [*range(0, len(whole), 97), len(whole) - 1]:
        (tmp_path / "train-000000.tar").write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"train-000000\.tar: byte \d+: expected"):
            formats.read(tmp_path)


def test_a_shard_that_is_missing_between_others_is_named(tmp_path: Path) -> None:
    for number in (0, 1, 3):
        written(tmp_path / f"train-00000{number}.tar", SAMPLE)
    with pytest.raises(DataError, match=r"train-000003\.tar: expected shard 2 after shard 1, found shard 3"):
        formats.read(tmp_path)


def test_an_empty_shard_says_whether_its_split_has_labels(tmp_path: Path) -> None:
    written(tmp_path / "train-000000.tar")
    written(tmp_path / "test-000000.tar", comment_entry("no labels"))
    found = formats.read(tmp_path)
    assert found["train"].labels.tolist() == []
    assert found["test"].labels is None


@given(st.text(st.sampled_from("a.:/\\\0C"), max_size=8))
def test_a_path_that_stays_inside_has_no_way_out(name: str) -> None:
    inside = path_inside(name)
    if inside is not None:
        assert Path("root", inside).resolve().is_relative_to(Path("root").resolve())
        assert inside == path_inside(inside)
