"""PNG files, byte by byte, whatever images they make."""

import struct
import zlib


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_file(width: int, height: int, *chunks: bytes, bits: int = 8, colours: int = 0) -> bytes:
    """A file that says so of itself, with these chunks."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def rows_chunk(rows: bytes) -> bytes:
    """The chunk that these rows make, packed."""
    return chunk(b"IDAT", zlib.compress(rows, 1))
