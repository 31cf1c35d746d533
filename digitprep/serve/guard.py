"""Who may speak to the workbench, how loud, and what a browser may do with its pages.

Only addresses that begin with the token are answered, only under the names that the server was given, and
only to its own pages: another page that is open in the same browser knows no token, is told apart by its
Origin, and cannot make a name of its own stand for this machine, as the Host is checked, too.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import logging
from collections.abc import Iterable
from typing import Any

LOG = logging.getLogger("digitprep.serve")

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
PHOTO_TYPE, JSON_TYPE = "application/octet-stream", "application/json"
MOST_JSON_BYTES = 1 << 20
LONGEST_ADDRESS = 4096


class Guard:
    """An ASGI application around another: what may not pass gets an answer of one sentence, and is logged.

    token: what every address begins with
    hosts: the names, with their ports, under which the server is reached; no others are answered, but, where
        `is_open`, any address in numbers, which no page elsewhere can make its own
    most_bytes: of a photo
    """

    def __init__(
        self, app: Any, token: str, hosts: Iterable[str], most_bytes: int, is_open: bool = False
    ) -> None:
        self.app, self.token, self.most_bytes, self.is_open = app, token, most_bytes, is_open
        self.hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal:
            status, reason = refusal
            client = (scope.get("client") or ("somebody",))[0]
            LOG.warning("refused %s %a from %s: %s", scope["method"], scope["path"][:200], client, reason)
            await _answer(send, status, reason)
            return

        async def guarded_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_headers()]
            await send(message)

        await self.app(scope, _bounded(receive, self._most(scope)), guarded_send)

    def _refusal(self, scope: Any) -> tuple[int, str] | None:
        """The status and the reason for which a request may not pass, if it may not."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "").lower()
        if host not in self.hosts and not (self.is_open and _is_in_numbers(host)):
            return 421, f"no workbench is reached as {host[:100]!a}"
        if not _same(_token_of(scope["path"]), self.token):
            return 403, "the address lacks the token; take it whole from where `digitprep serve` said it"
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            return 403, f"pages from {headers['origin'][:100]!a} have no business here"
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return 403, "other pages have no business here"
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_ADDRESS:
            return 414, f"the address is longer than {LONGEST_ADDRESS} characters"
        if scope["method"] in ("POST", "PUT", "PATCH"):
            return self._refused_body(scope, headers)
        return None

    def _refused_body(self, scope: Any, headers: dict[str, str]) -> tuple[int, str] | None:
        found, size = (
            headers.get("content-type", "").partition(";")[0].strip(),
            headers.get("content-length", "0"),
        )
        expected = PHOTO_TYPE if _is_photo(scope) else JSON_TYPE
        if found != expected and not (size == "0" and not found):
            return 415, f"expected {expected}, found {found[:100]!a}"
        if not size.isdecimal() or int(size) > self._most(scope):
            return 413, f"expected at most {self._most(scope)} bytes, found {size[:30]}"
        return None

    def _most(self, scope: Any) -> int:
        return self.most_bytes if _is_photo(scope) else MOST_JSON_BYTES


class TooLarge(Exception):
    """More comes than was said, and than may."""


def _bounded(receive: Any, most: int) -> Any:
    """`receive`, until so many bytes have come: a request in pieces does not say how large it is."""
    so_far = 0

    async def bounded() -> Any:
        nonlocal so_far
        message = await receive()
        so_far += len(message.get("body", b""))
        if so_far > most:
            raise TooLarge(f"expected at most {most} bytes, found more")
        return message

    return bounded


def _is_photo(scope: Any) -> bool:
    return scope["method"] == "POST" and str(scope["path"]).endswith("/api/photos")


def _is_in_numbers(host: str) -> bool:
    """Whether a host, with a port or without, is an address in numbers and no name."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _token_of(path: str) -> str:
    return path.removeprefix("/").partition("/")[0]


def _same(found: str, expected: str) -> bool:
    """Whether two texts are the same, in a time that does not tell how far they are."""
    return hmac.compare_digest(found.encode(), expected.encode())


def _headers() -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in HEADERS.items()]


async def _answer(send: Any, status: int, reason: str) -> None:
    body = json.dumps({"error": reason}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *_headers(),
    ]
    # What was sent with the request is not read: the connection cannot be used for another one.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
