"""The workbench as its user starts it, and what it answers."""

import csv
import http.client
import json
import signal
import time
from importlib import import_module
from urllib.parse import quote, urlsplit

from forked import Forked
from places import PHOTOS

TIMEOUT_SECONDS = 120
LABELS = {row["file"]: int(row["label"]) for row in csv.DictReader((PHOTOS / "labels.csv").open())}
FILES = [PHOTOS / name for name in LABELS]


def change(module, name, value):
    """Put something in the place of what a module has under a name."""
    setattr(import_module(module), name, value)


class Served:
    """`digitprep serve` on a project, in a process of its own."""

    def __init__(self, project, *options, setting=None):
        """setting: a module, a name in it, and what it is to be there."""
        self.project, self.options = project, options
        self.before = setting and (change, *setting)
        self.errors = project.with_name(f"{project.name}-stderr.txt")
        self.start()

    def start(self):
        """Start it, or start it again."""
        self.process = Forked(["serve", self.project, *self.options], errors=self.errors, before=self.before)
        self.address = self.process.stdout.readline().strip()
        assert self.address, self.said()
        parts = urlsplit(self.address)
        self.host, self.port, self.token = parts.hostname, parts.port, parts.path.strip("/")

    def kill(self):
        """End it as a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.close()

    def close(self):
        """End it as its user does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(TIMEOUT_SECONDS)
        self.process.close()
        return code

    def said(self):
        """What it has said on stderr."""
        return self.errors.read_text()

    def ask(self, method, path, body=None, *, headers=None, whole=False):
        """The status of an answer, and what it holds: JSON as Python, the rest as bytes.

        whole: whether `path` is the whole one, token and all
        """
        line = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_SECONDS)
        sent = {} if headers is None else dict(headers)
        if isinstance(body, dict | list):
            body, sent = json.dumps(body).encode(), {"Content-Type": "application/json", **sent}
        try:
            line.request(method, path if whole else f"/{self.token}/{path}", body, sent)
            answer = line.getresponse()
            content = answer.read()
            self.answer_headers = dict(answer.getheaders())
            is_json = answer.getheader("content-type", "").startswith("application/json")
            return answer.status, json.loads(content) if is_json else content
        finally:
            line.close()

    def done(self, method, path, body=None):
        """What an answer holds that has to be a good one."""
        status, content = self.ask(method, path, body)
        assert status in (200, 201), (status, content)
        return content

    def bring(self, file, name=None):
        """Bring a photo; what the server says of it."""
        return self.bring_bytes(name or file.name, file.read_bytes())

    def bring_bytes(self, name, data):
        """Bring the bytes of a photo; status and answer."""
        kind = {"Content-Type": "application/octet-stream"}
        return self.ask("POST", f"api/photos?name={quote(name, safe='')}", data, headers=kind)

    def whole(self):
        """The project as a window gets it."""
        return self.done("GET", "api/project")

    def seen(self):
        """The same, once every photo has been looked at."""
        until = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < until:
            if not (found := self.whole())["waiting"]:
                return found
            time.sleep(0.05)
        raise AssertionError("not all photos have been looked at")
