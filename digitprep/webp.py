"""How large a WebP picture is, from its first bytes."""

from __future__ import annotations

import struct


def webp_pixels(data: bytes) -> int:
    """How many pixels the header of a WebP file tells; 0 of what is none.

    Pillow tells none before libwebp has taken memory for all of them. After the WebP container
    specification, and RFC 6386 and RFC 9649 for the pictures in it.
    """
    if len(data) < 30 or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return 0
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X":  # flags, and each side less one in three bytes
        width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (4, 7))
    elif kind == b"VP8L":  # a signature, and each side less one in fourteen bits
        sides = int.from_bytes(body[1:5], "little")
        width, height = (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
    else:  # a frame's tag, its start code, and each side in fourteen bits, two more of which are its scale
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", body[6:10]))
    return width * height
