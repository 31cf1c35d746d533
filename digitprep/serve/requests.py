"""What a request asks for, taken out of it and checked."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from digitprep.errors import UsageError
from digitprep.serve.entries import Photo
from digitprep.serve.workbench import Workbench


async def asked_of(request: Request) -> dict[str, Any]:
    """The object in a request's body, an empty one where there is no body.

    Raises UsageError for anything else.
    """
    body = await request.body()
    try:
        found = json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise UsageError(f"expected JSON, found something else ({error})") from None
    if not isinstance(found, dict):
        raise UsageError("expected an object of JSON, found something else")
    return found


def revision_of(asked: dict[str, Any]) -> int:
    """The revision of what a person saw when that person changed it."""
    found = asked.get("revision")
    if type(found) is not int:
        raise UsageError("a change needs the revision of what it changes, a whole number")
    return found


def photo_of(bench: Workbench, request: Request) -> Photo:
    """The photo that an address names. Raises UsageError where there is none."""
    return bench.project.photo(int(request.path_params["number"]))
