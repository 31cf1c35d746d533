"""The files of a cleaning: the dataset, what stands beside it, and what is kept of a run that is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitprep.cli.options import check_page
from digitprep.cli.resuming import to_the_end
from digitprep.place import check_destination, check_writable

if TYPE_CHECKING:
    from digitprep.dataset import Split
    from digitprep.limits import Limits
    from digitprep.report.cleaning import CleaningReport
    from digitprep.spool import Spool


@dataclass(frozen=True)
class CleanFiles:
    """Where a cleaning puts its dataset, of which format and with which split, and what else it makes.

    page: where the page on every photo goes
    sheet: whether there is to be a picture of photos before and after
    aside: where copies of the photos go that are rejected
    """

    output: Path
    format: str | None
    split: str
    page: Path | None
    sheet: bool
    aside: Path | None

    @property
    def thumbnail_px(self) -> int:
        """How large photos are shown; 0 where none is."""
        from digitprep.report.cleaning import THUMBNAIL_PX

        return THUMBNAIL_PX if self.sheet or self.page else 0

    @property
    def thumbnails(self) -> int | None:
        """How many photos are shown, None for all."""
        from digitprep.report.cleaning import SHEET_PHOTOS

        return None if self.page else SHEET_PHOTOS if self.sheet else 0

    def spool(self, how_cleaned: str, limits: Limits, overwrite: bool) -> Spool:
        """Where what is done is kept until the dataset is there."""
        from digitprep.spool import Spool
        from digitprep.versions import versions

        facts = versions() | {"pipeline": how_cleaned, "thumbnails": f"{self.thumbnail_px} px"}
        facts["limits"] = f"{limits.bytes} bytes, {limits.pixels} pixels"
        facts |= {"report": "a page" if self.page else "none", "copies": str(self.aside)}
        return Spool(self.output, facts, overwrite)

    def same_run(self, labels: str | None, classes: int) -> dict[str, str]:
        """What has to be the same for a run to write over what it had written when it was stopped."""
        told = {
            "to": self.format,
            "split": self.split,
            "labels": labels,
            "classes": classes,
            "page": self.page,
        }
        return {name: str(value) for name, value in told.items()}

    def report(self, overwrite: bool, spool: Spool) -> CleaningReport:
        """What hears of every photo. Raises UsageError or MissingExtra where there can be no page."""
        from digitprep.report.cleaning import CleaningReport
        from digitprep.report.lists import Copies

        if self.page:
            check_page(self.page, overwrite)
        copies = None if self.aside is None else Copies(self.aside, overwrite or spool.was_begun())
        return CleaningReport(self.output, self.sheet, overwrite, self.split, self.page, copies)

    def check(self, report: CleaningReport, overwrite: bool) -> None:
        """Raise, before any photo is cleaned, the error that writing all of it would end in."""
        from digitprep import formats
        from digitprep.formats.provenance import sidecar

        chosen = formats.named(self.output, self.format)
        chosen.check_split(self.split)
        owns, is_folder = formats.owned_by(chosen), chosen.is_folder(self.output)
        check_destination(self.output, overwrite, folder=is_folder, owns=owns)
        check_destination(sidecar(self.output), overwrite)
        report.check()
        check_writable(self.output)

    def write(
        self,
        batches: Iterator[Split],
        spool: Spool,
        same_run: dict[str, str],
        overwrite: bool,
        origin: Callable[[], dict[str, Any]],
    ) -> None:
        """Write the dataset, if there is anything to be in it; its provenance is asked for at the end."""
        from digitprep import formats

        first = next(batches, None)
        if first is not None:
            parts = to_the_end(chain([first], batches), spool, same_run)
            formats.write(parts, self.output, format=self.format, overwrite=overwrite, origin=origin)
