"""Downloading, from a server on this machine that does what servers do. Nothing here leaves loopback."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import re
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pytest
from places import DATA, needs_data

import digitprep as dp
from digitprep.downloads import Download, download
from digitprep.downloads.catalog import SOURCES, File, Source
from digitprep.errors import DigitprepError, UsageError
from digitprep.formats.idx_names import parse_name

MNIST_NAMES = [file.name for file in SOURCES["mnist"].files]
SILENT_SECONDS = 0.4
EMPTY_ZIP = b"PK\5\6" + bytes(18)


class Server(ThreadingHTTPServer):
    """Sends `files` by name; the folder in the address says how well it behaves: /good/, /cut/, ..."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.closing = threading.Event()

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what several of the tests are about."""

    def mirror(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{behaviour}/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        _, behaviour, name = urlparse(self.path).path.split("/")
        self.server.asked[behaviour] += 1
        body = self.server.files.get(name)
        if body is None:
            self.send_error(404)
            return
        getattr(self, "do_" + behaviour)(name, body)

    def send(self, body: bytes, length: str | None, **headers: str) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", length)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_good(self, _: str, body: bytes) -> None:
        self.send(body, str(len(body)))

    def do_error(self, _: str, __: bytes) -> None:
        self.send_error(500)

    def do_cut(self, _: str, body: bytes) -> None:
        self.send(body[: len(body) // 2], str(len(body)))

    def do_cut_unsaid(self, _: str, body: bytes) -> None:
        self.send(body[: len(body) // 2], None)

    def do_long(self, _: str, body: bytes) -> None:
        self.send(body + b"more", str(len(body) + 4))

    def do_endless(self, _: str, body: bytes) -> None:
        self.send(body, None)
        while not self.server.closing.is_set():
            self.wfile.write(bytes(1 << 16))

    def do_mute(self, _: str, __: bytes) -> None:
        self.server.closing.wait()

    def do_stall(self, _: str, body: bytes) -> None:
        self.send(body[: len(body) // 2], str(len(body)))
        self.server.closing.wait()

    def do_lie(self, _: str, body: bytes) -> None:
        self.send(bytes(byte ^ 1 for byte in body), str(len(body)))

    def do_page(self, _: str, __: bytes) -> None:
        self.send(b"<html>moved</html>", "18", Content_Type="text/html")

    def do_nonsense(self, _: str, __: bytes) -> None:
        self.wfile.write(b"\x00\x01 no HTTP at all\r\n\r\n")

    def do_length(self, _: str, body: bytes) -> None:
        self.send(body[:3], "much")

    def do_encoded(self, _: str, body: bytes) -> None:
        self.send(body, str(len(body)), Content_Encoding="gzip")

    def do_moved(self, name: str, _: bytes) -> None:
        self.redirect(f"/good/{name}")

    def do_loop(self, name: str, _: bytes) -> None:
        self.redirect(f"/loop/{name}")

    def do_away(self, _: str, __: bytes) -> None:
        self.redirect("file:///etc/hostname")

    def redirect(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def server(monkeypatch):
    """A server for a test, asked directly whatever proxy the machine has."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=lambda: running.serve_forever(poll_interval=0.01))
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def tiny(server, tmp_path):
    """A dataset of MNIST's four names that the server has, as the catalog would describe it."""
    rng = np.random.default_rng(0)
    splits = [
        dp.Split(rng.integers(0, 256, (40, 28, 28), np.uint8), np.arange(40) % 10, name)
        for name in ("train", "test")
    ]
    dp.write(splits, tmp_path / "original", format="idx")
    server.files = {name: (tmp_path / "original" / name).read_bytes() for name in MNIST_NAMES}
    files = [File(name, len(body), hashlib.sha256(body).hexdigest()) for name, body in server.files.items()]
    return Source("for tests", (server.mirror("good"),), tuple(files))


