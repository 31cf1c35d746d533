"""The command that cleans photos, and what the commands on photos share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from digitprep.cli.pages import Many, Text, check_many, check_text, page_samples
from digitprep.cli.terminal import (
    Classes,
    Jobs,
    Overwrite,
    PipelineText,
    Recipe,
    Seconds,
    amount,
    check_page,
    chosen_pipeline,
    opened_model,
    pool,
    progress,
    say,
)
from digitprep.errors import DataError, PartialSuccess, UsageError
from digitprep.place import check_destination, check_writable

if TYPE_CHECKING:
    from digitprep.batch import Cleaned
    from digitprep.dataset import Split
    from digitprep.formats import Format
    from digitprep.pipeline import Pipeline
    from digitprep.spool import Spool, Work

# With as many classes it is digits that are cleaned, and the gate, which knows no others, has a say.
DIGIT_CLASSES = 10

Photos = Annotated[
    list[Path], typer.Argument(metavar="PHOTOS...", readable=False, help="Image files, or folders of them.")
]


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
    jobs: Jobs = 1,
    seconds: Seconds = None,
    classes: Classes = 10,
    overwrite: Overwrite = False,
) -> None:
    """Turn photos of digits into a dataset like MNIST.

    Beside DST come DST.sheet.png, photos before and after with their labels, and DST.photos.csv, which
    photo each image is from; where some could not be used, DST.rejected.csv with a reason for each; where
    it is doubtful whether they show one digit, DST.doubtful.csv; and where images are unlike MNIST's,
    DST.unlike.csv. --report shows all of it on one page. With --many every digit of a page is a sample,
    named after photo, row and place: page-r1-c03.png.

    A run that is stopped keeps what is done in DST.partial, and the same command goes on after it; but
    with --many it begins again.
    """
    from digitprep import formats
    from digitprep.batch import to_splits, with_labels, with_readings
    from digitprep.labels import find_labels
    from digitprep.report.cleaning import SHEET_PHOTOS, THUMBNAIL_PX, CleaningReport

    check_many(many, recipe, pipeline, labels)
    steps = chosen_pipeline(recipe, pipeline)
    spool = _spool(output, steps, 0 if not (sheet or page) else THUMBNAIL_PX, page, overwrite)
    how = {"to": str(to), "split": split, "labels": str(labels), "classes": str(classes), "page": str(page)}
    overwrite = overwrite or (not many and spool.was_writing(how))  # what is there is of the same run
    if page:
        check_page(page, overwrite)
    report = CleaningReport(output, sheet, overwrite, split, page)
    files = found_photos(photos, made=[output, *report.paths])
    check_text(text, many, files)
    found = None if labels is None else find_labels(files, labels, classes)
    _check_output(output, formats.named(output, to), split, overwrite)
    report.check()
    check_writable(output)
    with ExitStack() as stack:
        advance = stack.enter_context(progress("cleaning", total=len(files)))
        if many:
            net = opened_model(None, None, None, None)
            cleaned = page_samples(files, net, text, report.thumbnail_px, jobs, advance, seconds)
        else:
            made = partial(cleaned_photos, steps=steps, jobs=jobs, seconds=seconds)
            work = partial(made, thumbnail_px=report.thumbnail_px, with_decisions=page is not None)
            stack.enter_context(_kept(spool))
            thumbnails = len(files) if page else SHEET_PHOTOS if sheet else 0
            kept = spool.through(files, partial(_work, work, on_error), thumbnails)
            cleaned = with_labels(counted(stack.enter_context(closing(kept)), advance), found)
        if on_error == "fail":
            cleaned = _none_rejected(cleaned)
        if classes == DIGIT_CLASSES and not many:  # the digits of a page come with what is read in them
            cleaned = with_readings(cleaned)
        batches = to_splits(cleaned, split, "" if many else str(steps), seen=report.add)
        first = next(batches, None)
        if first is not None:
            origin = _origin(files, "" if many else str(steps))
            parts = chain([first], batches) if many else _to_the_end(chain([first], batches), spool, how)
            formats.write(parts, output, format=to, overwrite=overwrite, origin=origin)
        report.write(_facts(output, steps, labels, split, many))
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
            f"{len(report.rejected)} of {amount(len(files), 'photo')} could not be used; "
            f"{report.rejected_path} says why"
        )


def _spool(output: Path, steps: Pipeline, thumbnail_px: int, page: Path | None, overwrite: bool) -> Spool:
    """Where what is done is kept until the dataset is there."""
    from digitprep import __version__
    from digitprep.spool import Spool

    facts = {"version": __version__, "pipeline": str(steps), "thumbnails": f"{thumbnail_px} px"}
    return Spool(output, facts | {"report": "a page" if page else "none"}, overwrite)


@contextmanager
def _kept(spool: Spool) -> Iterator[None]:
    """The spool is open while the block runs; what it has and what it keeps is said."""
    with spool:
        if spool.photos:
            say(f"going on after {amount(spool.photos, 'photo')} of a run that was stopped")
        try:
            yield
        except BaseException:
            if spool.photos:
                say(f"{amount(spool.photos, 'photo')} done; the same command goes on after them")
            raise


def _work(work: Work, on_error: str, photos: Iterable[Path]) -> Iterator[Cleaned]:
    """What becomes of the photos; where one is not to be rejected, it is not kept, either."""
    return _none_rejected(work(photos)) if on_error == "fail" else work(photos)


def _to_the_end(parts: Iterable[Split], spool: Spool, how: dict[str, str]) -> Iterator[Split]:
    """The parts, and a note when all of them are there and only their dataset is not."""
    yield from parts
    spool.write_begins(how)


def counted(cleaned: Iterable[Cleaned], advance: Any) -> Iterator[Cleaned]:
    """Each photo, shown on the progress bar as it comes."""
    for photo in cleaned:
        yield photo
        advance()


def _none_rejected(cleaned: Iterable[Cleaned]) -> Iterator[Cleaned]:
    """The photos; the first one that is rejected is an error."""
    for photo in cleaned:
        if photo.image is None:
            raise DataError(f"{photo.photo}: {photo.reason}")
        yield photo


def _facts(output: Path, steps: Pipeline, labels: str | None, split: str, many: bool) -> dict[str, str]:
    """What it takes to repeat a cleaning, by name."""
    from digitprep import __version__

    facts = {"digitprep": __version__, "pipeline": "pages, read by --many" if many else str(steps)}
    return facts | {"labels": labels or "none", "dataset": str(output), "split": split}


def _origin(files: list[Path], pipeline: str) -> dict[str, Any]:
    """The provenance of a dataset that is made of these photos."""
    from digitprep import __version__
    from digitprep.formats import provenance

    photos = provenance.source_of_files("photos", files, [file.name for file in files])
    return provenance.record([photos], __version__, pipeline=pipeline)


def _check_output(output: Path, chosen: Format, split: str, overwrite: bool) -> None:
    """Raise, before any photo is cleaned, the error that writing the dataset would end in."""
    from digitprep.formats import owned_by
    from digitprep.formats.provenance import sidecar

    chosen.check_split(split)
    check_destination(output, overwrite, folder=chosen.is_folder(output), owns=owned_by(chosen))
    check_destination(sidecar(output), overwrite)


def found_photos(photos: list[Path], made: Sequence[Path] = ()) -> list[Path]:
    """The photos that were asked for, less the sheets of earlier runs, and what is to be replaced in `made`.

    Raises UsageError where a photo to clean lies in a folder that is to be replaced.
    """
    from digitprep.photos import SUFFIXES, find_photos
    from digitprep.report.cleaning import is_own_sheet

    own = {os.path.realpath(path): path for path in made}
    found = [file for file in find_photos(photos) if not is_own_sheet(file)]
    files = [file for file in found if own.keys().isdisjoint(_itself_and_folders(file))]
    for asked in photos if files else found:
        for folder in _itself_and_folders(asked)[1:]:
            if folder in own:
                raise UsageError(f"{own[folder]} holds {asked}, to be cleaned; choose another destination")
    if not files:
        places = ", ".join(map(str, photos))
        raise DataError(f"{places}: expected photos ({', '.join(SUFFIXES)}), found none")
    return files


def _itself_and_folders(file: Path) -> list[str]:
    """The real path of a file, links followed, and those of the folders that it lies in."""
    real = os.path.realpath(file)
    return [real, *map(str, Path(real).parents)]


def cleaned_photos(
    files: Iterable[Path],
    steps: Pipeline,
    jobs: int,
    thumbnail_px: int = 0,
    with_decisions: bool = False,
    seconds: float | None = None,
) -> Iterator[Cleaned]:
    """What becomes of each photo, by as many processes."""
    from digitprep import batch

    with pool(jobs, seconds) as executor:
        options: dict[str, Any] = {"thumbnail_px": thumbnail_px, "with_decisions": with_decisions}
        yield from batch.clean(files, steps, executor=executor, **options)
