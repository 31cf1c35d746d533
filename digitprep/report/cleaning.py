"""What stands beside a cleaned dataset: photos before and after, and why some were rejected."""

from __future__ import annotations

import csv
from pathlib import Path

from digitprep.batch import Cleaned
from digitprep.report.sheet import Cell, contact_sheet

SHEET_PHOTOS = 200


class CleaningReport:
    """Hears of every photo that is cleaned for a dataset, and writes two files beside it.

    DST.sheet.png shows the first 200 photos before and after; DST.rejected.csv names each photo that
    could not be used, with the reason.
    """

    def __init__(self, destination: Path, sheet: bool = True) -> None:
        stem = destination.name.removesuffix(".npz")
        self.rejected_path = destination.with_name(f"{stem}.rejected.csv")
        self.sheet_path = destination.with_name(f"{stem}.sheet.png")
        self.thumbnail_px = 192 if sheet else 0
        self.accepted = 0
        self.rejected: list[tuple[Path, str]] = []
        self._columns: list[tuple[Cell, Cell]] = []

    @property
    def paths(self) -> list[Path]:
        """The files that may be written."""
        return [self.rejected_path, self.sheet_path] if self.thumbnail_px else [self.rejected_path]

    def add(self, cleaned: Cleaned) -> None:
        """Count a photo, and show it on the sheet while there is room."""
        if cleaned.reason is None:
            self.accepted += 1
        else:
            self.rejected.append((cleaned.photo, cleaned.reason))
        if self.thumbnail_px and len(self._columns) < SHEET_PHOTOS:
            label = "" if cleaned.label is None else str(cleaned.label)
            after = Cell(None, "rejected", good=False) if cleaned.reason else Cell(cleaned.image, label)
            self._columns.append((Cell(cleaned.thumbnail, cleaned.photo.name), after))

    def write(self) -> None:
        """Write the files; the list of rejected photos of an earlier run goes where none are left."""
        self.rejected_path.unlink(missing_ok=True)
        if self._columns:
            contact_sheet(self._columns, titles=("before", "after")).save(self.sheet_path)
        if self.rejected:
            self.rejected_path.parent.mkdir(parents=True, exist_ok=True)
            with self.rejected_path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["file", "reason"])
                writer.writerows(self.rejected)
