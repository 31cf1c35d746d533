"""What a person takes away, and what is learnt from the labels: one function an address."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digitprep.errors import DataError
from digitprep.evaluating import evaluate
from digitprep.nn import load_model
from digitprep.nn.engines import mismatch
from digitprep.serve import takeaway
from digitprep.serve.project import Conflict
from digitprep.serve.requests import asked_of
from digitprep.serve.takeaway import File, Sample
from digitprep.serve.workbench import Workbench

MOST_WRONG = 200  # of the digits that a network reads wrong are told


async def export(bench: Workbench, request: Request) -> Response:
    """The dataset, in the format that is asked for."""
    pipeline, which = str(bench.project.pipeline), request.query_params.get("which", takeaway.LABELLED)
    split = takeaway.split_of(takeaway.labelled(await bench.samples(), which), pipeline)
    origin = takeaway.origin_of(list(bench.project.photos.values()), pipeline)
    text = request.query_params.get("format", "npz")
    return _download(await asyncio.to_thread(takeaway.dataset_file, split, text, origin))


async def labels(bench: Workbench, _: Request) -> Response:
    """A table of files and labels."""
    return _download(takeaway.labels_file(await bench.samples()))


async def recipe(bench: Workbench, _: Request) -> Response:
    """The pipeline's text."""
    return _download(File("recipe.txt", f"{bench.project.pipeline}\n".encode()))


async def report(bench: Workbench, _: Request) -> Response:
    """The page on all photos."""
    title = f"Photos of {bench.project.folder.resolve().name}"
    samples, pipeline = await bench.samples(), str(bench.project.pipeline)
    return _download(await asyncio.to_thread(takeaway.report_file, samples, title, pipeline))


async def train(bench: Workbench, request: Request) -> Response:
    """Train on what is labelled."""
    asked = await asked_of(request)
    split = takeaway.split_of(takeaway.labelled(await bench.samples()), str(bench.project.pipeline))
    if bench.trainer.is_running:
        raise Conflict("a network is being trained already; stop it first")
    training = bench.trainer.begin(split, str(asked.get("start", "bundled")), asked.get("epochs", 5))
    bench.in_background(bench.follow_training())
    return JSONResponse(training.to_dict(), 201)


async def stop_training(bench: Workbench, _: Request) -> Response:
    """End the training; what it ended with is told when it is there."""
    if bench.trainer.training is None:
        raise Conflict("nothing is being trained")
    bench.trainer.stop()
    return JSONResponse(bench.trainer.training.to_dict())


async def set_network(bench: Workbench, request: Request) -> Response:
    """Which network reads from now on."""
    bench.project.set_network(str((await asked_of(request)).get("network", "")))
    bench.publish_network()
    return JSONResponse({"network": bench.project.record.network})


async def network_file(bench: Workbench, _: Request) -> Response:
    """The network that was trained here."""
    file = bench.project.trained_file
    if file is None:
        raise Conflict("no network has been trained here yet")
    return _download(File("digits-network.npz", file.read_bytes()))


async def evaluation(bench: Workbench, request: Request) -> Response:
    """How many of the labelled digits a network reads right, and which it does not."""
    name = str((await asked_of(request)).get("network", bench.project.record.network))
    file = bench.project.file_of(name)
    chosen = takeaway.labelled(await bench.samples())
    return JSONResponse(await asyncio.to_thread(_evaluated, chosen, file))


def _evaluated(samples: list[Sample], file: Path | None) -> dict[str, Any]:
    model, split = load_model(file), takeaway.split_of(samples, "")
    if reason := mismatch(split.images.shape[1:], model):
        raise DataError(reason)
    found = evaluate(model, split, hardest=MOST_WRONG)
    wrong = [
        {
            "photo": samples[answer.index].photo.id,
            "key": samples[answer.index].key,
            "label": answer.label,
            "digit": answer.prediction,
            "confidence": answer.confidence,
        }
        for answer in found.mistakes
    ]
    return {
        "count": found.count,
        "right": found.correct,
        "accuracy": found.accuracy,
        "interval": list(found.accuracy_interval),
        "confusion": found.confusion.tolist(),
        "wrong": wrong,
    }


def _download(file: File) -> Response:
    headers = {"content-disposition": f'attachment; filename="{file.name}"'}
    return Response(file.data, headers=headers, media_type="application/octet-stream")
