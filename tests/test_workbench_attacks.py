"""Whoever is not meant to be served by the workbench is refused and logged, and the server goes on."""

import contextlib
import http.client
import json
import re
import socket
import threading
import time
from pathlib import Path

import pytest
from places import PHOTOS
from png_file import png_file, rows_chunk
from workbench import Served

PHOTO = PHOTOS / "03.jpg"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    started = Served(tmp_path_factory.mktemp("projects") / "project", "--max-bytes", "3000000")
    assert started.bring(PHOTO)[0] == 201
    yield started
    assert started.close() == 0


@pytest.fixture(scope="module")
def taking(tmp_path_factory):
    """A workbench that keeps the photos of attacks, since there is no way to have it forget them."""
    started = Served(tmp_path_factory.mktemp("projects") / "project")
    yield started
    assert started.close() == 0


@pytest.fixture(autouse=True)
def alive(served):
    """After each attack the server answers, and the project is as it was."""
    before = served.seen()["photos"]
    yield
    assert served.seen()["photos"] == before


def refused(served, status, reason, *arguments, **options):
    before = served.said().count("refused")
    found, answer = served.ask(*arguments, **options)
    assert found == status, answer
    assert re.search(reason, answer["error"])
    assert served.said().count("refused") == before + 1


@pytest.mark.parametrize(
    "path", ["/", "/api/project", "//api/project", "/%00/", "/{}x/api/project", "/{:.10}/"]
)
def test_without_the_token_nothing_is_answered(served, path):
    refused(served, 403, "lacks the token", "GET", path.format(served.token), whole=True)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{}", ""]
)
def test_under_another_name_nothing_is_answered(served, host):
    headers = {"Host": host.format(served.port)}
    refused(served, 421, "no workbench is reached as", "GET", "api/project", headers=headers)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{}"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_pages_are_not_answered(served, origin, method):
    headers = {"Origin": origin.format(served.port)}
    refused(served, 403, "have no business here", method, "api/undo", headers=headers)


def test_other_pages_cannot_show_pictures_either(served):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    refused(served, 403, "have no business", "GET", "api/photos/1/picture", headers=headers)


@pytest.mark.parametrize(
    "path",
    [
        "page/../project.py",
        "page/%2e%2e/project.py",
        "page/..%2f..%2fproject.py",
        "page//etc/passwd",
        "page/%00",
        "api/photos/..%2f1/picture",
        "api/photos/-1/picture",
        "api/photos/99999999999999999999/picture",
        "api/photos/2/picture",
        "%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_no_address_leads_to_a_file(served, path):
    status, content = served.ask("GET", path)
    assert status in (400, 404)
    assert b"import" not in (content if isinstance(content, bytes) else json.dumps(content).encode())


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.jpg",
        "/etc/evil.jpg",
        "C:\\evil.jpg",
        "..",
        "\0",
        "a\r\nX: y",
        "\x1b[2J",
        "💥" * 200,
        "<img src=x>",
    ],
)
def test_no_name_of_a_photo_is_the_name_of_a_file(taking, name):
    from PIL import Image

    kept = len(list((taking.project / "photos").iterdir()))
    file = taking.project.parent / "small.png"
    Image.new("L", (30 + kept, 30), 255).save(file)
    status, photo = taking.bring(file, name)
    assert status == 201
    assert "/" not in photo["name"]
    assert photo["name"].isprintable()
    assert re.fullmatch(
        r"\d{4}\.png", sorted(path.name for path in (taking.project / "photos").iterdir())[-1]
    )
    assert not list(taking.project.parent.rglob("evil*"))
    assert [one["id"] for one in taking.seen()["photos"]][kept:] == [photo["id"]]


def test_a_body_that_is_larger_than_it_may_be_is_refused_before_it_is_read(served):
    line = socket.create_connection((served.host, served.port), 30)
    head = f"POST /{served.token}/api/photos?name=a.jpg HTTP/1.1\r\nHost: {served.host}:{served.port}\r\n"
    head += "Content-Type: application/octet-stream\r\nContent-Length: 999999999999\r\n\r\n"
    line.sendall(head.encode())
    assert b"413" in line.recv(100)
    line.close()


def test_a_body_that_does_not_say_how_large_it_is_is_cut_off(served):
    def pieces():
        for _ in range(40):
            yield b"\xff" * 100_000

    line = http.client.HTTPConnection(served.host, served.port, timeout=30)
    kind = {"Content-Type": "application/octet-stream"}
    try:
        line.request("POST", f"/{served.token}/api/photos?name=a.jpg", pieces(), kind, encode_chunked=True)
        assert line.getresponse().status == 413
    except ConnectionError:  # it did not wait for the rest
        pass
    finally:
        line.close()


