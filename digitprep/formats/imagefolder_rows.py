"""The rows of Hugging Face's metadata.jsonl and metadata.csv: which image has which label."""

from __future__ import annotations

from pathlib import Path

from digitprep.formats.base import entries

METADATA = ("metadata.jsonl", "metadata.csv")


def metadata_files(path: Path) -> list[Path]:
    """The metadata in a folder and right in the folders inside it."""
    folders = [path, *(path / name for name in entries(path) if (path / name).is_dir())]
    return [folder / name for folder in folders for name in METADATA if (folder / name).is_file()]
