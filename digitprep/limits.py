"""How much one photo may take, which a person can raise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a photo may be at most: the bytes of its file, and the pixels that its header tells.

    Both are asked for before anything is decoded. The largest cameras' photos have 150 million pixels.
    """

    bytes: int = 200_000_000
    pixels: int = 150_000_000


LIMITS = Limits()
