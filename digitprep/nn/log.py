"""Logs of training: a file with a row an epoch, written while a network trains and read again."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import MISSING, asdict, fields
from os import PathLike
from pathlib import Path
from typing import Any

from digitprep.errors import DataError, UsageError
from digitprep.nn.epoch import Epoch
from digitprep.nn.store import write_whole

LOGS = (".csv", ".json", ".jsonl")

_REQUIRED = {field.name for field in fields(Epoch) if field.default is MISSING}
_WHOLE = {"number", "steps"}
_MAY_LACK = {"validation_loss", "validation_accuracy", "steps", "learning_rate"}
_CELLS: dict[str, Any] = {"": None, "True": True, "False": False}
_ADVICE = "give a file that digitprep train --log wrote"


class Log:
    """A file with a row an epoch: .csv, .json (one array) or .jsonl (an object a line).

    It is replaced as a whole after each epoch, so that it holds every epoch once, whatever happened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []

    def add(self, epoch: Epoch) -> None:
        """One more row. Raises DigitprepError where the disk refuses."""
        self.rows.append(asdict(epoch))
        write_whole(self.path, self._text(self.rows).encode())

    def continues(self, rows: list[dict[str, Any]]) -> bool:
        """Whether the file, if there, is the log of the run with these rows, and can be replaced by it."""
        if not self.path.exists():
            return True
        if not rows:
            return False
        start = self._text(rows[:1]).removesuffix("\n]\n").encode()
        return self.path.read_bytes().startswith(start)

    def _text(self, rows: list[dict[str, Any]]) -> str:
        suffix = self.path.suffix.lower()
        if suffix == ".csv":
            text = io.StringIO()
            writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            return text.getvalue()
        lines = [json.dumps(row) for row in rows]
        return "[\n" + ",\n".join(lines) + "\n]\n" if suffix == ".json" else "\n".join(lines) + "\n"


def read_log(path: str | PathLike[str]) -> list[Epoch]:
    """The epochs in a log of `digitprep train`, as its .csv, .json or .jsonl holds them.

    Raises UsageError where the name ends otherwise, DataError where the file is none or cannot be read.
    """
    file = Path(path)
    if file.suffix.lower() not in LOGS:
        raise UsageError(f"expected a log that ends in {', '.join(LOGS)}, found {file}")
    try:
        rows = _rows(file.read_text(encoding="utf-8"), file.suffix.lower())
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise DataError(f"{file}: cannot be read as a log: {error}; {_ADVICE}") from None
    if not isinstance(rows, list) or not rows:
        raise DataError.of(file, expected="a row an epoch", found="none", advice=_ADVICE)
    return [_epoch(row, f"{file}: row {number}") for number, row in enumerate(rows, start=1)]


def _rows(text: str, suffix: str) -> Any:
    if suffix == ".csv":
        rows: Any = csv.DictReader(io.StringIO(text))
        return [{name: _CELLS.get(str(cell), cell) for name, cell in row.items()} for row in rows]
    return json.loads(text) if suffix == ".json" else [json.loads(line) for line in text.splitlines()]


def _epoch(row: Any, where: str) -> Epoch:
    names = [field.name for field in fields(Epoch)]
    found = list(row) if isinstance(row, dict) else []
    if not _REQUIRED <= set(found) <= set(names):
        shown = ", ".join(map(str, found)) or type(row).__name__
        raise DataError.of(where, expected=", ".join(names), found=shown, advice=_ADVICE)
    return Epoch(**{name: _value(name, value, where) for name, value in row.items()})


def _value(name: str, value: Any, where: str) -> Any:
    """What an Epoch keeps under a name, from a row of JSON or a cell of text."""
    if value is None and name in _MAY_LACK:
        return None
    if name == "best" and isinstance(value, bool):
        return value
    try:
        if name != "best" and not isinstance(value, bool):
            return int(value) if name in _WHOLE else float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    kind = "True or False" if name == "best" else "a number"
    raise DataError.of(where, name, expected=kind, found=repr(value), advice=_ADVICE)
