"""The command that reads photos of digits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.cleaning import cleaned_photos
from digitprep.cli.options import (
    AsJson,
    ModelFile,
    ModelInput,
    ModelLayers,
    ModelNetwork,
    PipelineText,
    Recipe,
    chosen_pipeline,
    opened_model,
)
from digitprep.cli.pages import LIST_PAGES, Many, check_many, page_fields, page_predictions
from digitprep.cli.processes import Jobs, MemoryMb, Scheduler, Seconds, pool
from digitprep.cli.sources import MostBytes, MostPixels, Photos, found_photos, photos_ahead
from digitprep.cli.terminal import amount, progress, tell
from digitprep.errors import ModelError, PartialSuccess
from digitprep.limits import LIMITS, Limits

if TYPE_CHECKING:
    from digitprep.batch import Cleaned
    from digitprep.nn.engines import Classifier


def predict(
    photos: Photos,
    model: ModelFile = None,
    model_input: ModelInput = None,
    network: ModelNetwork = None,
    layers: ModelLayers = None,
    recipe: Recipe = None,
    pipeline: PipelineText = None,
    many: Many = False,
    reject: Annotated[
        bool, typer.Option("--reject", help="Give no digit where it is doubtful, only the reason.")
    ] = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    seconds: Seconds = None,
    max_memory: MemoryMb = None,
    max_bytes: MostBytes = LIMITS.bytes,
    max_pixels: MostPixels = LIMITS.pixels,
    as_json: AsJson = False,
) -> None:
    """Clean photos of one digit each and say which digit it is; with --many, of pages, and read them.

    Where it is doubtful whether a photo shows that digit, or one digit at all, the reason stands beside it.
    """
    check_many(many, recipe, pipeline)
    net, steps = opened_model(model, model_input, network, layers), chosen_pipeline(recipe, pipeline)
    limits = Limits(max_bytes, max_pixels)
    files = found_photos(photos, limits=limits)
    count = rejected = 0
    workers = pool(jobs, seconds, max_memory, scheduler, LIST_PAGES if many else None)
    with progress("reading", total=photos_ahead(photos)) as advance, workers as executor:
        reads = (
            page_predictions(files, net, executor, limits, advance)
            if many
            else _read(cleaned_photos(files, steps, executor, limits), net, advance)
        )
        for read in reads:
            if reject and read["reason"]:
                read["text"] = None
            count += 1
            rejected += read["text"] is None
            _tell(read, many, as_json)
    if rejected:
        certain = " for certain" if reject else ""
        raise PartialSuccess(f"{rejected} of {amount(count, 'photo')} could not be read{certain}")


def _read(photos: Iterable[list[Cleaned]], net: Classifier, advance: Any) -> Iterator[dict[str, Any]]:
    """One JSON object a photo, as the command line promises them, in the order of the files."""
    for (cleaned,) in photos:
        yield _read_one(cleaned, net)
        advance()


def _read_one(cleaned: Cleaned, net: Classifier) -> dict[str, Any]:
    """What is read in a photo; its `reason` says why nothing could be, or why it is doubtful.

    Raises ModelError where the pipeline does not make images for this network.
    """
    from digitprep.acceptance import judge
    from digitprep.nn.engines import mismatch

    read: dict[str, Any] = {"file": str(cleaned.photo), "text": None, "digits": [], "reason": cleaned.reason}
    if cleaned.image is None:
        return read
    if reason := mismatch(cleaned.image.shape, net):
        raise ModelError(reason)
    (verdict,) = judge(cleaned.image[None], net)
    digit = {"digit": verdict.digit, "confidence": round(verdict.confidence, 4), "box": cleaned.box}
    return read | {
        "text": net.class_names[verdict.digit],
        "digits": [digit],
        "reason": cleaned.doubt or verdict.reason,
    }


def _tell(read: dict[str, Any], many: bool, as_json: bool) -> None:
    """Print what is read, of a page or of a photo of one digit."""
    if as_json:
        print(json.dumps(read), flush=True)
    else:
        tell(*(page_fields(read) if many else _photo_fields(read)))


def _photo_fields(read: dict[str, Any]) -> Iterator[str]:
    if read["text"] is None:
        return iter((read["file"], "-", str(read["reason"])))
    fields = [read["file"], read["text"], f"{read['digits'][0]['confidence']:.1%}", read["reason"]]
    return filter(None, fields)
