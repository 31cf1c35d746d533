"""What the page is told, and what it does with photos and with the pipeline: one function an address."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from digitprep import __version__
from digitprep.errors import DataError, UsageError
from digitprep.recipes import RECIPES, recipe
from digitprep.serve import takeaway
from digitprep.serve.cards import cards_of, catalog
from digitprep.serve.entries import CLASSES, Photo, checked_key
from digitprep.serve.look import picture, steps_of
from digitprep.serve.project import MOST_PHOTOS, Conflict
from digitprep.serve.requests import asked_of, photo_of, revision_of
from digitprep.serve.workbench import Workbench


async def whole(bench: Workbench, _: Request) -> Response:
    """All that the page shows."""
    project, training = bench.project, bench.trainer.training
    return JSONResponse(
        {
            "name": project.folder.resolve().name,
            "revision": project.record.revision,
            "classes": [str(number) for number in range(CLASSES)],
            "network": project.record.network,
            "networks": project.networks,
            "pipeline": bench.pipeline(),
            "photos": [bench.looks.told(photo) for photo in project.photos.values()],
            "training": training and training.to_dict(),
            "undo": len(project.record.undo),
            "most_photos": MOST_PHOTOS,
            "waiting": len(bench.looks.waiting),
        }
    )


async def choices(_bench: Workbench, _: Request) -> Response:
    """What can be chosen: steps with their options, recipes, formats."""
    return Response(_choices(), media_type="application/json")


@cache
def _choices() -> bytes:
    recipes = {name: {"summary": one.summary, "text": str(recipe(name))} for name, one in RECIPES.items()}
    formats = takeaway.written_formats()
    told = {"steps": catalog(), "recipes": recipes, "formats": formats, "version": __version__}
    return bytes(JSONResponse(told).body)


async def listen(bench: Workbench, _: Request) -> Response:
    """What happens from now on, for as long as somebody listens."""
    if bench.events.is_full:
        raise Conflict("too many windows are open on this project; close some")
    return StreamingResponse(bench.events.stream(), media_type="text/event-stream")


async def photo_picture(bench: Workbench, request: Request) -> Response:
    """A photo, upright, as a JPEG."""
    task = bench.looks.task(photo_of(bench, request))
    data = await bench.looks.at_once.do(picture, task, request.is_disconnected)
    return Response(data, media_type="image/jpeg")


async def steps(bench: Workbench, request: Request) -> Response:
    """What every step makes of a digit, with the project's steps or with others."""
    photo, asked = photo_of(bench, request), await asked_of(request)
    cards = bench.project.record.cards if asked.get("steps") is None else cards_of(asked["steps"])
    task = bench.looks.task(photo, cards)
    work = partial(steps_of, key=checked_key(asked.get("key", "")))
    told = await bench.looks.at_once.do(work, task, request.is_disconnected)
    places = [None, *(place for place, card in enumerate(cards) if card.on)]
    panels = [panel | {"card": place} for panel, place in zip(told["panels"], places, strict=False)]
    return JSONResponse(told | {"panels": panels})


async def bring(bench: Workbench, request: Request) -> Response:
    """Take a photo; its bytes are kept as they are, unless they are no photo's."""
    project = bench.project
    project.check_room()
    name, data = request.query_params.get("name", ""), await request.body()
    if known := project.with_bytes(data):
        return JSONResponse(bench.looks.told(known))
    photo = project.add(name, data)
    try:
        await bench.looks.first_look(photo)
    except DataError:
        project.remove(photo)
        raise
    finally:
        bench.looks.publish_waiting()
    return JSONResponse(bench.publish(photo), 201)


async def change(bench: Workbench, request: Request) -> Response:
    """What a person says of a photo."""
    photo, asked = photo_of(bench, request), await asked_of(request)
    try:
        changed = bench.project.change(photo.id, revision_of(asked), asked)
    except Conflict as error:
        now = bench.looks.told(bench.project.photo(photo.id))
        return JSONResponse({"error": str(error), "photo": now}, 409)
    await bench.looks.look(changed, bench.looks.at_once)
    return JSONResponse(bench.publish(changed))


async def undo(bench: Workbench, _: Request) -> Response:
    """Take the last change back."""
    photos, is_of_pipeline = bench.project.undo()
    told = [bench.publish(photo) for photo in photos]
    bench.looks.look_anew()
    if is_of_pipeline:
        bench.publish_pipeline()
    return JSONResponse({"photos": told, "pipeline": bench.pipeline() if is_of_pipeline else None})


async def accept(bench: Workbench, _: Request) -> Response:
    """Take what is read for the label, wherever there is none and nothing is doubtful."""
    labels = {photo.id: _sure(bench, photo) for photo in bench.project.photos.values()}
    changed = bench.project.label({number: found for number, found in labels.items() if found})
    return JSONResponse({"photos": [bench.publish(photo) for photo in changed]})


async def set_pipeline(bench: Workbench, request: Request) -> Response:
    """Another pipeline, for all photos."""
    asked = await asked_of(request)
    text = asked.get("text")
    if text is not None and not isinstance(text, str):
        raise UsageError("a pipeline's text is text")
    try:
        bench.project.set_cards(revision_of(asked), text=text, cards=asked.get("steps"))
    except Conflict as error:
        return JSONResponse({"error": str(error), "pipeline": bench.pipeline()}, 409)
    bench.publish_pipeline()
    return JSONResponse(bench.pipeline())


def _sure(bench: Workbench, photo: Photo) -> dict[str, int]:
    """What is read in a photo without a doubt, by key, where nobody has said anything."""
    found = bench.looks.known(photo)
    samples: list[dict[str, Any]] = found.told["samples"] if found else []
    return {
        sample["key"]: sample["digit"]
        for sample in samples
        if photo.sample(sample["key"]).label is None
        and not photo.sample(sample["key"]).rejected
        and sample["digit"] is not None
        and not sample["doubt"]
    }
