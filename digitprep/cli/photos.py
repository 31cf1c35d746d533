"""The command that cleans photos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from digitprep.cli.cleaning import Cleaning, OfPages, OfPhotos
from digitprep.cli.pages import Many, Text, check_many, check_text
from digitprep.cli.processes import Jobs, MemoryMb, Scheduler, Seconds, pool
from digitprep.cli.resuming import kept, spool_of, to_the_end
from digitprep.cli.sources import (
    MostBytes,
    MostPixels,
    Photos,
    Places,
    Tally,
    found_photos,
    photos_ahead,
    places_of,
    places_text,
)
from digitprep.cli.terminal import (
    Classes,
    Overwrite,
    PipelineText,
    Recipe,
    amount,
    check_page,
    chosen_pipeline,
    opened_model,
    progress,
    say,
)
from digitprep.errors import DataError, PartialSuccess
from digitprep.limits import LIMITS, Limits
from digitprep.place import check_destination, check_writable

if TYPE_CHECKING:
    from digitprep.batch import Cleaned
    from digitprep.formats import Format
    from digitprep.report.cleaning import CleaningReport
    from digitprep.sources import Source
    from digitprep.spool import Work

# With as many classes it is digits that are cleaned, and the gate, which knows no others, has a say.
DIGIT_CLASSES = 10


def clean(
    photos: Photos,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DST", help="The dataset to make.")],
    recipe: Recipe = None,
    pipeline: PipelineText = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="Where labels come from: folder, name, a pattern such as 'digit_{label}_*', "
            "or a .json, .csv or .tsv file. Without it the dataset has none.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="The dataset's format, if DST's name does not say it."),
    ] = None,
    split: Annotated[str, typer.Option(help="The name of the split that the images make.")] = "train",
    sheet: Annotated[bool, typer.Option(help="Write DST.sheet.png: photos before and after.")] = True,
    page: Annotated[
        Path | None,
        typer.Option("--report", metavar="R.html", help="A page on every photo, the doubtful first."),
    ] = None,
    many: Many = False,
    text: Text = None,
    on_error: Annotated[
        Literal["reject", "fail"],
        typer.Option(help="A photo that cannot be used is rejected and listed, or ends the run."),
    ] = "reject",
    aside: Annotated[
        Path | None,
        typer.Option("--copy-rejected", metavar="FOLDER", help="Copy the photos that are rejected there."),
    ] = None,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    seconds: Seconds = None,
    max_memory: MemoryMb = None,
    max_bytes: MostBytes = LIMITS.bytes,
    max_pixels: MostPixels = LIMITS.pixels,
    classes: Classes = 10,
    overwrite: Overwrite = False,
) -> None:
    """Turn photos of digits into a dataset like MNIST.

    Beside DST come DST.sheet.png, photos before and after with their labels, and DST.photos.csv, which
    photo each image is from; where some could not be used, DST.rejected.csv with a reason for each; where
    it is doubtful whether they show one digit, and that of their label, DST.doubtful.csv; and where images
    are unlike MNIST's, DST.unlike.csv. --report shows all of it on one page. With --many every digit of a
    page is a sample, named after photo, row and place: page-r1-c03.png.

    A run that is stopped keeps what is done in DST.partial, and the same command goes on after it.
    """
    from digitprep import formats
    from digitprep.batch import to_splits, with_labels
    from digitprep.labels import label_reader
    from digitprep.report.cleaning import SHEET_PHOTOS, THUMBNAIL_PX, CleaningReport
    from digitprep.report.lists import Copies

    check_many(many, recipe, pipeline, labels)
    limits = Limits(max_bytes, max_pixels)
    how: Cleaning = (
        OfPages(text, limits, opened_model(None, None, None, None))
        if many
        else OfPhotos(chosen_pipeline(recipe, pipeline), limits, page is not None, classes == DIGIT_CLASSES)
    )
    thumbnail_px = THUMBNAIL_PX if sheet or page else 0
    spool = spool_of(output, how.text, thumbnail_px, page, aside, limits, overwrite)
    writing = {"to": to, "split": split, "labels": labels, "classes": classes, "page": page}
    same_run = {name: str(value) for name, value in writing.items()}
    overwrite = overwrite or spool.was_writing(same_run)  # what is there is of the same run
    if page:
        check_page(page, overwrite)
    copies = None if aside is None else Copies(aside, overwrite or spool.was_begun())
    report = CleaningReport(output, sheet, overwrite, split, page, copies)
    made = [output, *report.paths, *([aside] if aside else [])]
    photos, known = _listed(photos, made, limits, labels, text, many)
    label_of = None if labels is None else label_reader(labels, classes, known)
    files = found_photos(photos, made, limits)
    _check_output(output, formats.named(output, to), split, overwrite)
    report.check()
    check_writable(output)
    tally = Tally()
    with ExitStack() as stack:
        advance = stack.enter_context(progress("cleaning", total=len(known) or photos_ahead(photos, made)))
        executor = stack.enter_context(pool(jobs, seconds, max_memory, scheduler, how.list_photos))
        stack.enter_context(kept(spool))
        work = partial(how.cleaned, executor=executor, thumbnail_px=thumbnail_px)
        watched = partial(_work, work, on_error, Places(photos))
        thumbnails = None if page else SHEET_PHOTOS if sheet else 0
        done = stack.enter_context(closing(spool.through(files, watched, thumbnails)))
        cleaned = how.read(with_labels(tally.each(done, advance), label_of))
        batches = to_splits(cleaned, split, how.pipeline, seen=partial(_heard, report, on_error))
        first = next(batches, None)
        if first is not None:
            origin = partial(_origin, tally, how.pipeline)
            parts = to_the_end(chain([first], batches), spool, same_run)
            formats.write(parts, output, format=to, overwrite=overwrite, origin=origin)
        asked = {
            "photos": places_text(photos),
            "labels": labels or "none",
            "dataset": output,
            "split": split,
            "to": to,
            "text": text,
            "classes": classes,
            "on-error": on_error,
            "seconds": seconds,
            "max-memory": max_memory,
            "max-bytes": max_bytes,
            "max-pixels": max_pixels,
        }
        report.write(_facts(how.text, asked))
    _say_outcome(output, page, report, tally)


def _listed(
    photos: list[str], made: list[Path], limits: Limits, labels: str | None, text: str | None, many: bool
) -> tuple[list[str], list[Source]]:
    """The photos' places, and all photos there where labels can only be matched with all of them."""
    from digitprep.labels import from_file
    from digitprep.sources import without_bytes

    if text is None and (labels is None or not from_file(labels)):
        return photos, []
    photos = list(places_of(photos))
    known = [without_bytes(photo) for photo in found_photos(photos, made, limits)]
    check_text(text, many, known)
    return photos, known


