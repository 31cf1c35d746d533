"""What `clean` and `predict` do with --many: photos of pages, each with any number of digits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.terminal import pool, progress
from digitprep.errors import DataError, DigitprepError, PartialSuccess, StepError, UsageError

if TYPE_CHECKING:
    from digitprep.batch import Cleaned
    from digitprep.nn.engines import Classifier

Many = Annotated[bool, typer.Option("--many", help="Each photo is a page with many digits.")]
Text = Annotated[
    str | None,
    typer.Option(
        "--text",
        metavar="DIGITS",
        help="What stands on the page, '0123 4567', for labels; with --many and one photo.",
    ),
]


def check_many(many: bool, **others: object) -> None:
    """Raise UsageError for an option that does not go with --many."""
    given = [f"--{name}" for name, value in others.items() if value]
    if many and given:
        raise UsageError(f"{' and '.join(given)} cannot be used with --many, which has its own way to clean")


def check_text(text: str | None, many: bool, files: list[Path]) -> None:
    """Raise UsageError where --text is given without a page, or for more than one."""
    if text is not None and not many:
        raise UsageError("--text says what stands on a page; give --many with it")
    if text is not None and len(files) != 1:
        raise UsageError(f"--text is for one photo, found {len(files)}; clean them one at a time")


def predict_pages(files: list[Path], net: Classifier, as_json: bool, jobs: int) -> None:
    """Print what stands on each page."""
    from digitprep.batch import in_order

    rejected = 0
    with progress("reading", total=len(files)) as advance, pool(jobs) as executor:
        for read in in_order(partial(_read, net=net), files, executor):
            rejected += read["text"] is None
            print(json.dumps(read) if as_json else _line(read), flush=True)
            advance()
    if rejected:
        raise PartialSuccess(f"{rejected} of {len(files)} photos could not be read")


def page_samples(
    files: list[Path], net: Classifier, text: str | None, thumbnail_px: int, jobs: int, advance: Any
) -> Iterator[Cleaned]:
    """The digits of all pages; a photo that gives none, with its reason."""
    from digitprep.batch import in_order

    with pool(jobs) as executor:
        sampled = partial(_samples, net=net, text=text, thumbnail_px=thumbnail_px)
        for samples in in_order(sampled, files, executor):
            yield from samples
            advance()


def _samples(file: Path, net: Classifier, text: str | None, thumbnail_px: int) -> list[Cleaned]:
    from digitprep.batch import Cleaned
    from digitprep.segment.photos import samples_of

    try:
        return list(samples_of(file, net, text, thumbnail_px))
    except (DataError, StepError) as error:
        if text is not None:  # one photo, and its labels are asked for: nothing else is left to do
            raise
        return [Cleaned(file, reason=_reason(file, error))]


def _read(file: Path, net: Classifier) -> dict[str, Any]:
    from digitprep.segment.photos import full_box, read_photo_page

    read: dict[str, Any] = {"file": str(file), "text": None, "digits": [], "reason": None}
    try:
        photo, reading = read_photo_page(file, net)
    except (DataError, StepError) as error:
        return read | {"reason": _reason(file, error)}
    digits = [
        {
            "digit": said.digit,
            "confidence": round(said.confidence, 4),
            "box": full_box(found.box, photo),
            "row": found.row,
        }
        for found, said in zip(reading.page.digits, reading.digits, strict=True)
    ]
    return read | {"text": reading.text, "digits": digits}


def _reason(file: Path, error: DigitprepError) -> str:
    return str(error).removeprefix(f"{file}: ")


def _line(read: dict[str, Any]) -> str:
    return f"{read['file']}\t{read['text'] or '-'}" + (f"\t{read['reason']}" if read["reason"] else "")
