"""Commands on photos: clean, predict."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.terminal import (
    AsJson,
    Classes,
    Jobs,
    ModelFile,
    Overwrite,
    PipelineText,
    Recipe,
    chosen_pipeline,
    progress,
    refuse_existing,
    say,
)
from digitprep.errors import DataError, PartialSuccess

if TYPE_CHECKING:
    from digitprep.batch import Cleaned
    from digitprep.dataset import Split
    from digitprep.labels import Labelled
    from digitprep.pipeline import Pipeline

Photos = Annotated[list[Path], typer.Argument(metavar="PHOTOS...", help="Image files, or folders of them.")]

BATCH = 256
SHEET_PHOTOS = 200
THUMBNAIL_PX = 192


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
            "or a .json or .csv file. Without it the dataset has none.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="The dataset's format, if DST's name does not say it."),
    ] = None,
    split: Annotated[str, typer.Option(help="The name of the split that the images make.")] = "train",
    sheet: Annotated[bool, typer.Option(help="Write DST.sheet.png: photos before and after.")] = True,
    jobs: Jobs = 1,
    classes: Classes = 10,
    overwrite: Overwrite = False,
) -> None:
    """Turn photos of digits into a dataset like MNIST.

    Beside DST come DST.sheet.png, photos before and after with their labels, and, where some could
    not be used, DST.rejected.csv with a reason for each.
    """
    from digitprep import formats
    from digitprep.labels import find_labels

    steps = chosen_pipeline(recipe, pipeline)
    files = _found(photos)
    known: list[Labelled | None] = [*find_labels(files, labels, classes)] if labels else [None] * len(files)
    report = _Report(output, sheet)
    formats.named(output, to)
    refuse_existing([*report.paths, *([output] if output.is_file() else [])], overwrite)
    with progress("cleaning", total=len(files)) as advance:
        cleaned = _labelled(_cleaned(files, steps, jobs, advance, THUMBNAIL_PX if sheet else 0), known)
        batches = _batches(cleaned, report, split, str(steps))
        first = next(batches, None)
        if first is not None:
            formats.write(chain([first], batches), output, format=to, overwrite=overwrite)
    report.write(overwrite)
    if first is not None:
        say(f"{output}: {report.accepted:,} images")
    if report.rejected:
        raise PartialSuccess(
            f"{len(report.rejected)} of {len(files)} photos were rejected; {report.rejected_path} says why"
        )


def predict(
    photos: Photos,
    model: ModelFile = None,
    recipe: Recipe = None,
    pipeline: PipelineText = None,
    jobs: Jobs = 1,
    as_json: AsJson = False,
) -> None:
    """Clean photos of one digit each and say which digit it is."""
    from digitprep.nn import load_model

    net, steps = load_model(model), chosen_pipeline(recipe, pipeline)
    files = _found(photos)
    rejected = 0
    with progress("reading", total=len(files)) as advance:
        for read in _predictions(_cleaned(files, steps, jobs, advance), net):
            rejected += read["text"] is None
            print(json.dumps(read) if as_json else _prediction_text(read), flush=True)
    if rejected:
        raise PartialSuccess(f"{rejected} of {len(files)} photos could not be read")


class _Report:
    """What is written beside a cleaned dataset: the contact sheet and the list of rejected photos."""

    def __init__(self, output: Path, sheet: bool) -> None:
        stem = output.name.removesuffix(output.suffix) if output.suffix == ".npz" else output.name
        self.rejected_path = output.with_name(f"{stem}.rejected.csv")
        self.sheet_path = output.with_name(f"{stem}.sheet.png")
        self.sheet = sheet
        self.accepted = 0
        self.rejected: list[tuple[Path, str]] = []
        self.columns: list[tuple[Any, Any]] = []

    @property
    def paths(self) -> list[Path]:
        return [self.rejected_path, *([self.sheet_path] if self.sheet else [])]

    def add(self, cleaned: Cleaned, label: Labelled | None) -> None:
        """Count a photo, and show it on the sheet while there is room."""
        from digitprep.report.sheet import Cell

        if cleaned.reason is None:
            self.accepted += 1
        else:
            self.rejected.append((cleaned.photo, cleaned.reason))
        if self.sheet and len(self.columns) < SHEET_PHOTOS:
            caption = "rejected" if cleaned.reason else "" if label is None else str(label)
            after = Cell(cleaned.image, caption, None if cleaned.reason is None else False)
            self.columns.append((Cell(cleaned.thumbnail, cleaned.photo.name), after))

    def write(self, overwrite: bool) -> None:
        """Write what there is; a list of rejected photos from an earlier run goes where none are left."""
        from digitprep.report.sheet import contact_sheet

        if overwrite:
            self.rejected_path.unlink(missing_ok=True)
        if self.columns:
            contact_sheet(self.columns, titles=("before", "after")).save(self.sheet_path)
        if self.rejected:
            with self.rejected_path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["file", "reason"])
                writer.writerows(self.rejected)


def _found(photos: list[Path]) -> list[Path]:
    from digitprep.photos import SUFFIXES, find_photos

    files = list(find_photos(photos))
    if not files:
        places = ", ".join(map(str, photos))
        raise DataError(f"{places}: expected photos ({', '.join(SUFFIXES)}), found none")
    return files


@contextmanager
def _executor(jobs: int) -> Iterator[Any]:
    from digitprep.batch import process_pool

    if jobs == 1:
        yield None
        return
    pool = process_pool(jobs)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _cleaned(
    files: list[Path], steps: Pipeline, jobs: int, advance: Any, thumbnail_px: int = 0
) -> Iterator[Cleaned]:
    from digitprep import batch

    with _executor(jobs) as executor:
        for cleaned in batch.clean(files, steps, executor=executor, thumbnail_px=thumbnail_px):
            yield cleaned
            advance()


def _labelled(
    cleaned: Iterable[Cleaned], labels: list[Labelled | None]
) -> Iterator[tuple[Cleaned, Labelled | None]]:
    """Each photo with its label; one whose label cannot be found is rejected for that."""
    from dataclasses import replace

    for photo, label in zip(cleaned, labels, strict=True):
        if isinstance(label, DataError) and photo.reason is None:
            yield replace(photo, image=None, reason=str(label)), None
        else:
            yield photo, label


def _batches(
    photos: Iterable[tuple[Cleaned, Labelled | None]], report: _Report, name: str, pipeline: str
) -> Iterator[Split]:
    """The images that came out, as batches of one split; the report hears of every photo."""
    import numpy as np

    from digitprep.dataset import Provenance, Split

    accepted = _of_one_size(photos, report)
    while batch := list(islice(accepted, BATCH)):
        images = np.stack([cleaned.image for cleaned, _ in batch if cleaned.image is not None])
        labels = [label for _, label in batch if isinstance(label, int)]
        yield Split(
            images,
            np.array(labels, dtype=np.int64) if labels else None,
            name,
            sample_names=tuple(cleaned.photo.name for cleaned, _ in batch),
            provenance=Provenance("photos", pipeline),
        )


def _of_one_size(
    photos: Iterable[tuple[Cleaned, Labelled | None]], report: _Report
) -> Iterator[tuple[Cleaned, Labelled | None]]:
    """The photos that gave an image as large as the first; a dataset holds one size."""
    from dataclasses import replace

    shape = None
    for cleaned, label in photos:
        if cleaned.image is not None:
            shape = shape or cleaned.image.shape
            if cleaned.image.shape != shape:
                reason = (
                    f"the pipeline made it {cleaned.image.shape}, the first photo {shape}; end it with center"
                )
                cleaned = replace(cleaned, image=None, reason=reason)
        report.add(cleaned, label)
        if cleaned.image is not None:
            yield cleaned, label


def _predictions(photos: Iterable[Cleaned], net: Any) -> Iterator[dict[str, Any]]:
    """One JSON object a photo, as the command line promises them."""
    from digitprep.errors import ModelError

    for cleaned in photos:
        read: dict[str, Any] = {
            "file": str(cleaned.photo),
            "text": None,
            "digits": [],
            "reason": cleaned.reason,
        }
        if cleaned.image is not None:
            if cleaned.image.shape != net.image_shape:
                raise ModelError(
                    f"the network takes images of {net.image_shape}, the pipeline makes {cleaned.image.shape}"
                )
            digit, confidence = net.predict(cleaned.image)
            read["text"] = net.class_names[digit]
            read["digits"] = [{"digit": digit, "confidence": round(confidence, 4), "box": cleaned.box}]
        yield read


def _prediction_text(read: dict[str, Any]) -> str:
    if read["text"] is None:
        return f"{read['file']}\t-\t{read['reason']}"
    return f"{read['file']}\t{read['text']}\t{read['digits'][0]['confidence']:.1%}"
