"""Choosing a format, and putting a result where it belongs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from places import PHOTOS

from digitprep import formats
from digitprep.dataset import Dataset, Provenance, Split
from digitprep.errors import DataError, DigitprepError, UsageError
from digitprep.formats.base import FORMATS, Format
from digitprep.formats.idx import Idx
from digitprep.formats.npz import Npz
from digitprep.nn import load_model
from digitprep.place import place

SPLIT = Split(np.arange(12, dtype=np.uint8).reshape(3, 2, 2), np.array([1, 2, 3]))


def test_the_registry_finds_the_formats_of_the_package_by_itself() -> None:
    assert {"idx", "npz", "pngjson"} <= set(FORMATS)


@pytest.mark.parametrize(("name", "expected"), [("a.npz", "npz"), ("A.NPZ", "npz"), ("a.csv.gz", "csv")])
def test_the_name_of_a_destination_tells_its_format(name: str, expected: str) -> None:
    assert str(formats.named(name)) == expected


def test_a_destination_whose_name_tells_nothing_needs_a_format() -> None:
    with pytest.raises(
        UsageError, match=r"say it with --to \(format=...\): .*idx \(a folder\), .*npz \(.npz"
    ):
        formats.named("somewhere")


def test_a_format_may_be_text_with_options_or_an_object() -> None:
    assert formats.named("x.bin", "npz(compress=False)") == Npz(compress=False)
    assert formats.named("x.npz", Idx()) == Idx()
    with pytest.raises(UsageError, match="no format is named 'npx'; did you mean 'npz'"):
        formats.named("x", "npx")


def test_a_path_that_no_format_claims_is_refused_with_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(
        DataError,
        match=r"first bytes and the name of this file fit no known format, .* idx, .*; .*list formats",
    ):
        formats.sniff(tmp_path / "notes.txt")
    with pytest.raises(DataError, match="files in this folder fit no known format"):
        formats.read(tmp_path)


def test_who_brings_photos_or_a_network_is_told_which_command_takes_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="`digitprep clean` makes a dataset of photos"):
        formats.read(PHOTOS)
    load_model().save(tmp_path / "net.npz")
    with pytest.raises(DataError, match=r"expected a dataset, found a network .*evaluate.* as --model"):
        formats.read(tmp_path / "net.npz")


def test_a_path_that_two_formats_claim_is_refused_until_one_is_named(tmp_path: Path) -> None:
    formats.write(SPLIT, tmp_path / "a", format="idx")
    (tmp_path / "a" / "train_x").mkdir()
    with pytest.raises(DataError, match=r"could be idx or pngjson; say which with --from \(format='idx'\)"):
        formats.read(tmp_path / "a")
    assert len(formats.read(tmp_path / "a", format="idx")["train"]) == 3


def test_a_dataset_a_split_and_a_stream_are_written_alike(tmp_path: Path) -> None:
    for name, data in {"a": Dataset([SPLIT]), "b": SPLIT, "c": SPLIT.batches(2)}.items():
        formats.write(data, tmp_path / f"{name}.npz")
    assert len({(tmp_path / f"{name}.npz").read_bytes() for name in "abc"}) == 1


def test_splits_say_where_they_came_from(tmp_path: Path) -> None:
    formats.write(SPLIT, tmp_path / "a.npz")
    assert formats.read(str(tmp_path / "a.npz"))["train"].provenance == Provenance(str(tmp_path / "a.npz"))


def test_arrays_that_were_read_may_be_changed(tmp_path: Path) -> None:
    for name in ("idx", "npypair", "npz", "pngjson"):
        formats.write(SPLIT, tmp_path / name, format=name)
        formats.read(tmp_path / name, format=name)["train"].images[0] = 1


def test_without_a_number_of_classes_labels_have_no_upper_bound(tmp_path: Path) -> None:
    formats.write(Split(SPLIT.images, np.array([0, 10, 10**6])), tmp_path / "a.npz")
    with pytest.raises(DataError, match="from 0 to 9, found 10; if the set has more classes"):
        formats.read(tmp_path / "a.npz")
    assert formats.read(tmp_path / "a.npz", classes=None)["train"].labels.max() == 10**6
    np.savez(tmp_path / "b.npz", images=SPLIT.images, labels=[0, 1, -1])
    with pytest.raises(DataError, match="sample 2: expected a label of at least 0, found -1"):
        formats.read(tmp_path / "b.npz", classes=None)


def test_a_batch_of_no_samples_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 1 sample, found 0"):
        formats.stream(tmp_path, batch=0)


def test_a_format_that_only_reads_says_so(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class ReadOnly(Format):
        """A format of files that others make, for this test alone."""

        suffixes: ClassVar[tuple[str, ...]] = (".ro",)

        def sniff(self, path: Path) -> bool:
            return path.suffix == ".ro"

        def read(self, path: Path, batch: int) -> Iterator[Split]:  # noqa: ARG002
            yield SPLIT

    with pytest.raises(UsageError, match="read_only can be read, not written"):
        formats.write(SPLIT, tmp_path / "x.ro", format=ReadOnly())
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_the_system_refuses_to_read_is_a_data_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    formats.write(SPLIT, tmp_path / "a.npz")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "a.npz"))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"a\.npz: cannot be read: Permission denied"):
        formats.stream(tmp_path / "a.npz")


def test_parents_of_a_destination_are_created(tmp_path: Path) -> None:
    formats.write(SPLIT, tmp_path / "new" / "er" / "a.npz")
    assert (tmp_path / "new" / "er" / "a.npz").is_file()


def test_a_parent_that_is_a_file_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DigitprepError, match=r"a\.npz: cannot be written: .*nothing was changed"):
        formats.write(SPLIT, tmp_path / "file" / "a.npz")


def test_a_folder_is_no_destination_for_a_file_nor_the_other_way_round(tmp_path: Path) -> None:
    (tmp_path / "a.npz").mkdir()
    (tmp_path / "b").write_text("mine")
    for name, to in (("a.npz", "npz"), ("b", "idx")):
        with pytest.raises(UsageError, match="choose another name"):
            formats.write(SPLIT, tmp_path / name, format=to, overwrite=True)
    assert (tmp_path / "b").read_text() == "mine"


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="no /dev/null on this system")
def test_a_device_is_never_replaced() -> None:
    with pytest.raises(UsageError, match="is no regular file"):
        formats.write(SPLIT, "/dev/null", format="npz", overwrite=True)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    formats.write(SPLIT, tmp_path / "real" / "a.npz")
    try:
        (tmp_path / "link.npz").symlink_to(tmp_path / "real" / "a.npz")
    except OSError:
        pytest.skip("this system makes no links")
    formats.write(Split(SPLIT.images[:1]), tmp_path / "link.npz", overwrite=True)
    assert (tmp_path / "link.npz").is_symlink()
    assert len(formats.read(tmp_path / "real" / "a.npz")["train"]) == 1


def test_a_linked_folder_inside_the_destination_is_foreign(tmp_path: Path) -> None:
    formats.write(SPLIT, tmp_path / "a", format="pngjson")
    (tmp_path / "photos").mkdir()
    try:
        (tmp_path / "a" / "test_x").symlink_to(tmp_path / "photos", target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    with pytest.raises(UsageError, match="it holds test_x"):
        formats.write(SPLIT, tmp_path / "a", format="pngjson", overwrite=True)


def test_the_old_folder_comes_back_when_the_new_one_cannot_be_moved_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    formats.write(SPLIT, path, format="idx")
    rename = Path.rename

    def failing(source: Path, target: Path) -> Path:
        if source.name == "a" and source != path and Path(target) == path:
            raise OSError(28, os.strerror(28))
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(DigitprepError, match="No space left"):
        formats.write(Split(SPLIT.images[:1]), path, format="idx", overwrite=True)
    assert len(formats.read(path)["train"]) == 3
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_files_lie_beside_the_destination(tmp_path: Path) -> None:
    seen: list[Path] = []

    def write(result: Path) -> None:
        seen.append(result)
        result.write_text("done")

    place(tmp_path / "deep" / "a.txt", write)
    assert seen[0].parent.parent == tmp_path / "deep"
    assert (tmp_path / "deep" / "a.txt").read_text() == "done"
