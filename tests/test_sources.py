"""Photos are found in folders, archives, lists and at addresses, one after the other, and none is lost."""

import contextlib
import functools
import gzip
import http.server
import inspect
import io
import os
import random
import sys
import tarfile
import threading
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitprep.errors import DataError, MissingExtra
from digitprep.names import natural_key
from digitprep.sources import Unusable, find_photos, folder_of, listed, read_bytes, stamp_of, without_bytes
from digitprep.sources import folders as folders_module

CONTENT = {"b/7/10.png": b"ten", "b/7/9.png": b"nine", "a.jpg": b"a", "b/notes.txt": b"no photo"}
CONTENT |= {".hidden.png": b"hidden", "__MACOSX/._a.jpg": b"junk", ".cache/1.png": b"hidden"}
PHOTOS = {name: content for name, content in CONTENT.items() if name in ("b/7/10.png", "b/7/9.png", "a.jpg")}


def as_folder(path):
    for name, content in CONTENT.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def as_tar(path, mode="w"):
    with tarfile.open(path, mode) as tar:
        for name, content in CONTENT.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def as_zip(path, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as zipped:
        for name, content in CONTENT.items():
            zipped.writestr(name, content)
    return path


ARCHIVES = {
    "a.tar": as_tar,
    "a.tar.gz": lambda path: as_tar(path, "w:gz"),
    "a.TGZ": lambda path: as_tar(path, "w:gz"),
    "a.tar.bz2": lambda path: as_tar(path, "w:bz2"),
    "a.tar.xz": lambda path: as_tar(path, "w:xz"),
    "a.zip": as_zip,
    "stored.zip": lambda path: as_zip(path, zipfile.ZIP_STORED),
}
over_archives = pytest.mark.parametrize("name", ARCHIVES)


def relative(photos, root):
    return [str(photo).removeprefix(f"{root}/") for photo in photos]


def test_a_folder_is_walked_in_natural_order_without_what_is_hidden_or_no_photo(tmp_path):
    assert relative(find_photos([as_folder(tmp_path)]), tmp_path) == ["a.jpg", "b/7/9.png", "b/7/10.png"]


@settings(deadline=None)  # the disk may be busy
@given(st.lists(st.lists(st.text("ab12", min_size=1, max_size=4), min_size=1, max_size=3), max_size=20))
def test_a_folder_is_walked_in_the_natural_order_of_its_whole_names(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("walk")
    for parts in names:
        path = root.joinpath(*parts[:-1], f"{parts[-1]}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    whole = [path.relative_to(root).as_posix() for path in root.rglob("*.png")]
    assert relative(find_photos([root]), root) == sorted(whole, key=natural_key)


def test_names_that_are_too_many_for_memory_come_in_the_same_order(monkeypatch):
    names = [f"{number}.png" for number in random.Random(0).sample(range(10_000), 3000)]
    monkeypatch.setattr(folders_module, "RUN_NAMES", 100)
    assert list(folders_module.in_natural_order(iter(names))) == sorted(names, key=natural_key)


def test_a_walk_takes_no_memory_for_the_names_that_are_still_to_come(monkeypatch):
    monkeypatch.setattr(folders_module, "RUN_NAMES", 500)
    peaks = []
    for count in (4_000, 16_000):
        tracemalloc.start()
        for _ in folders_module.in_natural_order(f"{number}.png" for number in range(count)):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 300_000


@over_archives
def test_an_archive_gives_its_photos_in_its_own_order(tmp_path, name):
    archive = ARCHIVES[name](tmp_path / name)
    photos = list(find_photos([archive]))
    assert relative(photos, archive) == list(PHOTOS)
    assert [read_bytes(photo, 100) for photo in photos] == list(PHOTOS.values())
    assert [photo.size for photo in photos] == [len(content) for content in PHOTOS.values()]
    assert [folder_of(photo) for photo in photos] == ["7", "7", name]
    assert str(photos[0].with_name("x.png")) == f"{archive}/b/7/x.png"
    with pytest.raises(DataError, match=r"9\.png: expected at most 3 bytes, found more"):
        read_bytes(photos[1], 3)


@over_archives
def test_a_photo_of_an_archive_is_read_in_another_process(tmp_path, name):
    import pickle

    for photo in find_photos([ARCHIVES[name](tmp_path / name)]):
        away = pickle.loads(pickle.dumps(photo))
        assert away == photo
        assert read_bytes(away, 100) == read_bytes(photo, 100)
        assert without_bytes(photo) == without_bytes(away)
        assert stamp_of(without_bytes(photo)) == stamp_of(photo)


@over_archives
def test_a_damaged_archive_gives_whole_photos_and_says_what_is_wrong(tmp_path, name):
    whole = ARCHIVES[name](tmp_path / name).read_bytes()
    rng = random.Random(1)
    for length in sorted({rng.randrange(len(whole)) for _ in range(40)}):
        (tmp_path / name).write_bytes(whole[:length])
        read, told = {}, []
        for photo in find_photos([tmp_path / name]):
            try:
                read[str(photo).removeprefix(f"{tmp_path / name}/")] = read_bytes(photo, 100)
            except DataError as error:
                told.append(str(error))
        assert read.items() <= PHOTOS.items()
        assert told or read == PHOTOS  # what follows the mark of a tar's end holds nothing
        assert all(str(tmp_path / name) in message for message in told)


@over_archives
def test_an_archive_with_any_byte_changed_gives_photos_or_a_data_error(tmp_path, name):
    whole = ARCHIVES[name](tmp_path / name).read_bytes()
    rng = random.Random(2)
    for _ in range(150):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        file = tmp_path / f"{rng.randrange(10**9)}{name}"
        file.write_bytes(data)
        for photo in find_photos([file]):
            with contextlib.suppress(DataError):
                assert len(read_bytes(photo, 100)) <= 100


def test_what_is_no_archive_and_what_is_not_there_are_told(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"<html>not found</html>")
    (tmp_path / "b.tar.gz").write_bytes(b"")
    for name in ("a.zip", "b.tar.gz", "missing.tar"):
        (photo,) = find_photos([tmp_path / name])
        with pytest.raises(DataError, match=name):
            read_bytes(photo, 100)


def test_links_and_devices_in_a_tar_are_told_and_never_followed(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo(f"{kind.decode()}.png")
            entry.type, entry.linkname = kind, "/etc/passwd"
            tar.addfile(entry)
    photos = list(find_photos([tmp_path / "a.tar"]))
    assert len(photos) == 4
    for photo in photos:
        with pytest.raises(DataError, match="found a link, a device"):
            read_bytes(photo, 100)


def test_a_header_that_would_tell_gigabytes_of_the_next_one_is_refused(tmp_path):
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = tarfile.XHDTYPE, 1 << 32
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(entry.tobuf() + bytes(1 << 22)))
    (photo,) = find_photos([tmp_path / "a.tar.gz"])
    with pytest.raises(DataError, match="4294967296 bytes that tell of an entry"):
        read_bytes(photo, 100)


def test_a_photo_that_a_zip_says_is_small_and_is_not_does_not_fill_memory(tmp_path):
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("1.png", bytes(50_000_000))
    (photo,) = find_photos([archive])
    tracemalloc.start()
    with pytest.raises(DataError, match="at most 1000 bytes"):
        read_bytes(photo, 1000)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_a_zip_with_a_password_says_so(tmp_path):
    archive = as_zip(tmp_path / "a.zip", zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    for start in (b"PK\x03\x04", b"PK\x01\x02"):  # the flag of encryption, in both kinds of headers
        at = data.index(start) + (6 if start == b"PK\x03\x04" else 8)
        data[at] |= 1
    archive.write_bytes(data)
    with pytest.raises(DataError, match=r"10\.png: cannot be read: .*password.*unpack"):
        read_bytes(next(find_photos([archive])), 100)


def test_two_photos_of_one_name_in_a_zip_are_both_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr("1.png", b"first")
        with pytest.warns(UserWarning, match="Duplicate"):
            zipped.writestr("1.png", b"second")
    assert [read_bytes(photo, 9) for photo in find_photos([tmp_path / "a.zip"])] == [b"first", b"second"]


def test_a_link_out_of_the_folder_is_told_and_not_followed_but_one_that_is_named_is(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    (tmp_path / "photos" / "1.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "photos" / "2.png").symlink_to("../secret.png")
    (tmp_path / "photos" / "out").symlink_to(tmp_path)
    (tmp_path / "photos" / "deep" / "round").symlink_to("..")
    found = list(find_photos([tmp_path / "photos"]))
    assert [type(photo) for photo in found] == [Unusable] * 4
    for photo in found:
        with pytest.raises(DataError, match=r"is not followed; name .* itself"):
            read_bytes(photo, 100)
    assert [read_bytes(photo, 9) for photo in find_photos([tmp_path / "photos" / "1.png"])] == [b"secret"]
    (tmp_path / "link").symlink_to(tmp_path / "photos" / "deep")
    (tmp_path / "photos" / "deep" / "3.png").write_bytes(b"3")
    assert relative(find_photos([tmp_path / "link"]), tmp_path)[0] == "link/3.png"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
@pytest.mark.parametrize("last", [True, False])
def test_a_list_names_a_place_a_line_or_between_null_characters(end, last):
    text = end.join([b"a b.png", b"", b"\xff.png", b"c.png"]) + (end if last else b"")
    assert list(listed(io.BytesIO(text))) == ["a b.png", os.fsdecode(b"\xff.png"), "c.png"]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_list_is_read_as_it_comes(size):
    names = [f"{number}.png" for number in range(500)]
    stream = io.BytesIO("\n".join(names).encode())
    stream.read1 = lambda _, read=stream.read: read(size)
    assert list(listed(stream)) == names


def test_what_is_no_list_is_refused():
    with pytest.raises(DataError, match="expected a name a line"):
        list(listed(io.BytesIO(b"\xff" * 1_000_000)))


def test_photos_at_an_address_are_found_and_read():
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    for name, content in CONTENT.items():
        system.pipe(f"/sources/{name}", content)
    photos = list(find_photos(["memory://sources/"]))
    assert relative(photos, "memory:///sources") == ["a.jpg", "b/7/9.png", "b/7/10.png"]
    assert [read_bytes(photo, 100) for photo in photos] == [b"a", b"nine", b"ten"]
    assert [folder_of(photo) for photo in photos] == ["sources", "7", "7"]
    (one,) = find_photos(["memory://sources/b/7/9.png"])
    assert stamp_of(one)[:2] == ("memory:///sources/b/7/9.png", 4)
    assert stamp_of(one)[:2] == stamp_of(photos[1])[:2]
    (missing,) = find_photos(["memory://sources/none.png"])
    with pytest.raises(DataError, match=r"memory://sources/none\.png: cannot be read"):
        read_bytes(missing, 100)
    system.rm("/sources", recursive=True)


@pytest.fixture
def server(tmp_path):
    """The address of a local server that gives the files of a folder."""
    handler = functools.partial(Quiet, directory=str(as_folder(tmp_path / "served")))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_photos_of_a_server_are_found_and_read(server):
    photos = list(find_photos([f"{server}/"]))
    assert relative(photos, server) == ["a.jpg", "b/7/9.png", "b/7/10.png"]
    assert [read_bytes(photo, 100) for photo in photos] == [b"a", b"nine", b"ten"]
    (one,) = find_photos([f"{server}/a.jpg"])
    assert read_bytes(one, 100) == b"a"
    with pytest.raises(DataError, match=r"missing\.png: cannot be read"):
        read_bytes(next(find_photos([f"{server}/missing.png"])), 100)


def test_an_address_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtra, match=r'address.*pip install "digitprep\[remote\]"'):
        list(find_photos(["s3://bucket/photos/"]))


def entry_of(name, size, pax=None):
    """The header of a tar's entry, with whatever size it says."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.pax_headers = size, pax or {}
    return entry.tobuf(tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT) + bytes(1024)


HOSTILE_TARS = {
    "a loop": entry_of("b.txt", -512),
    "a photo of fewer bytes than none": entry_of("1.png", -512),
    "the same in a header of its own": entry_of("1.png", 0, {"size": "-512"}),
    "a size that is no number": entry_of("1.png", 0, {"GNU.sparse.size": "abc"}),
    "a map that is none": entry_of("1.png", 0, {"GNU.sparse.map": "1,x"}),
    "a version that is none": entry_of("1.png", 0, {"GNU.sparse.major": "x", "GNU.sparse.minor": "0"}),
}


@pytest.mark.parametrize("content", HOSTILE_TARS.values(), ids=HOSTILE_TARS)
@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_a_tar_that_says_nonsense_of_its_entries_gives_no_photo_and_an_end(tmp_path, content, name):
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    for photo in find_photos([tmp_path / name]):
        with pytest.raises(DataError, match=r"a\.tar"):
            read_bytes(photo, 100)


@pytest.mark.parametrize("header", [b"PK\x03\x04", b"PK\x01\x02"])
def test_a_zip_whose_names_are_no_text_is_told_to_be_damaged(tmp_path, header):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr("\u00e9.png", b"one")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    at = data.index("\u00e9".encode(), data.index(header))
    data[at : at + 2] = b"\xff\xff"
    (tmp_path / "a.zip").write_bytes(data)
    (photo,) = find_photos([tmp_path / "a.zip"])
    with pytest.raises(DataError, match=r"a\.zip"):
        read_bytes(photo, 100)


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.zip"])
def test_an_archive_that_changes_is_not_read_by_what_it_was(tmp_path, name):
    first, *_ = map(without_bytes, find_photos([ARCHIVES[name](tmp_path / name)]))
    os.utime(tmp_path / name, (1, 1))
    with pytest.raises(DataError, match="the archive was changed meanwhile"):
        read_bytes(first, 100)


def test_a_photo_of_a_compressed_tar_can_be_read_once_more(tmp_path):
    photos = [without_bytes(photo) for photo in find_photos([as_tar(tmp_path / "a.tgz", "w:gz")])]
    assert [read_bytes(photo, 100) for photo in photos] == list(PHOTOS.values())


def test_folders_in_folders_are_walked_however_deep(tmp_path):
    deepest = tmp_path.joinpath(*["a"] * 200)  # of more, nothing could remove them: that is recursive, too
    deepest.mkdir(parents=True)
    (deepest / "1.png").touch()
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        found = list(find_photos([tmp_path]))
    finally:
        sys.setrecursionlimit(before)
    assert found == [deepest / "1.png"]


def test_a_file_by_its_address_is_a_file(tmp_path):
    (tmp_path / "out.png").touch()
    folder = as_folder(tmp_path / "in")
    (folder / "link.png").symlink_to(tmp_path / "out.png")
    photos = list(find_photos([f"file://{folder}"]))
    assert photos == list(find_photos([folder]))
    assert isinstance(photos[-1], Unusable)


def test_a_file_whose_name_looks_like_an_address_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "img::3.png").write_bytes(b"3")
    assert [read_bytes(photo, 10) for photo in find_photos(["img::3.png"])] == [b"3"]