def _say_outcome(output: Path, page: Path | None, report: CleaningReport, tally: Tally) -> None:
    """Say what has been made. Raises PartialSuccess where a photo, or every one, could not be used."""
    if not report.accepted:
        old = " (the old one is unchanged)" if output.exists() else ""
        raise PartialSuccess(
            f"no photo could be used; {output} was not written{old}; {report.rejected_path} says why"
        )
    say(f"{output}: {amount(report.accepted, 'image')}{report.remarks}")
    if page:
        say(f"{page}: {page.stat().st_size:,} bytes, every photo before and after")
    if report.rejected:
        raise PartialSuccess(
            f"{len(report.rejected)} of {amount(tally.photos, 'photo')} could not be used; "
            f"{report.rejected_path} says why"
        )


def _work(work: Work, on_error: str, places: Places, photos: Iterable[Source]) -> Iterator[list[Cleaned]]:
    """What becomes of each photo; where none is to be rejected, or all have gone, it is not kept, either."""
    for found in work(photos):
        if any(cleaned.lost for cleaned in found):
            places.check()
        if on_error == "fail":
            for cleaned in found:
                _check_used(cleaned)
        yield found


def _heard(report: CleaningReport, on_error: str, cleaned: Cleaned) -> None:
    """Report a photo; a label or the image of another photo may have rejected it by now."""
    if on_error == "fail":
        _check_used(cleaned)
    report.add(cleaned)


def _check_used(cleaned: Cleaned) -> None:
    """Raise DataError for a photo that is rejected."""
    if cleaned.image is None:
        raise DataError(f"{cleaned.photo}: {cleaned.reason}")


def _facts(how_cleaned: str, asked: dict[str, Any]) -> dict[str, str]:
    """What it takes to repeat a cleaning, by name, of the options those that were given."""
    from digitprep import __version__

    facts = {"digitprep": __version__, "pipeline": how_cleaned}
    return facts | {name: str(value) for name, value in asked.items() if value is not None}


def _origin(tally: Tally, pipeline: str) -> dict[str, Any]:
    """The provenance of a dataset that is made of the photos that have passed."""
    from digitprep import __version__
    from digitprep.formats import provenance

    return provenance.record([tally.files.record("photos")], __version__, pipeline=pipeline)


def _check_output(output: Path, chosen: Format, split: str, overwrite: bool) -> None:
    """Raise, before any photo is cleaned, the error that writing the dataset would end in."""
    from digitprep.formats import owned_by
    from digitprep.formats.provenance import sidecar

    chosen.check_split(split)
    check_destination(output, overwrite, folder=chosen.is_folder(output), owns=owned_by(chosen))
    check_destination(sidecar(output), overwrite)
