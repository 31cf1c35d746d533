"""The server: where it listens, and as whom it may be reached."""

from __future__ import annotations

import logging
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitprep.errors import DigitprepError
from digitprep.extra import extra
from digitprep.limits import LIMITS, Limits

LOOPBACK = "127.0.0.1"
TOKEN_BYTES = 24

# So many requests are answered at a time; a page makes ten, and what is more is told to come again.
MOST_AT_ONCE = 128


@dataclass(frozen=True)
class Listening:
    """A socket that is bound, and the address to open."""

    socket: socket.socket
    token: str
    hosts: tuple[str, ...]

    @property
    def address(self) -> str:
        """What a person opens in a browser."""
        return f"http://{self.hosts[0]}/{self.token}/"


def listening(host: str = LOOPBACK, port: int = 0) -> Listening:
    """A socket at a port, or at one that is free, and a new token.

    Raises DigitprepError where it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise DigitprepError(
            f"cannot listen at {host}, port {port}: {error.strerror or error}; choose another --port"
        ) from error
    number = bound.getsockname()[1]
    names = [f"[{host}]" if ":" in host else host]
    names += ["localhost"] if host == LOOPBACK else []
    if host in ("0.0.0.0", "::"):
        names = [socket.gethostname(), LOOPBACK, "localhost", *_own_addresses()]
    return Listening(bound, secrets.token_urlsafe(TOKEN_BYTES), tuple(f"{name}:{number}" for name in names))


def serve(
    folder: Path, at: Listening, limits: Limits = LIMITS, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve the project in a folder until Ctrl-C; `ready` is called when it can be opened.

    Raises MissingExtra without Starlette and uvicorn, and what `Project` raises.
    """
    uvicorn = extra("uvicorn", "the workbench", "serve")
    extra("starlette", "the workbench", "serve")
    from digitprep.serve.app import application
    from digitprep.serve.project import Project
    from digitprep.serve.workbench import Workbench

    project = Project(folder)
    try:
        app = application(Workbench(project, limits), at.token, at.hosts)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=1 << 16,
        )
        with suppress(KeyboardInterrupt):  # which is how it is meant to end
            _Server(uvicorn, config, ready).run(at.socket)
    finally:
        project.close()


class _Server:
    """Uvicorn's server, which says when it can be reached."""

    def __init__(self, uvicorn: Any, config: Any, ready: Callable[[], None]) -> None:
        class Told(uvicorn.Server):  # type: ignore[misc]
            async def startup(self, sockets: Any = None) -> None:
                await super().startup(sockets=sockets)
                ready()

        self._server = Told(config)

    def run(self, bound: socket.socket) -> None:
        """Serve at a socket, until it is told to end."""
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        self._server.run(sockets=[bound])


def _own_addresses() -> list[str]:
    """The addresses that this machine has under its own name."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        return []
    return sorted({str(entry[4][0]) for entry in found})
