"""What `clean` makes of a photo: one image, or with --many an image of each digit of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from digitprep.cli.pages import LIST_PAGES, page_samples
from digitprep.errors import DataError

if TYPE_CHECKING:
    from digitprep.batch import Cleaned
    from digitprep.cli.sources import Places
    from digitprep.limits import Limits
    from digitprep.nn.engines import Classifier
    from digitprep.pipeline import Pipeline
    from digitprep.report.cleaning import CleaningReport
    from digitprep.sources import Source
    from digitprep.spool import Work


class Cleaning(Protocol):
    """One way of making images of photos.

    list_photos: how many photos go to a scheduler's worker at a time, if not as many as by default
    """

    list_photos: ClassVar[int | None]

    @property
    def text(self) -> str:
        """What of it has to be the same for a run to go on after it was stopped."""

    @property
    def pipeline(self) -> str:
        """The steps, for the dataset's provenance; empty where they are not given as text."""

    def cleaned(self, files: Iterable[Source], executor: Any, thumbnail_px: int) -> Iterator[list[Cleaned]]:
        """What becomes of each photo."""

    def read(self, cleaned: Iterable[Cleaned]) -> Iterable[Cleaned]:
        """The same with what is read in each image."""


@dataclass(frozen=True)
class OfPhotos(Cleaning):
    """One image of each photo, by a pipeline; digits are read, other characters are not."""

    steps: Pipeline
    limits: Limits
    with_decisions: bool
    are_digits: bool

    list_photos: ClassVar[int | None] = None

    @property
    def text(self) -> str:
        return str(self.steps)

    pipeline = text

    def cleaned(self, files: Iterable[Source], executor: Any, thumbnail_px: int) -> Iterator[list[Cleaned]]:
        return cleaned_photos(files, self.steps, executor, self.limits, thumbnail_px, self.with_decisions)

    def read(self, cleaned: Iterable[Cleaned]) -> Iterable[Cleaned]:
        from digitprep.batch import with_readings

        return with_readings(cleaned) if self.are_digits else cleaned


@dataclass(frozen=True)
class OfPages(Cleaning):
    """An image of each digit of a page that a network finds, labelled where it is known what stands there."""

    standing: str | None
    limits: Limits
    net: Classifier

    list_photos: ClassVar[int | None] = LIST_PAGES
    pipeline: ClassVar[str] = ""

    @property
    def text(self) -> str:
        return f"pages, read by --many{f' as {self.standing}' if self.standing else ''}"

    def cleaned(self, files: Iterable[Source], executor: Any, thumbnail_px: int) -> Iterator[list[Cleaned]]:
        return page_samples(files, self.net, self.standing, executor, self.limits, thumbnail_px)

    def read(self, cleaned: Iterable[Cleaned]) -> Iterable[Cleaned]:
        return cleaned  # they come with it


def cleaned_photos(
    files: Iterable[Source],
    steps: Pipeline,
    executor: Any,
    limits: Limits,
    thumbnail_px: int = 0,
    with_decisions: bool = False,
) -> Iterator[list[Cleaned]]:
    """What becomes of each photo: one image, or none."""
    from digitprep import batch

    options: dict[str, Any] = {"thumbnail_px": thumbnail_px, "with_decisions": with_decisions}
    for cleaned in batch.clean(files, steps, executor=executor, limits=limits, **options):
        yield [cleaned]


def watched(work: Work, on_error: str, places: Places, photos: Iterable[Source]) -> Iterator[list[Cleaned]]:
    """What becomes of each photo; where none is to be rejected, or all have gone, it is not kept, either."""
    for found in work(photos):
        if any(cleaned.lost for cleaned in found):
            places.check()
        if on_error == "fail":
            for cleaned in found:
                _check_used(cleaned)
        yield found


def heard(report: CleaningReport, on_error: str, cleaned: Cleaned) -> None:
    """Report a photo; a label or the image of another photo may have rejected it by now."""
    if on_error == "fail":
        _check_used(cleaned)
    report.add(cleaned)


def _check_used(cleaned: Cleaned) -> None:
    """Raise DataError for a photo that is rejected."""
    if cleaned.image is None:
        raise DataError(f"{cleaned.photo}: {cleaned.reason}")
