"""What stands beside a cleaned dataset: photos before and after, and why some were rejected."""

from __future__ import annotations

import csv
from pathlib import Path

from digitprep.batch import Cleaned
from digitprep.place import check_destination, place, writing
from digitprep.report.sheet import Cell, contact_sheet

SHEET_PHOTOS = 200


class CleaningReport:
    """Hears of every photo that is cleaned for a dataset, and writes two files beside it.

    DST.sheet.png shows the first 200 photos before and after; DST.rejected.csv names each photo that
    could not be used, with the reason.
    """

    def __init__(self, destination: Path, sheet: bool = True, overwrite: bool = False) -> None:
        destination = destination if destination.name else destination.absolute()
        stem = destination.name.removesuffix(".npz")
        self.rejected_path = destination.with_name(f"{stem}.rejected.csv")
        self.sheet_path = destination.with_name(f"{stem}.sheet.png")
        self.thumbnail_px = 192 if sheet else 0
        self.overwrite = overwrite
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

    def check(self) -> None:
        """Raise, before any work, UsageError or DigitprepError where the files must or can not be written."""
        for path in self.paths:
            check_destination(path, self.overwrite)

    def write(self) -> None:
        """Write the files; the list of rejected photos of an earlier run goes where none are left.

        Raises as `check` does.
        """
        if self._columns:
            place(self.sheet_path, self._write_sheet, overwrite=self.overwrite)
        if self.rejected:
            place(self.rejected_path, self._write_rejected, overwrite=self.overwrite)
        elif self.overwrite:
            with writing(self.rejected_path):
                self.rejected_path.unlink(missing_ok=True)

    def _write_sheet(self, file: Path) -> None:
        contact_sheet(self._columns, titles=("before", "after")).save(file, "PNG")

    def _write_rejected(self, file: Path) -> None:
        # A name that is not UTF-8 is written as the bytes that it has on the disk.
        with file.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
            writer = csv.writer(stream)
            writer.writerow(["file", "reason"])
            writer.writerows(self.rejected)
