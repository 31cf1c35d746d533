"""What stands beside a cleaned dataset: photos before and after, where each came from, what to doubt."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from digitprep.batch import Cleaned
from digitprep.conformance import check, checkable
from digitprep.errors import UsageError
from digitprep.place import check_destination, place, writing
from digitprep.report.lists import Copies, CsvRows
from digitprep.report.photos import PhotoPage
from digitprep.report.sheet import Cell, contact_sheet

SHEET_PHOTOS = 200
THUMBNAIL_PX = 192
SHEET = ".sheet.png"
REJECTED = "rejected"
PHOTO_COLUMNS = ("index", "split", "file", "label", "x", "y", "width", "height")
REASON_COLUMNS = ("file", "reason")


class CleaningReport:
    """Hears of every photo that is cleaned for a dataset, and writes up to five files beside it.

    What it hears waits on the disk, so that it takes no more memory for a million photos than for a thousand.

    DST.sheet.png shows the first 200 photos before and after; DST.photos.csv says for each image of the
    split which photo it is from, its label, and the digit's box in the upright photo. DST.rejected.csv
    names each photo that could not be used, with the reason; DST.doubtful.csv each that was used although
    it may not show one digit, and DST.unlike.csv each whose image is not like MNIST's, a line a reason.
    `page` is where a page on all the photos goes, if anywhere, and `copies` takes those that could not be
    used.
    """

    def __init__(
        self,
        destination: Path,
        sheet: bool = True,
        overwrite: bool = False,
        split: str = "train",
        page: Path | None = None,
        copies: Copies | None = None,
    ) -> None:
        destination = destination if destination.name else destination.absolute()
        self.destination = destination
        stem = destination.name.removesuffix(".npz")
        self.photos_path = destination.with_name(f"{stem}.photos.csv")
        self.rejected_path = destination.with_name(f"{stem}.rejected.csv")
        self.doubtful_path = destination.with_name(f"{stem}.doubtful.csv")
        self.unlike_path = destination.with_name(f"{stem}.unlike.csv")
        self.sheet_path = destination.with_name(f"{stem}{SHEET}")
        self.page_path, self.page = page, None if page is None else PhotoPage()
        self.sheet = sheet
        self.overwrite = overwrite
        self.split = split
        self.like = 0
        self.photos = CsvRows(PHOTO_COLUMNS)
        self.rejected = CsvRows(REASON_COLUMNS)
        self.doubtful = CsvRows(REASON_COLUMNS)
        self.unlike = CsvRows(REASON_COLUMNS)
        self.copies = copies
        self.columns: list[tuple[Cell, Cell]] = []

    @property
    def accepted(self) -> int:
        """How many photos gave an image."""
        return len(self.photos)

    @property
    def paths(self) -> list[Path]:
        """The files that may be written."""
        lists = [self.photos_path, self.rejected_path, self.doubtful_path, self.unlike_path]
        pictures = [self.sheet_path] if self.sheet else []
        return [*lists, *pictures, *([self.page_path] if self.page_path else [])]

    @property
    def remarks(self) -> str:
        """How many of the images are like MNIST's, where they have its size, and how many are doubtful."""
        text = ", all like MNIST's" if self.like else ""
        if len(self.unlike):
            text = f", {self.like:,} of them like MNIST's; {self.unlike_path} says what the others lack"
        if len(self.doubtful):
            text += f"; {len(self.doubtful):,} doubtful, {self.doubtful_path} says why"
        return text

    def add(self, cleaned: Cleaned) -> None:
        """Count a photo, and show it on the page, and on the sheet while there is room."""
        unlike = self._unlike(cleaned)
        remark = self._judge(cleaned, unlike)
        if self.page:
            self.page.add(cleaned, unlike)
        if self.sheet and len(self.columns) < SHEET_PHOTOS:
            label = "" if cleaned.label is None or remark == REJECTED else str(cleaned.label)
            image = None if remark == REJECTED else cleaned.image
            after = Cell(image, f"{label} {remark}".strip(), good=False if remark else None)
            self.columns.append((Cell(cleaned.thumbnail, cleaned.photo.name), after))

    def _unlike(self, cleaned: Cleaned) -> Sequence[str]:
        """In what an image of MNIST's size is unlike MNIST's."""
        if cleaned.image is None or not checkable(cleaned.image[None]):
            return ()
        reasons = check(cleaned.image).reasons
        self.like += not reasons
        return reasons

    def _judge(self, cleaned: Cleaned, unlike: Sequence[str]) -> str:
        """List a photo under what became of it; what the sheet remarks on it, "" where all is well."""
        if cleaned.reason is not None or cleaned.image is None:
            self.rejected.add(cleaned.photo, cleaned.reason or "")
            if self.copies:
                self.copies.add(cleaned.photo)
            return REJECTED
        box = cleaned.box or (None,) * 4
        self.photos.add(self.accepted, self.split, cleaned.photo, cleaned.label, *box)
        if cleaned.doubt:
            self.doubtful.add(cleaned.photo, cleaned.doubt)
        for reason in unlike:
            self.unlike.add(cleaned.photo, reason)
        return "doubtful" if cleaned.doubt else "unlike MNIST" if unlike else ""

    def check(self) -> None:
        """Raise, before any work, UsageError or DigitprepError where the files must or can not be written."""
        if len({os.path.realpath(path) for path in (self.destination, *self.paths)}) <= len(self.paths):
            raise UsageError(f"{self.destination} and what stands beside it need names of their own")
        for path in self.paths:
            check_destination(path, self.overwrite)
        if self.copies:
            self.copies.check()

    def write(self, facts: Mapping[str, str] | None = None) -> None:
        """Write the files; a list of an earlier run goes where nothing is left to be in it.

        DST.photos.csv stays where no photo gave an image: it speaks of the dataset, which stays, too.
        `facts` on how it was cleaned stand on the page.

        Raises as `check` does.
        """
        if self.columns:
            place(self.sheet_path, self._write_sheet, overwrite=self.overwrite)
        if self.page and self.page_path:
            title = f"Photos cleaned for {self.destination.name}"
            write_page = partial(self.page.write, title=title, facts=facts or {})
            place(self.page_path, write_page, overwrite=self.overwrite)
        lists = {
            self.photos_path: self.photos,
            self.rejected_path: self.rejected,
            self.doubtful_path: self.doubtful,
            self.unlike_path: self.unlike,
        }
        for path, rows in lists.items():
            if len(rows):
                place(path, rows.write, overwrite=self.overwrite)
            elif self.overwrite and path != self.photos_path:
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
