"""Docstrings as this project writes them, in reStructuredText for Sphinx.

They are plain text with `code` in single backticks, indented examples, lists of `name: what it is` and
sentences that begin with `Raises`. Here they get their markup; names that have a place in the reference
become links to it.
"""

from __future__ import annotations

import inspect
import re
import textwrap

import digitprep
from digitprep import errors
from digitprep.docstrings import blocks, entries

ERRORS = [
    name
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, errors.DigitprepError)
]
SHAPES = re.compile(r"\([^:`]*?\) -> \([^:`]*?\)(?=: )")

ARRAY = re.compile(r"~numpy\.ndarray\[tuple\[~typing\.Any, \.\.\.\], ~numpy\.dtype\[([^\]]*)\]\]")


def error_name(name: str) -> str:
    """The name of an error as users import it."""
    return f"digitprep.{name}" if name in digitprep.__all__ else f"digitprep.errors.{name}"


def inline(text: str) -> str:
    """A piece of a docstring's prose with its markup."""
    parts = re.split(r"`([^`]+)`", SHAPES.sub(r"`\g<0>`", text, count=1))
    return "".join(_code(part) if index % 2 else _prose(part) for index, part in enumerate(parts))


def _code(text: str) -> str:
    """A link to a public name, where that is meant: `Split`, `digitprep.read`, not the `read` of formats."""
    name = text.removeprefix("digitprep.").removeprefix("dp.")
    is_public = name in digitprep.__all__ and (name != text or name[0].isupper())
    return f":py:obj:`~digitprep.{name}`" if is_public else f"``{text}``"


def _prose(text: str) -> str:
    escaped = re.sub(r"[\\*|]|(?<=\w)_(?!\w)", r"\\\g<0>", text).replace("->", "→")
    return re.sub(rf"\b({'|'.join(ERRORS)})\b", lambda found: f":py:exc:`~{error_name(found[1])}`", escaped)


def as_rst(docstring: str | None) -> str:
    """A whole docstring."""
    joined: list[str] = []
    for block in blocks(docstring):
        if joined and _is_code(block) and _is_code(joined[-1]):  # one example, with a blank line in it
            joined[-1] += f"\n\n{block}"
        else:
            joined.append(block)
    return "\n\n".join(filter(None, map(_block, joined)))


def _is_code(block: str) -> bool:
    return block.startswith("    ")


def _block(block: str) -> str:
    if block.lstrip().startswith(">>> "):
        return textwrap.dedent(block)
    if _is_code(block):
        return code_block(textwrap.dedent(block))
    listed = entries(block)
    if listed:
        return "\n\n".join(
            f"{', '.join(f'``{name}``' for name in names)}\n   {inline(text)}" for names, text in listed
        )
    return inline(block)


def process_docstring(
    app: object,  # noqa: ARG001 - as the next ones, Sphinx gives it
    what: str,  # noqa: ARG001
    name: str,  # noqa: ARG001
    value: object,  # noqa: ARG001
    options: object,  # noqa: ARG001
    lines: list[str],
) -> None:
    """Give each docstring that autodoc has found its markup."""
    lines[:] = as_rst("\n".join(lines)).splitlines()


def process_signature(
    app: object,  # noqa: ARG001
    what: str,  # noqa: ARG001
    name: str,  # noqa: ARG001
    value: object,  # noqa: ARG001
    options: object,  # noqa: ARG001
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Write the type of an array as it stands in the source."""
    return _arrays(signature), _arrays(returned)


def _arrays(text: str | None) -> str | None:
    return text and ARRAY.sub(r"~numpy.typing.NDArray[\1]", text)


def heading(title: str, line: str = "=") -> str:
    """A heading, of the level that the line under it means."""
    return f"{title}\n{line * len(title)}"


def code_block(text: str) -> str:
    """Text as it is typed; a line of its own may be long."""
    options = "" if "\n" in text else "   :class: one-line\n"
    return f".. code-block:: text\n{options}\n{textwrap.indent(text, '   ')}"


def class_block(name: str) -> str:
    """A class with all that is public of it, and how it is called and indexed."""
    return f".. autoclass:: {name}\n   :members:\n   :special-members: __call__, __getitem__"


def page(title: str, *parts: str) -> str:
    """A page of these parts."""
    return "\n\n".join([heading(title), *filter(None, parts)]) + "\n"
