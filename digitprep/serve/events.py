"""What happens, told to every window that is open: server-sent events.

Source: HTML Living Standard, section "Server-sent events".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

MOST_WINDOWS = 32
MOST_WAITING = 5000  # events of a window that does not take them; it is let go then, and loads all anew

# After so long without an event a line is sent, so that a window that has gone is noticed.
BEAT_SECONDS = 15.0


class Events:
    """The windows that listen; `publish` tells all of them."""

    def __init__(self) -> None:
        self._windows: set[asyncio.Queue[bytes | None]] = set()

    @property
    def is_full(self) -> bool:
        """Whether as many windows listen as may."""
        return len(self._windows) >= MOST_WINDOWS

    def publish(self, name: str, value: Any) -> None:
        """Tell every window: an event of that name, with a value for JSON."""
        event = f"event: {name}\ndata: {json.dumps(value)}\n\n".encode()
        for window in [*self._windows]:
            if window.qsize() >= MOST_WAITING:
                self._windows.discard(window)
                window.put_nowait(None)
            else:
                window.put_nowait(event)

    def close(self) -> None:
        """Let all windows go."""
        for window in self._windows:
            window.put_nowait(None)

    async def stream(self) -> AsyncIterator[bytes]:
        """What a window is sent, as long as it listens."""
        window: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._windows.add(window)
        try:
            yield b"retry: 1000\n\n"
            while True:
                try:
                    event = await asyncio.wait_for(window.get(), BEAT_SECONDS)
                except TimeoutError:
                    event = b": still here\n\n"
                if event is None:
                    return
                yield event
        finally:
            self._windows.discard(window)
