"""Chromium without a window, told what to do over a pipe: what a page shows, says, and asks for."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",  # it may run as root, and opens nothing but our own pages
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-pipe",
)
TIMEOUT_S = 60


def program() -> str | None:
    """Where Chromium is, under the names that it has."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One browser; `open` shows a page in it. Speaks the DevTools protocol: JSON, a 0 after each message."""

    def __init__(self, profile: Path) -> None:
        assert program(), "no browser: apt-get install chromium"
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def as_three_and_four() -> None:  # where the browser expects the pipe
            received, sent = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(received, 3)
            os.dup2(sent, 4)

        self._process = subprocess.Popen(
            [program(), *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=as_three_and_four,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._received, self._number, self._session = b"", 0, None
        self._events = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(TIMEOUT_S)
        os.close(self._in)
        os.close(self._out)

    def open(self, page: Path, *, width: int = 1200, dark: bool = False, scripts: bool = True) -> None:
        """Show a page, in a window of that width, until it is all there."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._events.clear()
        self.ask("Page.navigate", url=page.resolve().as_uri())
        while not self._told("Page.loadEventFired"):
            self._events.append(self._next())

    @property
    def requests(self) -> list[str]:
        """The addresses that the page asked for since it was opened, itself first."""
        return [event["params"]["request"]["url"] for event in self._told("Network.requestWillBeSent")]

    @property
    def complaints(self) -> list[str]:
        """What stands on the console since the page was opened, and errors of scripts."""
        self.value("document.readyState")  # by now all that was said has been received
        names = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        return [json.dumps(event["params"]) for name in names for event in self._told(name)]

    def value(self, expression: str):
        """What an expression gives on the page; a promise is waited for."""
        told = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def picture(self, *, whole: bool = False) -> bytes:
        """The window, or the whole page, as PNG."""
        told = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(told["data"])

    def ask(self, method: str, **params):
        """Send a command and wait for its answer; what else is told meanwhile is kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told["error"]
                return told["result"]
            self._events.append(told)

    def _told(self, method: str) -> list[dict]:
        return [event for event in self._events if event.get("method") == method]

    def _next(self) -> dict:
        while b"\0" not in self._received:
            piece = os.read(self._in, 1 << 20)
            assert piece, "the browser ended"
            self._received += piece
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)
