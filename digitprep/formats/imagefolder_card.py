"""The card of a Hugging Face dataset, README.md: its splits, its columns, and the names of its classes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from digitprep.errors import DataError
from digitprep.formats.base import reading
from digitprep.formats.class_names import ClassNames

CARD = "README.md"
MOST_CLASSES = 1000  # of which the card tells the names where they are just numbers
NAMES = re.compile(r"class_label:\s*\n\s+names:\s*\n((?:\s+'?\d+'?: .*(?:\n|$))+)")


def write_card(path: Path, folders: list[str], names: ClassNames, largest: int) -> None:
    """Write the card of a folder with these folders of splits; `largest` is the largest label, or -1."""
    told = ["---", "configs:", "- config_name: default", "  data_files:"]
    for folder in folders:
        told += [f"  - split: {folder}", f"    path: {folder}/**"]
    told += ["  features:", "  - name: image", "    dtype: image"]
    if names is None and 0 <= largest < MOST_CLASSES:
        names = tuple(str(number) for number in range(max(10, largest + 1)))
    if names is not None:
        told += ["  - name: label", "    dtype:", "      class_label:", "        names:"]
        told += [f"          '{index}': {json.dumps(name)}" for index, name in enumerate(names)]
    elif largest >= 0:
        told += ["  - name: label", "    dtype: int64"]
    (path / CARD).write_text("\n".join([*told, "---", ""]), "ascii", newline="\n")


def card_class_names(path: Path) -> ClassNames:
    """The names that a folder's card gives to the classes; None where it gives none, or just numbers."""
    file = path / CARD
    if not file.is_file():
        return None
    with reading(file):
        head = re.match(r"\s*---\n(.*?)\n---", file.read_bytes().decode("utf-8", "replace"), re.DOTALL)
    found = NAMES.search(head[1] + "\n") if head else None
    if not found:
        return None
    lines = [line.strip().partition(": ") for line in found[1].splitlines()]
    names = tuple(_unquoted(value, file) for _, _, value in lines)
    numbers = tuple(str(number) for number in range(len(names)))
    if tuple(key.strip("'") for key, _, _ in lines) != numbers:
        raise DataError.of(
            file, "class_label", expected="names of the classes 0, 1, ... in order", found=found[1]
        )
    return None if names == numbers else names


def _unquoted(text: str, file: Path) -> str:
    """A YAML scalar of one line as the text that it stands for."""
    if text[:1] != '"':
        return text[1:-1].replace("''", "'") if text[:1] == "'" else text
    try:
        value: Any = json.loads(text)
    except ValueError as error:
        raise DataError.of(file, "class_label", expected="a name in quotes", found=text) from error
    return str(value)
