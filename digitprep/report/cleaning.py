"""What stands beside a cleaned dataset: photos before and after, and why some were rejected."""

from __future__ import annotations

import csv
import os
from functools import partial
from pathlib import Path

from digitprep.batch import Cleaned
from digitprep.conformance import check, checkable
from digitprep.place import check_destination, place, writing
from digitprep.report.sheet import Cell, contact_sheet

SHEET_PHOTOS = 200
SHEET = ".sheet.png"


class CleaningReport:
    """Hears of every photo that is cleaned for a dataset, and writes up to three files beside it.

    DST.sheet.png shows the first 200 photos before and after; DST.rejected.csv names each photo that
    could not be used, with the reason; DST.unlike.csv each that was used although its image is not
    like MNIST's, a line a reason.
    """

    def __init__(self, destination: Path, sheet: bool = True, overwrite: bool = False) -> None:
        destination = destination if destination.name else destination.absolute()
        stem = destination.name.removesuffix(".npz")
        self.rejected_path = destination.with_name(f"{stem}.rejected.csv")
        self.unlike_path = destination.with_name(f"{stem}.unlike.csv")
        self.sheet_path = destination.with_name(f"{stem}{SHEET}")
        self.thumbnail_px = 192 if sheet else 0
        self.overwrite = overwrite
        self.accepted = 0
        self.like = 0
        self.rejected: list[tuple[Path, str]] = []
        self.unlike: list[tuple[Path, str]] = []
        self.columns: list[tuple[Cell, Cell]] = []

    @property
    def paths(self) -> list[Path]:
        """The files that may be written."""
        return [self.rejected_path, self.unlike_path, *([self.sheet_path] if self.thumbnail_px else [])]

    def add(self, cleaned: Cleaned) -> None:
        """Count a photo, and show it on the sheet while there is room."""
        unlike = self._judge(cleaned)
        if self.thumbnail_px and len(self.columns) < SHEET_PHOTOS:
            label = "" if cleaned.label is None else str(cleaned.label)
            after = Cell(
                cleaned.image, f"{label} unlike MNIST" if unlike else label, good=False if unlike else None
            )
            after = Cell(None, "rejected", good=False) if cleaned.reason else after
            self.columns.append((Cell(cleaned.thumbnail, cleaned.photo.name), after))

    def _judge(self, cleaned: Cleaned) -> bool:
        """Count a photo under what became of it; whether it was used although it is unlike MNIST's."""
        if cleaned.reason is not None or cleaned.image is None:
            self.rejected.append((cleaned.photo, cleaned.reason or ""))
            return False
        self.accepted += 1
        if not checkable(cleaned.image[None]):
            return False
        reasons = check(cleaned.image).reasons
        self.like += not reasons
        self.unlike += [(cleaned.photo, reason) for reason in reasons]
        return bool(reasons)

    def check(self) -> None:
        """Raise, before any work, UsageError or DigitprepError where the files must or can not be written."""
        for path in self.paths:
            check_destination(path, self.overwrite)

    def write(self) -> None:
        """Write the files; a list of an earlier run goes where nothing is left to be in it.

        Raises as `check` does.
        """
        if self.columns:
            place(self.sheet_path, self._write_sheet, overwrite=self.overwrite)
        for path, photos in ((self.rejected_path, self.rejected), (self.unlike_path, self.unlike)):
            if photos:
                place(path, partial(_write_list, photos=photos), overwrite=self.overwrite)
            elif self.overwrite:
                with writing(path):
                    path.unlink(missing_ok=True)

    def _write_sheet(self, file: Path) -> None:
        contact_sheet(self.columns, titles=("before", "after")).save(file, "PNG")


def is_own_sheet(path: Path) -> bool:
    """Whether it is the sheet of a dataset that lies beside it, and so no photo of anything."""
    stem = path.name.removesuffix(SHEET)
    return stem not in ("", path.name) and any(
        os.path.exists(path.with_name(name))  # noqa: PTH110  (Path.exists raises for names that are too long)
        for name in (stem, f"{stem}.npz")
    )


def _write_list(file: Path, photos: list[tuple[Path, str]]) -> None:
    # A name that is not UTF-8 is written as the bytes that it has on the disk.
    with file.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "reason"])
        writer.writerows(photos)
