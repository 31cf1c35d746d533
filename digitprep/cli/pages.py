"""What `clean` and `predict` do with --many: photos of pages, each with any number of digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.errors import DataError, StepError, UsageError

if TYPE_CHECKING:
    from digitprep.batch import Cleaned
    from digitprep.limits import Limits
    from digitprep.nn.engines import Classifier
    from digitprep.sources import Source

Many = Annotated[bool, typer.Option("--many", help="Each photo is a page with many digits.")]
Text = Annotated[
    str | None,
    typer.Option(
        "--text",
        metavar="DIGITS",
        help="What stands on the page, '0123 4567', for labels; with --many and one photo.",
    ),
]

# So many pages go to a worker of a scheduler at a time: there is a second's work in each.
LIST_PAGES = 4

# Why an option does not go with --many.
PIPELINE_OF_PAGES = (
    "{} cannot be used with --many: it says how a photo of one digit is cleaned, and the ink of a page is "
    "found by steps for pages; each digit is then made as the default recipe makes it"
)
LABELS_OF_PAGES = "--labels says what the one digit of each photo is; with --many --text says it of a page"


def check_many(many: bool, recipe: str | None, pipeline: str | None, labels: str | None = None) -> None:
    """Raise UsageError for an option that does not go with --many."""
    if not many:
        return
    for name, value in {"--recipe": recipe, "--pipeline": pipeline}.items():
        if value is not None:
            raise UsageError(PIPELINE_OF_PAGES.format(name))
    if labels is not None:
        raise UsageError(LABELS_OF_PAGES)


def check_text(text: str | None, many: bool, files: Sequence[Source]) -> None:
    """Raise UsageError where --text is given without a page, for more than one, or is no text of digits."""
    from digitprep.segment.samples import words_of

    if text is None:
        return
    if not many:
        raise UsageError("--text says what stands on a page; give --many with it")
    if len(files) != 1:
        raise UsageError(f"--text is for one photo, found {len(files)}; clean them one at a time")
    words_of(text)


def page_predictions(
    files: Iterable[Source], net: Classifier, executor: Any, limits: Limits, advance: Any
) -> Iterator[dict[str, Any]]:
    """One JSON object a page, as the command line promises them, in the order of the files."""
    from digitprep.workers import in_order

    for read in in_order(partial(_read, net=net, limits=limits), files, executor, lost=_unread):
        yield read
        advance()


def page_fields(read: dict[str, Any]) -> Iterator[str]:
    """What stands on a page, after its file, and what is doubtful."""
    return filter(None, [read["file"], read["text"] or "-", read["reason"]])


def page_samples(
    files: Iterable[Source],
    net: Classifier,
    text: str | None,
    executor: Any,
    limits: Limits,
    thumbnail_px: int,
) -> Iterator[list[Cleaned]]:
    """The digits of each page; a photo that gives none, with its reason."""
    from digitprep.workers import in_order

    sampled = partial(_samples, net=net, text=text, thumbnail_px=thumbnail_px, limits=limits)
    return in_order(sampled, files, executor, lost=_unused)


def _samples(
    file: Source, net: Classifier, text: str | None, thumbnail_px: int, limits: Limits
) -> list[Cleaned]:
    from digitprep.batch import unused
    from digitprep.opencv import in_memory_of
    from digitprep.segment.samples import samples_of
    from digitprep.sources import read_bytes

    data = None
    try:
        with in_memory_of(file):
            data = read_bytes(file, limits.bytes)
            return list(samples_of(data, file, net, text, thumbnail_px, limits))
    except (DataError, StepError) as error:
        if text is not None:  # one photo, and its labels are asked for: nothing else is left to do
            raise
        return [unused(file, error, data)]


def _unused(file: Source, reason: str) -> list[Cleaned]:
    from digitprep.batch import Cleaned
    from digitprep.sources import without_bytes

    return [Cleaned(without_bytes(file), reason=reason, lost=True)]


def _unread(file: Source, reason: str | None) -> dict[str, Any]:
    return {"file": str(file), "text": None, "digits": [], "reason": reason}


def _read(file: Source, net: Classifier, limits: Limits) -> dict[str, Any]:
    from digitprep.batch import reason_of
    from digitprep.segment.samples import read_photo_page

    read = _unread(file, None)
    try:
        photo, reading = read_photo_page(file, net, limits)
    except (DataError, StepError) as error:
        return read | {"reason": reason_of(file, error)}
    digits = [
        {
            "digit": said.digit,
            "confidence": round(said.confidence, 4),
            "box": photo.in_full(found.box),
            "row": found.row,
            "reason": said.reason,
        }
        for found, said in zip(reading.page.digits, reading.digits, strict=True)
    ]
    return read | {"text": reading.text, "digits": digits, "reason": reading.reason}
