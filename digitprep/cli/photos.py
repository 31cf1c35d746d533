"""The command that cleans photos."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from digitprep.cli.cleanfiles import CleanFiles
from digitprep.cli.cleaning import Cleaning, OfPages, OfPhotos, heard, watched
from digitprep.cli.options import Classes, Overwrite, PipelineText, Recipe, chosen_pipeline, opened_model
from digitprep.cli.pages import Many, Text, check_many, check_text
from digitprep.cli.processes import Jobs, MemoryMb, Scheduler, Seconds, pool
from digitprep.cli.resuming import kept
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
from digitprep.cli.terminal import amount, progress, say
from digitprep.errors import PartialSuccess
from digitprep.limits import LIMITS, Limits

if TYPE_CHECKING:
    from digitprep.report.cleaning import CleaningReport
    from digitprep.sources import Source

# With as many classes it is digits that are cleaned, and the gate, which knows no others, has a say.
DIGIT_CLASSES = 10

Output = Annotated[Path, typer.Option("--output", "-o", metavar="DST", help="The dataset to make.")]
Labels = Annotated[
    str | None,
    typer.Option(
        metavar="HOW",
        help="Where labels come from: folder, name, a pattern such as 'digit_{label}_*', "
        "or a .json, .csv or .tsv file. Without it the dataset has none.",
    ),
]
To = Annotated[
    str | None, typer.Option(metavar="FORMAT", help="The dataset's format, if DST's name does not say it.")
]
SplitName = Annotated[str, typer.Option(help="The name of the split that the images make.")]
Sheet = Annotated[bool, typer.Option(help="Write DST.sheet.png: photos before and after.")]
Page = Annotated[
    Path | None,
    typer.Option("--report", metavar="R.html", help="A page on every photo, the doubtful first."),
]
OnError = Annotated[
    Literal["reject", "fail"],
    typer.Option(help="A photo that cannot be used is rejected and listed, or ends the run."),
]
Aside = Annotated[
    Path | None,
    typer.Option("--copy-rejected", metavar="FOLDER", help="Copy the photos that are rejected there."),
]


def clean(
    photos: Photos,
    output: Output,
    recipe: Recipe = None,
    pipeline: PipelineText = None,
    labels: Labels = None,
    to: To = None,
    split: SplitName = "train",
    sheet: Sheet = True,
    page: Page = None,
    many: Many = False,
    text: Text = None,
    on_error: OnError = "reject",
    aside: Aside = None,
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
    from digitprep.batch import to_splits, with_labels
    from digitprep.labels import label_reader

    check_many(many, recipe, pipeline, labels)
    limits, files = Limits(max_bytes, max_pixels), CleanFiles(output, to, split, page, sheet, aside)
    how: Cleaning = (
        OfPages(text, limits, opened_model(None, None, None, None))
        if many
        else OfPhotos(chosen_pipeline(recipe, pipeline), limits, page is not None, classes == DIGIT_CLASSES)
    )
    spool, same_run = files.spool(how.text, limits, overwrite), files.same_run(labels, classes)
    overwrite = overwrite or spool.was_writing(same_run)  # what is there is of the same run
    report, tally = files.report(overwrite, spool), Tally()
    made = [output, *report.paths, *([aside] if aside else [])]
    photos, known = _listed(photos, made, limits, labels, text, many)
    label_of = None if labels is None else label_reader(labels, classes, known)
    found = found_photos(photos, made, limits)
    files.check(report, overwrite)
    with (
        progress("cleaning", total=len(known) or photos_ahead(photos, made)) as advance,
        pool(jobs, seconds, max_memory, scheduler, how.list_photos) as executor,
        kept(spool),
    ):
        work = partial(how.cleaned, executor=executor, thumbnail_px=files.thumbnail_px)
        watch = partial(watched, work, on_error, Places(photos))
        with closing(spool.through(found, watch, files.thumbnails)) as done:
            cleaned = how.read(with_labels(tally.each(done, advance), label_of))
            batches = to_splits(cleaned, split, how.pipeline, seen=partial(heard, report, on_error))
            files.write(batches, spool, same_run, overwrite, partial(tally.origin, how.pipeline))
        report.write(
            _facts(
                how.text,
                photos=photos,
                labels=labels,
                files=files,
                text=text,
                classes=classes,
                on_error=on_error,
                seconds=seconds,
                max_memory=max_memory,
                limits=limits,
            )
        )
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


def _facts(
    how_cleaned: str,
    *,
    photos: list[str],
    labels: str | None,
    files: CleanFiles,
    text: str | None,
    classes: int,
    on_error: str,
    seconds: float | None,
    max_memory: int | None,
    limits: Limits,
) -> dict[str, str]:
    """What it takes to repeat a cleaning, by name, of the options those that were given."""
    from digitprep import __version__

    asked = {
        "photos": places_text(photos),
        "labels": labels or "none",
        "dataset": files.output,
        "split": files.split,
        "to": files.format,
        "text": text,
        "classes": classes,
        "on-error": on_error,
        "seconds": seconds,
        "max-memory": max_memory,
        "max-bytes": limits.bytes,
        "max-pixels": limits.pixels,
    }
    facts = {"digitprep": __version__, "pipeline": how_cleaned}
    return facts | {name: str(value) for name, value in asked.items() if value is not None}
