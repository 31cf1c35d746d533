"""One file over HTTP from the first mirror that sends it whole and right."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http.client import IncompleteRead
from pathlib import Path
from typing import IO, Any

from digitprep.downloads.catalog import File
from digitprep.errors import DigitprepError
from digitprep.extra import extra

CHUNK_BYTES = 1 << 14
Advance = Callable[[int], object]


class Mirrors:
    """The places that have the same files. One that fails is asked last from then on."""

    def __init__(self, addresses: tuple[str, ...], timeout_seconds: float) -> None:
        self._addresses = [address.rstrip("/") + "/" for address in addresses]
        self._pooch = extra("pooch", "downloading", "download")
        self._download = self._pooch.HTTPDownloader(
            chunk_size=CHUNK_BYTES,
            timeout=timeout_seconds,
            headers={"Accept-Encoding": "identity"},
            hooks={"response": _keep_gzip},
        )
        self._timeout_seconds = timeout_seconds

    def fetch(self, file: File, path: Path, advance: Advance) -> None:
        """Write the file to `path`, which may hold anything once this has failed.

        Raises DigitprepError that names every mirror and what it answered, and OSError of the disk.
        """
        answers = []
        for address in list(self._addresses):
            failure = self._fetch_from(address + file.name, file, path, advance)
            if failure is None:
                return
            answers.append(f"{address}: {failure}")
            self._addresses.append(self._addresses.pop(self._addresses.index(address)))
        raise DigitprepError(
            f"{file.name} cannot be downloaded from any of {len(answers)} mirrors: {'; '.join(answers)}; "
            "what came whole is kept, so the same command goes on from there; try later, or name "
            "another mirror with --mirror"
        )

    def _fetch_from(self, address: str, file: File, path: Path, advance: Advance) -> str | None:
        """Why a mirror's answer is of no use, or None where the file came as it should."""
        # What a server can do wrong ends in one of these. Of the disk's errors it is none, though
        # those of requests are OSErrors as well.
        import requests
        import urllib3

        with path.open("wb") as output:
            received = _Received(output, file, advance)
            try:
                self._download(address, received, None)
                received.check_end()
            except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
                advance(-received.size)
                return self._in_words(error)
        return None

    def _in_words(self, error: Exception) -> str:
        import requests

        if isinstance(error, requests.HTTPError) and error.response is not None:
            return f"HTTP {error.response.status_code} {error.response.reason}".rstrip()
        cause: BaseException = error
        while cause.__context__ is not None:
            cause = cause.__context__
        if isinstance(error, requests.Timeout) or isinstance(cause, TimeoutError):
            return f"no answer for {self._timeout_seconds:g} s"
        if isinstance(cause, IncompleteRead):
            return "the connection ended before the file did"
        return " ".join(str(cause).split()) or type(cause).__name__


class _Received:
    """What a mirror sends on its way to the disk, refused as soon as it is more than expected."""

    def __init__(self, output: IO[bytes], file: File, advance: Advance) -> None:
        self.size = 0
        self._output, self._file, self._advance = output, file, advance
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        if self.size + len(data) > self._file.size:
            raise ValueError(f"it sends more than the {self._file.size:,} bytes expected")
        self._output.write(data)
        self._digest.update(data)
        self.size += len(data)
        self._advance(len(data))

    def flush(self) -> None:
        self._output.flush()

    def check_end(self) -> None:
        if self.size != self._file.size:
            raise ValueError(f"it sent {self.size:,} bytes, {self._file.size:,} were expected")
        if (found := self._digest.hexdigest()) != self._file.sha256:
            raise ValueError(f"it sent other bytes, as many as expected, with the SHA-256 {found}")


def _keep_gzip(response: Any, *_: Any, **__: Any) -> None:
    """Have a .gz file arrive as it is where the server calls gzip the encoding of its transfer."""
    response.raw.headers.pop("Content-Encoding", None)
