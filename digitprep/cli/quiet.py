"""The option that every command has: --quiet."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer

from digitprep.cli.terminal import Voice

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors, and show no progress.")
]


def with_quiet(command: Callable[..., None]) -> Callable[..., None]:
    """The same command with one option more, which it need not know."""

    @wraps(command)
    def hushed(*arguments: Any, quiet: bool = False, **options: Any) -> None:
        Voice.quiet = quiet
        command(*arguments, **options)

    hints: dict[str, Any] = get_type_hints(command, include_extras=True)
    given = [
        parameter.replace(annotation=hints[name])
        for name, parameter in inspect.signature(command).parameters.items()
    ]
    more = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet)
    hushed.__signature__ = inspect.Signature([*given, more])  # type: ignore[attr-defined]
    hushed.__annotations__ = hints | {"quiet": Quiet}
    return hushed
