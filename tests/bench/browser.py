"""Chromium without a window, told what to do over a pipe: what a page shows, says, and asks for."""

import base64
import json
import os
import shutil
import subprocess
import time
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
TIMEOUT_S = 20


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

    def open(self, page: Path | str, *, width: int = 1200, dark: bool = False, scripts: bool = True) -> None:
        """Show a file or an address, in a window of that width, until it is all there."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        # By way of an empty page: what the old one still waited for, of a server that has gone, say, is told
        # before the new one is there, and not taken for its own.
        for address in ("about:blank", page if isinstance(page, str) else page.resolve().as_uri()):
            self._events.clear()
            self.ask("Page.navigate", url=address)
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

    def until(self, expression: str, seconds: float = TIMEOUT_S):
        """What an expression gives on the page as soon as that is true."""
        end = time.monotonic() + seconds
        while not (found := self.value(expression)):
            assert time.monotonic() < end, f"not within {seconds} s: {expression}"
            time.sleep(0.02)
        return found

    def click(self, selector: str) -> None:
        """Click on an element, in its middle, as a mouse does."""
        self.drag([self.middle(selector)])

    def middle(self, selector: str) -> tuple[float, float]:
        """Where the middle of an element is, once it has been scrolled to."""
        found = self.value(
            f"""(() => {{
                const found = document.querySelector({json.dumps(selector)});
                found.scrollIntoView({{ block: "center", behavior: "instant" }});
                const {{ x, y, width, height }} = found.getBoundingClientRect();
                return [x + width / 2, y + height / 2];
            }})()"""
        )
        return found[0], found[1]

    def drag(self, places: list[tuple[float, float]]) -> None:
        """Press the mouse at the first place, move it over the others, and let it go at the last."""
        for number, (x, y) in enumerate(places):
            kind = "mousePressed" if number == 0 else "mouseMoved"
            self._mouse(kind, x, y)
        self._mouse("mouseReleased", *places[-1])

    def press(self, key: str, *, control: bool = False) -> None:
        """Press a key by its name, such as "7" or "Enter"."""
        text = {} if control or len(key) > 1 else {"text": key}
        text = {"text": "\r"} if key == "Enter" else text
        code = {"Enter": 13, "Tab": 9, "Escape": 27}.get(key, ord(key.upper()[0]))
        event = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 2 * control}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **event, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **event)

    def give_files(self, selector: str, files: list[Path]) -> None:
        """Choose files in an input, as a person does in the dialog that it opens."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def _mouse(self, kind: str, x: float, y: float) -> None:
        button = {"button": "left", "buttons": 0 if kind == "mouseReleased" else 1, "clickCount": 1}
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

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