def refused() -> str:
    """The address of a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_dataset_comes_whole_and_reads_at_once(server, tiny, tmp_path):
    done = download(tiny, tmp_path / "new" / "set")
    assert done == Download(tmp_path / "new" / "set", (), tuple(MNIST_NAMES))
    assert contents(done.folder) == server.files
    assert dp.fingerprint(dp.stream(done.folder)) == dp.fingerprint(dp.stream(tmp_path / "original"))


def test_a_second_run_asks_nobody_and_touches_nothing(server, tiny, tmp_path):
    download(tiny, tmp_path / "set")
    times = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "set").iterdir()}
    asked = server.asked.total()
    assert download(tiny, tmp_path / "set").kept == tuple(MNIST_NAMES)
    assert server.asked.total() == asked
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "set").iterdir()} == times


FAILURES = {
    "error": "HTTP 500 Internal Server Error",
    "cut": "the connection ended before the file did",
    "cut_unsaid": r"it sent [\d,]+ bytes, [\d,]+ were expected",
    "long": r"it sends more than the [\d,]+ bytes expected",
    "endless": r"it sends more than the [\d,]+ bytes expected",
    "mute": rf"no answer for {SILENT_SECONDS} s",
    "stall": rf"no answer for {SILENT_SECONDS} s",
    "lie": r"it sent other bytes, as many as expected, with the SHA-256 [0-9a-f]{64}",
    "page": r"it sent 18 bytes, [\d,]+ were expected",
    "nonsense": r"\S+",
    "length": r"\S+",
    "loop": r"Exceeded 30 redirects",
    "away": r"No connection adapters were found for 'file:///etc/hostname'",
    "nothing here": "HTTP 404 Not Found",
}


@pytest.mark.parametrize("behaviour", FAILURES)
def test_a_mirror_that_fails_is_named_with_its_answer_and_leaves_nothing(behaviour, server, tiny, tmp_path):
    if behaviour == "nothing here":
        server.files.clear()
        behaviour, said = "good", FAILURES[behaviour]
    else:
        said = FAILURES[behaviour]
    mirror = server.mirror(behaviour)
    with pytest.raises(DigitprepError, match=rf"{MNIST_NAMES[0]} cannot .*{mirror}: {said}") as raised:
        download(tiny, tmp_path / "set", mirrors=[mirror], timeout_seconds=SILENT_SECONDS)
    assert "urllib3" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert contents(tmp_path / "set") == {}


@pytest.mark.parametrize("behaviour", [name for name in FAILURES if name != "nothing here"])
def test_the_next_mirror_makes_up_for_one_that_fails(behaviour, server, tiny, tmp_path):
    counts: list[int] = []
    mirrors = [server.mirror(behaviour), server.mirror("good")]
    download(tiny, tmp_path / "set", mirrors=mirrors, timeout_seconds=SILENT_SECONDS, advance=counts.append)
    assert contents(tmp_path / "set") == server.files
    assert sum(counts) == sum(map(len, server.files.values())), "what failed is taken back"
    assert server.asked["good"] == 4
    requests_of_one_file = 31 if behaviour == "loop" else 1
    assert server.asked[behaviour] == requests_of_one_file, "a mirror that failed is not asked first again"


def test_every_mirror_that_was_tried_is_named(server, tiny, tmp_path):
    gone = refused()
    mirrors = [gone, server.mirror("error"), server.mirror("lie")]
    with pytest.raises(DigitprepError) as raised:
        download(tiny, tmp_path / "set", mirrors=mirrors)
    answers = rf"{gone}: \[Errno \d+\] Connection refused; .*/error/: HTTP 500 .*; .*/lie/: it sent"
    assert re.search(f"any of 3 mirrors: {answers}", str(raised.value))
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("address", ["127.0.0.1/here", "http://", "", "ftp://127.0.0.1/", "http://[::/"])
def test_an_address_that_is_none_is_an_answer_too(address, tiny, tmp_path):
    with pytest.raises(DigitprepError, match="from any of 1 mirrors"):
        download(tiny, tmp_path / "set", mirrors=[address])


@pytest.mark.parametrize("behaviour", ["moved", "encoded"])
def test_redirects_are_followed_and_gzip_files_stay_gzipped(behaviour, server, tiny, tmp_path):
    download(tiny, tmp_path / "set", mirrors=[server.mirror(behaviour)])
    assert contents(tmp_path / "set") == server.files


def test_only_missing_files_are_fetched(server, tiny, tmp_path):
    lost = server.files.pop(MNIST_NAMES[2])
    with pytest.raises(DigitprepError, match=MNIST_NAMES[2]):
        download(tiny, tmp_path / "set")
    assert set(contents(tmp_path / "set")) == set(MNIST_NAMES[:2])
    server.files[MNIST_NAMES[2]] = lost
    done = download(tiny, tmp_path / "set")
    assert (done.kept, done.fetched) == (tuple(MNIST_NAMES[:2]), tuple(MNIST_NAMES[2:]))
    assert contents(tmp_path / "set") == server.files


@pytest.mark.parametrize("damage", [lambda body: body[:-1], lambda body: body[:-1] + b"?", lambda _: b""])
def test_a_wrong_file_stays_unless_it_is_to_be_replaced(damage, server, tiny, tmp_path):
    download(tiny, tmp_path / "set")
    path = tmp_path / "set" / MNIST_NAMES[1]
    path.write_bytes(damage(server.files[path.name]))
    wrong, asked = path.read_bytes(), server.asked.total()
    with pytest.raises(UsageError, match=rf"{path.name} is there, but is another file.*--overwrite"):
        download(tiny, tmp_path / "set")
    assert (path.read_bytes(), server.asked.total()) == (wrong, asked)
    with pytest.raises(DigitprepError):
        download(tiny, tmp_path / "set", overwrite=True, mirrors=[server.mirror("error")])
    assert path.read_bytes() == wrong, "the old file stays until the new one is there"
    assert download(tiny, tmp_path / "set", overwrite=True).fetched == (path.name,)
    assert contents(tmp_path / "set") == server.files


def test_a_folder_of_another_dataset_is_refused_before_anything_is_fetched(server, tiny, tmp_path):
    dp.write_idx(tmp_path / "qmnist-train-images-idx3-ubyte", np.zeros((1, 2, 2), np.uint8))
    with pytest.raises(UsageError, match="holds another dataset, as qmnist-train"):
        download(tiny, tmp_path)
    assert not server.asked


def test_a_folder_that_cannot_be_is_said_before_the_disk_is_touched(tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DigitprepError, match=r"file/.* cannot be"):
        download(tiny, tmp_path / "file")


def test_a_run_that_is_killed_leaves_no_file_under_its_name_and_the_next_goes_on(server, tiny, tmp_path):
    code = (
        "import sys; from digitprep.downloads import download; from digitprep.downloads.catalog import *\n"
        f"download({tiny!r}, 'set', mirrors=[{server.mirror('stall')!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) as process:
        for _ in range(600):
            if any((tmp_path / "set").glob(".digitprep-*/*")):
                break
            time.sleep(0.05)
        else:
            process.kill()
            pytest.fail("the download did not begin")
        process.kill()
    assert not (tmp_path / "set" / MNIST_NAMES[0]).exists()
    assert download(tiny, tmp_path / "set").fetched == tuple(MNIST_NAMES)
    assert len(dp.read(tmp_path / "set")["train"]) == 40


@pytest.fixture
def zipped(server, tiny):
    """The same as one zip, as EMNIST comes, with a member that must not be followed out of it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../outside", b"")
        for file in tiny.files:
            name = file.name.replace("t10k", "test")
            archive.writestr(f"gzip/emnist-digits-{name}", server.files[file.name])
    body = packed.getvalue()
    server.files = {"gzip.zip": body}
    file = File("gzip.zip", len(body), hashlib.sha256(body).hexdigest())
    known = SOURCES["emnist"]
    return Source(known.summary, (server.mirror("good"),), (file,), known.members, known.checksums)


