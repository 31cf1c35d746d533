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

LOOPBACK, ANY = "127.0.0.1", ("0.0.0.0", "::")
TOKEN_BYTES = 24

# So many requests are answered at a time; a page makes ten, and what is more is told to come again.
MOST_AT_ONCE = 128

# How long a connection may be open before the first request on it is there.
FIRST_REQUEST_SECONDS = 10.0


@dataclass(frozen=True)
class Listening:
    """A socket that is bound, and the address to open.

    hosts: the names under which it is reached, with the port; is_open: whether any address of the machine's
        own is one, too
    """

    socket: socket.socket
    token: str
    hosts: tuple[str, ...]
    is_open: bool = False

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
    is_open = host in ANY
    names = [_own_address(), socket.gethostname(), "localhost"] if is_open else [host]
    names += ["localhost"] if host == LOOPBACK else []
    hosts = tuple(f"[{name}]:{number}" if ":" in name else f"{name}:{number}" for name in names)
    return Listening(bound, secrets.token_urlsafe(TOKEN_BYTES), hosts, is_open)


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
        app = application(Workbench(project, limits), at.token, at.hosts, at.is_open)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            http=_protocol(),
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


def _protocol() -> Any:
    """How HTTP is spoken: connections on which nobody asks for anything are closed, lest they stay."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Patient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.loop.call_later(FIRST_REQUEST_SECONDS, self._close_unasked)

        def _close_unasked(self) -> None:
            if self.cycle is None and not self.transport.is_closing():
                self.transport.close()

    return Patient


def _own_address() -> str:
    """The address that other machines of the network have for this one; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation, which nobody has
        except OSError:
            return LOOPBACK
        return str(probe.getsockname()[0])