def test_forms_are_no_way_in(served):
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\n\r\nx\r\n--x'  # no end
    kinds = [
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/plain",
        "application/x-www-form-urlencoded",
    ]
    for kind in kinds:
        for path in ("api/photos?name=a.jpg", "api/undo"):
            refused(served, 415, "expected application/", "POST", path, body, headers={"Content-Type": kind})


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"\xff",
        b'{"revision": "1"}',
        b'{"revision": 1e999}',
        b'{"revision": 1, "samples": {"../x": {}}}',
        b'{"revision": 1, "samples": {"": {"label": 10}}}',
        b'{"revision": 1, "samples": {"": {"box": [0, 0, 0, 1]}}}',
        b'{"revision": 1, "samples": {"": {"box": [1e9, 0, 1, 1]}}}',
        b'{"revision": 1, "samples": {"": {"__class__": 1}}}',
        b"[" * 100_000,
        b"9" * 100_000,
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_what_is_no_change_is_said(served, body):
    json_type = {"Content-Type": "application/json"}
    status, answer = served.ask("PATCH", "api/photos/1", body, headers=json_type)
    assert status in (400, 409)
    assert answer["error"]


def test_bombs_are_refused(served):
    bomb = png_file(100_000, 100_000, rows_chunk(bytes(1_000_000)))
    status, answer = served.bring_bytes("bomb.png", bomb)
    assert (status, "at most 150000000 pixels" in answer["error"]) == (422, True)


def test_a_pipeline_that_asks_for_giants_does_not_end_the_server(served):
    cards = served.whole()["pipeline"]["steps"]
    giant = {"on": True, "step": {"name": "resize", "size": 4096}}
    asked = {"key": "", "steps": [*cards[:4], giant, giant, giant]}
    status, answer = served.ask("POST", "api/photos/1/steps", asked)
    assert status in (200, 422), answer
    status, _ = served.ask("POST", "api/photos/1/steps", {"key": "", "steps": [giant] * 1000})
    assert status == 400


@pytest.mark.parametrize(
    "raw", [b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET " + b"a" * 100_000, b"\r\n" * 10]
)
def test_what_is_no_request_ends_its_connection_alone(served, raw):
    line = socket.create_connection((served.host, served.port), 30)
    line.sendall(raw)
    line.close()


def test_more_requests_than_it_takes_at_a_time_are_answered_or_refused(served):
    answers, lock = [], threading.Lock()
    request = (
        f"GET /{served.token}/api/catalog HTTP/1.1\r\nHost: {served.host}:{served.port}\r\n\r\n".encode()
    )

    def ask():
        for _ in range(10):
            try:
                with socket.create_connection((served.host, served.port), 60) as line:
                    line.sendall(request)
                    status = int((line.recv(100).split() or [0, 0])[1])
            except OSError:
                status = 0
            with lock:
                answers.append(status)

    threads = [threading.Thread(target=ask) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 2_000
    assert set(answers) <= {200, 503, 0}
    assert answers.count(200) > 0


def test_pages_may_load_nothing_from_elsewhere_and_stand_in_no_frame(served):
    served.ask("GET", "")
    policy = served.answer_headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert served.answer_headers["x-content-type-options"] == "nosniff"
    assert served.answer_headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in served.answer_headers


def test_it_listens_on_this_machine_alone(served):
    found = [
        socket.inet_ntoa(bytes.fromhex(row.split()[1].partition(":")[0])[::-1])
        for row in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if int(row.split()[1].partition(":")[2], 16) == served.port and row.split()[3] == "0A"
    ]
    assert found == ["127.0.0.1"]


def test_connections_that_ask_for_nothing_do_not_shut_others_out(tmp_path):
    started = Served(tmp_path / "project", setting=("digitprep.serve.server", "FIRST_REQUEST_SECONDS", 3))
    with contextlib.closing(started), contextlib.ExitStack() as idle:
        for _ in range(150):
            idle.enter_context(socket.create_connection((started.host, started.port), 30))
        assert started.ask("GET", "api/catalog")[0] == 503
        until = time.monotonic() + 60
        while started.ask("GET", "api/catalog")[0] != 200:
            assert time.monotonic() < until
            time.sleep(0.1)


def test_what_is_wrong_is_said_as_json_whatever_it_is(served):
    for method, path in (("GET", "api/nothing"), ("DELETE", "api/project"), ("GET", "page/nothing.js")):
        status, answer = served.ask(method, path)
        assert status in (404, 405)
        assert answer["error"]
    status, answer = served.ask("POST", "api/photos/1/steps", {"key": "\ud800"})
    assert (status, "no digit is called" in answer["error"]) == (400, True)


def test_open_to_a_network_it_answers_to_its_addresses_and_to_no_other_name(tmp_path):
    started = Served(tmp_path / "project", "--host", "0.0.0.0")
    started.host = "127.0.0.1"
    assert "other machines" in started.said()
    answers = {
        name: started.ask("GET", "api/catalog", headers={"Host": f"{name}:{started.port}"})[0]
        for name in ("192.0.2.7", "[::1]", "localhost", "LOCALHOST", "evil.example", "192.0.2.7.evil.example")
    }
    started.close()
    assert list(answers.values()) == [200, 200, 200, 200, 421, 421]


def test_only_so_many_photos_are_taken(tmp_path):
    full = Served(tmp_path / "project", setting=("digitprep.serve.project", "MOST_PHOTOS", 1))
    assert full.bring(PHOTOS / "02.jpg")[0] == 201
    status, answer = full.bring(PHOTOS / "01.jpg")
    full.close()
    assert status == 409
    assert "at most 1 photos" in answer["error"]
