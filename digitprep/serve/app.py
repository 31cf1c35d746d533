"""The addresses of the workbench, and how what goes wrong is told: the application that a server runs."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from digitprep.errors import DataError, DigitprepError, MissingExtra, ModelError, StepError, UsageError
from digitprep.serve import answers, results
from digitprep.serve.guard import Guard, TooLarge
from digitprep.serve.looking import Gone
from digitprep.serve.project import Conflict
from digitprep.serve.workbench import Workbench

PAGE = Path(__file__).parent / "page"
LOG = logging.getLogger("digitprep.serve")

Answer = Callable[[Workbench, Request], Awaitable[Response]]

ADDRESSES: list[tuple[str, str, Answer]] = [
    ("GET", "/api/project", answers.whole),
    ("GET", "/api/catalog", answers.choices),
    ("GET", "/api/events", answers.listen),
    ("POST", "/api/photos", answers.bring),
    ("PATCH", "/api/photos/{number:int}", answers.change),
    ("GET", "/api/photos/{number:int}/picture", answers.photo_picture),
    ("POST", "/api/photos/{number:int}/steps", answers.steps),
    ("POST", "/api/undo", answers.undo),
    ("POST", "/api/accept", answers.accept),
    ("PUT", "/api/pipeline", answers.set_pipeline),
    ("GET", "/api/export", results.export),
    ("GET", "/api/labels", results.labels),
    ("GET", "/api/recipe", results.recipe),
    ("GET", "/api/report", results.report),
    ("POST", "/api/training", results.train),
    ("DELETE", "/api/training", results.stop_training),
    ("PUT", "/api/network", results.set_network),
    ("GET", "/api/network/file", results.network_file),
    ("POST", "/api/evaluation", results.evaluation),
]

# What is told with which status; the first that fits.
STATUS: list[tuple[type[Exception], int]] = [
    (Conflict, 409),
    (TooLarge, 413),
    (UsageError, 400),
    (DataError, 422),
    (ModelError, 422),
    (StepError, 422),
    (MissingExtra, 501),
    (Gone, 499),
    (DigitprepError, 500),
]


def application(bench: Workbench, token: str, hosts: Iterable[str], is_open: bool = False) -> Any:
    """The workbench as an ASGI application.

    token: what every address begins with; without it nothing is answered
    hosts: the names, with their ports, under which the server is reached; is_open: any address, too
    """
    routes: list[Route | Mount] = [
        Route("/", _page),
        *(Route(path, _told(bench, answer), methods=[method]) for method, path, answer in ADDRESSES),
        Mount("/page", StaticFiles(directory=PAGE)),
    ]
    handlers: dict[Any, Any] = {HTTPException: _not_found, Exception: _failed}
    mounted = [Mount(f"/{token}", routes=routes)]
    app = Starlette(routes=mounted, lifespan=bench.running, exception_handlers=handlers)
    return Guard(app, token, hosts, bench.limits.bytes, is_open)


async def _not_found(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _failed(_: Request, error: Exception) -> Response:
    reason = f"the workbench failed at this ({type(error).__name__}); its terminal says more"
    return JSONResponse({"error": reason}, 500)


async def _page(_: Request) -> Response:
    return FileResponse(PAGE / "index.html")


def _told(bench: Workbench, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """An answer that tells what goes wrong as JSON, in one sentence."""

    async def told(request: Request) -> Response:
        try:
            return await answer(bench, request)
        except ClientDisconnect:
            return Response(status_code=499)
        except (DigitprepError, TooLarge) as error:
            status = next(number for kind, number in STATUS if isinstance(error, kind))
            level = logging.WARNING if status in (413, 422, 500) else logging.INFO
            LOG.log(level, "%s: %d, %a", request.method, status, str(error))
            return JSONResponse({"error": str(error)}, status)

    return told
