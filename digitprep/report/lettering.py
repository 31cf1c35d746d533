r"""Text in pictures: in a font that has its letters, with escapes for those that none has, and as fits.

The font that Pillow brings has little more than ASCII. Where a text needs more, the fonts of the system and
matplotlib's are looked through, once a set of letters; what no font has is written as \u6570, as an empty
box would say nothing. Writing from right to left needs Pillow's Raqm; without it such letters are escaped.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageDraw, ImageFont, features

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

FOLDERS = {
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": (r"C:\Windows\Fonts",),
}.get(sys.platform, ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"))
SUFFIXES = (".ttf", ".otf", ".ttc")
MOST_FONTS = 500  # that are looked through
# Words in the names of fonts that are not the plain one of their family.
FANCY = ("bold", "italic", "oblique", "mono", "serif", "condensed", "light", "thin", "black", "medium")
PLACEHOLDERS = ("lastresort", "blank")  # fonts that draw the same for whole scripts
NO_LETTER = "\U0010ffff"  # no font has it, so it shows what a font draws for letters that it lacks


def write(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, colour: str, size_px: int = 13
) -> None:
    """Draw one line of text, its top left corner at a place."""
    shown, face = _lettered(text, size_px)
    draw.text(place, shown, colour, face)


def width_px(text: str, size_px: int = 13) -> float:
    """How wide a line of text is when it is drawn."""
    shown, face = _lettered(text, size_px)
    return face.getlength(shown)


def shortened(text: str, most_px: float, size_px: int = 13) -> str:
    """As much of both ends of a line of text as fits, its escapes in place: names often differ at the end."""
    text, face = _lettered(" ".join(text.split()), size_px)
    if face.getlength(text) <= most_px:
        return text
    fits = bisect_right(range(len(text)), most_px, key=lambda kept: face.getlength(_ends(text, kept)))
    return _ends(text, max(fits - 1, 0))


def _ends(text: str, kept: int) -> str:
    """So many letters of a text, half of them from each end."""
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


@lru_cache(4096)
def _lettered(text: str, size_px: int) -> tuple[str, Font]:
    """The text as it can be drawn, and the font to draw it in."""
    plain, letters = _plain(size_px), frozenset(text)
    needed = frozenset(filter(_is_drawable, letters))
    face = plain if _has(plain, needed) else _found(needed, size_px) or plain
    if needed == letters and _has(face, letters):
        return text, face
    shown = [letter if letter in needed and _has(face, {letter}) else ascii(letter)[1:-1] for letter in text]
    return "".join(shown), face


def _is_drawable(letter: str) -> bool:
    """Whether a font can be asked for a letter, and drawing it would put it in its place."""
    right_to_left = unicodedata.bidirectional(letter) in ("R", "AL")
    return letter.isprintable() and not (right_to_left and not features.check("raqm"))


def _has(face: Font, letters: set[str] | frozenset[str]) -> bool:
    """Whether a font has all the letters."""
    lacking = _drawn(face, NO_LETTER)
    return all(letter == " " or _drawn(face, letter) != lacking for letter in letters)


@lru_cache(65536)
def _drawn(face: Font, letter: str) -> bytes:
    mask = face.getmask(letter)
    return repr(mask.size).encode() + bytes(mask)


@lru_cache(256)
def _found(letters: frozenset[str], size_px: int) -> Font | None:
    """The first font of the system that has all the letters, or as many as any."""
    best, most = None, 0
    for file in font_files():
        try:
            face = ImageFont.truetype(file, size_px)
            count = sum(_has(face, {letter}) for letter in letters)
        except (OSError, ValueError):  # a font that cannot be read
            continue
        if count > most:
            best, most = face, count
        if count == len(letters):
            break
    return best


def font_file(letters: frozenset[str]) -> str | None:
    """The file of the first font of the system that has all the letters, or as many as any."""
    face = _found(letters, 13)
    return face.path if isinstance(face, ImageFont.FreeTypeFont) and isinstance(face.path, str) else None


@cache
def font_files() -> tuple[str, ...]:
    """The fonts of the system, plain ones first, and those that matplotlib brings where it is installed."""
    folders = [*map(Path, FOLDERS)]
    matplotlib = find_spec("matplotlib")  # not imported, only looked up
    if matplotlib and matplotlib.origin:
        folders.append(Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf")
    found = [file for folder in folders for file in _fonts_in(folder)]
    return tuple(sorted(found, key=_fanciness)[:MOST_FONTS])


def _fonts_in(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder.expanduser()):
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not any(word in name.lower() for word in PLACEHOLDERS):
                yield str(Path(place, name))


def _fanciness(file: str) -> int:
    name = Path(file).stem.lower()
    return sum(word in name for word in FANCY)


@cache
def _plain(size_px: int) -> Font:
    """The font that Pillow brings."""
    return ImageFont.load_default(size=size_px)
