"""Links that leave this folder, as they work where the repository is browsed, made to work in the HTML too.

The pages beside this folder become pages in `readme/`; other files are downloads, and pictures pictures.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
BESIDE = {file: DOCS / "readme" / file.name for file in sorted(ROOT.glob("*.md"))}
LINK = re.compile(r"(?P<is_picture>!?)\[(?P<text>[^\]]*)\]\((?P<file>[^)\s#:]+)(?P<place>#[^)\s]*)?\)")


def write_pages_beside(app: object) -> None:  # noqa: ARG001 - Sphinx gives it
    """Write a page for each that is beside this folder."""
    for file, page in BESIDE.items():
        page.parent.mkdir(exist_ok=True)
        page.write_text(adapted(file.read_text(encoding="utf-8"), ROOT, page.parent), encoding="utf-8")


def adapt_page(app: object, name: str, source: list[str]) -> None:  # noqa: ARG001
    """Sphinx's hook for the source of each page."""
    folder = (DOCS / name).parent
    if folder.name != "readme":
        source[0] = adapted(source[0], folder, folder)


def adapted(text: str, folder: Path, page_folder: Path) -> str:
    """A text of that folder, with links for a page in another one."""

    def link(found: re.Match[str]) -> str:
        file = Path(os.path.normpath(folder / found["file"]))
        file = BESIDE.get(file, file)
        scheme = "" if found["is_picture"] or file.is_relative_to(DOCS) else "path:"
        target = Path(os.path.relpath(file, page_folder)).as_posix()
        return f"{found['is_picture']}[{found['text']}]({scheme}{target}{found['place'] or ''})"

    return LINK.sub(link, text)
