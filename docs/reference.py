"""The folder `reference/`, written at the start of each build."""

from __future__ import annotations

from pathlib import Path

import commands
import names
import registries

FOLDER = Path(__file__).resolve().parent / "reference"


def all_pages() -> dict[str, str]:
    """The text of each page by its name."""
    return commands.pages() | registries.pages() | names.pages()


def write_reference(app: object) -> None:  # noqa: ARG001 - Sphinx gives it
    """Write each page whose text has changed, and remove those that are no more."""
    pages = all_pages()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.rst"):
        if old.stem not in pages:
            old.unlink()
    for name, text in pages.items():
        file = FOLDER / f"{name}.rst"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
