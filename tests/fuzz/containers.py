"""Containers whose parts can be changed one by one: opened into bytes, closed with sums that are right.

`open(data) -> parts` may raise anything where the data is no such container; `close(parts) -> data` takes
whatever became of the parts.
"""

from __future__ import annotations

import gzip
import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

PNG_START = b"\x89PNG\r\n\x1a\n"
BLOCK = 512


@dataclass(frozen=True)
class Container:
    open: Callable[[bytes], list[bytes]]
    close: Callable[[list[bytes]], bytes]


def _open_zip(data: bytes) -> list[bytes]:
    """Names and contents in turn."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [
            part for entry in archive.infolist() for part in (entry.filename.encode(), archive.read(entry))
        ]


def _close_zip(parts: list[bytes]) -> bytes:
    made = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w") as archive:
        warnings.simplefilter("ignore")  # a name that is there twice is meant
        for name, content in zip(parts[::2], parts[1::2], strict=False):
            entry = zipfile.ZipInfo(name.decode("utf-8", "replace")[:60_000])
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED if len(content) % 2 else zipfile.ZIP_STORED)
    return made.getvalue()


def _open_png(data: bytes) -> list[bytes]:
    """Chunks, each its kind and its content; image data unpacked."""
    parts, position = [], len(PNG_START)
    while position + 12 <= len(data):
        size = int.from_bytes(data[position : position + 4])
        kind, content = data[position + 4 : position + 8], data[position + 8 : position + 8 + size]
        parts.append(kind + (zlib.decompress(content) if kind == b"IDAT" else content))
        position += 12 + size
    return parts


def _close_png(parts: list[bytes]) -> bytes:
    made = [PNG_START]
    for part in parts:
        kind, content = part[:4].ljust(4, b"x"), part[4:]
        content = zlib.compress(content, 1) if kind == b"IDAT" else content
        made.append(struct.pack(">I", len(content)) + kind + content)
        made.append(struct.pack(">I", zlib.crc32(kind + content)))
    return b"".join(made)


def _open_tar(data: bytes) -> list[bytes]:
    """Headers and contents in turn."""
    parts, position = [], 0
    while position + BLOCK <= len(data) and data[position : position + BLOCK].strip(b"\0"):
        header = data[position : position + BLOCK]
        size = int(header[124:136].strip(b"\0 "), 8)
        parts += [header, data[position + BLOCK : position + BLOCK + size]]
        position += BLOCK + -(-size // BLOCK) * BLOCK
    return parts


def _close_tar(parts: list[bytes]) -> bytes:
    """Sums are right, and sizes too, unless a header was damaged where it tells of one."""
    made = []
    for header, content in zip(parts[::2], parts[1::2], strict=False):
        block = bytearray(header[:BLOCK].ljust(BLOCK, b"\0"))
        if block[124:136].strip(b"\0 ").isdigit():
            block[124:136] = b"%011o\0" % len(content)
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % (sum(block) % 8**6)
        made.append(bytes(block) + content + bytes(-len(content) % BLOCK))
    return b"".join(made) + bytes(2 * BLOCK)


def _open_headed(data: bytes) -> list[bytes]:
    """A text, whose length stands before it in 8 bytes, and the rest, as in safetensors."""
    size = int.from_bytes(data[:8], "little")
    return [data[8 : 8 + size], data[8 + size :]]


def _close_headed(parts: list[bytes]) -> bytes:
    head, rest = b"".join(parts[:1]), parts[1:]
    return len(head).to_bytes(8, "little") + head + b"".join(rest)


def _open_footed(data: bytes) -> list[bytes]:
    """The body and the description, whose length stands behind it, as in Parquet."""
    size = int.from_bytes(data[-8:-4], "little")
    return [data[: -8 - size], data[-8 - size : -8]]


def _close_footed(parts: list[bytes]) -> bytes:
    body, foot = parts[:-1], b"".join(parts[-1:])
    return b"".join(body) + foot + len(foot).to_bytes(4, "little") + b"PAR1"


def _open_mat(data: bytes) -> list[bytes]:
    """The header of a MAT-file, and its variables unpacked."""
    parts, position = [data[:128]], 128
    while position + 8 <= len(data):
        kind, size = struct.unpack("<II", data[position : position + 8])
        content = data[position + 8 : position + 8 + size]
        parts.append(zlib.decompress(content) if kind == 15 else data[position : position + 8] + content)
        position += 8 + size
    return parts


def _close_mat(parts: list[bytes]) -> bytes:
    head, packed = b"".join(parts[:1]), [zlib.compress(part, 1) for part in parts[1:]]
    return head + b"".join(struct.pack("<II", 15, len(part)) + part for part in packed)


ZIP = Container(_open_zip, _close_zip)
PNG = Container(_open_png, _close_png)
TAR = Container(_open_tar, _close_tar)
GZIP = Container(
    lambda data: [gzip.decompress(data)], lambda parts: gzip.compress(b"".join(parts), 1, mtime=0)
)
SAFETENSORS = Container(_open_headed, _close_headed)
PARQUET = Container(_open_footed, _close_footed)
MAT = Container(_open_mat, _close_mat)
