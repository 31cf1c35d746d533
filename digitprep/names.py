"""File names as people mean them: in natural order, without what operating systems leave behind."""

from __future__ import annotations

import re
import unicodedata

SPLITS = {"train", "val", "valid", "validation", "dev", "test"}  # what folders of splits are called
PHOTO_SUFFIXES = (
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jpe", ".jpeg", ".jpg",
    ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip
# Photos that cannot be read here: taken along, so that they are rejected aloud and not lost.
UNREADABLE_SUFFIXES = (".cr2", ".dng", ".jp2", ".jxl", ".nef")
# What Windows lets no file be called, whatever follows after a dot: these are its devices.
DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)
JUNK = {".ds_store", "thumbs.db", "desktop.ini", "__macosx"}


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """The sort key that puts 2.png before 10.png and, for equal numbers, 1.png before 01.png."""
    parts = [part for part in re.split(r"(\d+)", name) if part]
    key = [_number_key(part) if part.isdecimal() else (1, 0, part) for part in parts]
    return [*key, (-1, len(name), name)]


def _number_key(digits: str) -> tuple[int, int, str]:
    """The sort key of a number of any length, which Python's `int` would not take."""
    if not digits.isascii():
        digits = "".join(str(int(digit)) for digit in digits)
    digits = digits.lstrip("0")
    return 0, len(digits), digits


def is_junk(name: str) -> bool:
    """Whether a file is one that a file manager leaves in folders: .DS_Store, Thumbs.db, ._photo.jpg."""
    return name.lower() in JUNK or name.startswith("._")


def is_device(name: str) -> bool:
    """Whether a file of that name would be one of Windows' devices: con, NUL.png, com1."""
    return DEVICE.fullmatch(name) is not None


def composed(name: str) -> str:
    """A name with one character for each letter: macOS may give it back as a letter and its accent."""
    return unicodedata.normalize("NFC", name)


def path_inside(name: str) -> str | None:
    """A relative path as other people wrote it, with slashes; None where it would lead out of its folder.

    Windows' separators count as slashes, so its drives and its ways up are seen on every system.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part != "."]
    if ".." in parts or "" in parts or not parts or "\0" in name or re.match(r"[A-Za-z]:", parts[0]):
        return None
    return "/".join(parts)


def is_photo(name: str) -> bool:
    """Whether a file, by its name, is a photo, be it of a kind that cannot be read."""
    return name.lower().endswith(PHOTO_SUFFIXES + UNREADABLE_SUFFIXES) and not name.startswith(".")