def test_of_a_zip_the_members_are_kept_and_known_again(server, zipped, tmp_path):
    done = download(zipped, tmp_path / "set")
    names = {member.rpartition("/")[2] for member in zipped.members}
    assert set(contents(tmp_path / "set")) == names | {"emnist-digits.sha256"}
    assert not (tmp_path / "outside").exists()
    upright = dp.read(tmp_path / "original")["test"].images.swapaxes(1, 2)
    np.testing.assert_array_equal(dp.read(tmp_path / "set")["test"].images, upright)
    assert download(zipped, tmp_path / "set") == Download(tmp_path / "set", done.fetched, ())
    assert server.asked.total() == 1


def test_a_member_that_is_missing_or_wrong_is_made_good(zipped, tmp_path):
    download(zipped, tmp_path / "set")
    before = contents(tmp_path / "set")
    lost, wrong = (tmp_path / "set" / zipped.members[index].rpartition("/")[2] for index in (0, 3))
    lost.unlink()
    assert download(zipped, tmp_path / "set").fetched == (lost.name,)
    wrong.write_bytes(b"mine")
    with pytest.raises(UsageError, match=f"{wrong.name} is there, but is another file.*--overwrite"):
        download(zipped, tmp_path / "set")
    assert wrong.read_bytes() == b"mine"
    assert download(zipped, tmp_path / "set", overwrite=True).fetched == (wrong.name,)
    assert contents(tmp_path / "set") == before


def test_a_zip_that_lies_there_is_used_and_stays(server, zipped, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "gzip.zip").write_bytes(server.files["gzip.zip"])
    assert len(download(zipped, tmp_path / "set").fetched) == 4
    assert (tmp_path / "set" / "gzip.zip").exists()
    assert not server.asked


def test_a_zip_without_what_it_should_hold_is_named_and_nothing_stays(server, zipped, tmp_path):
    for body, said in ((b"no zip at all" * 99, "File is not a zip file"), (EMPTY_ZIP, "no item named")):
        server.files["gzip.zip"] = body
        file = File("gzip.zip", len(body), hashlib.sha256(body).hexdigest())
        with pytest.raises(dp.DataError, match=f"gzip.zip: expected a zip that holds .*{said}"):
            download(dataclasses.replace(zipped, files=(file,)), tmp_path / "set")
        assert contents(tmp_path / "set") == {}


def test_an_unknown_dataset_is_refused_with_those_that_there_are(tmp_path):
    with pytest.raises(UsageError, match=r"no dataset is named 'minst'; known: mnist, fashion, kmnist"):
        dp.download("minst", tmp_path)


@pytest.mark.parametrize("name", SOURCES)
def test_the_catalog_is_sound(name):
    known = SOURCES[name]
    assert known.summary
    assert len(set(known.files)) == len(known.files) > 0
    for file in known.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.size > 1000
    for name in known.members or [file.name for file in known.files]:
        assert parse_name(name.rpartition("/")[2])
    assert bool(known.members) == bool(known.checksums)
    assert len(known.files) == 1 or not known.members
    for mirror in known.mirrors:
        assert re.fullmatch(r"https?://[^?#]+/", mirror)


def test_no_two_files_of_the_catalog_claim_the_same_content():
    digests = [file.sha256 for known in SOURCES.values() if not known.members for file in known.files]
    assert len(set(digests)) == len(digests)


def test_the_command_says_what_went_wrong_and_exits_1(server, run):
    said = run("download", "mnist", "set", "--mirror", server.mirror("good"), "--timeout", "1", check=1)
    assert said.stderr.startswith("digitprep: train-images-idx3-ubyte.gz cannot be downloaded from any of 1")
    assert "HTTP 404" in said.stderr
    assert said.stdout == ""


@needs_data("mnist")
def test_the_command_downloads_mnist_and_info_reads_it(server, run, tmp_path):
    server.files = {name: (DATA / "mnist" / name).read_bytes() for name in MNIST_NAMES}
    mirrors = [option for name in ("lie", "good") for option in ("--mirror", server.mirror(name))]
    done = run("download", "mnist", "set", *mirrors)
    assert (done.stdout, done.stderr) == ("", "set: 4 files downloaded, 0 already there\n")
    assert run("download", "mnist", "set").stderr == "set: 0 files downloaded, 4 already there\n"
    assert "60,000 images" in run("info", "set").stdout
    (tmp_path / "set" / MNIST_NAMES[0]).write_bytes(gzip.compress(b""))
    assert "--overwrite" in run("download", "mnist", "set", check=2).stderr
