"""The page of the command line: each command with its arguments and options, as `--help` tells them."""

from __future__ import annotations

from typing import Any

import typer.main

from digitprep.cli import app
from house_style import as_rst, code_block, heading, inline, page

KINDS_OF_VALUE = {"<int range>": "N", "<float range>": "NUMBER", "<str>": "TEXT", "<path>": "PATH"}


def pages() -> dict[str, str]:
    """The text of the page by its name."""
    group: Any = typer.main.get_command(app)
    parent = group.make_context("digitprep", ["--help"], resilient_parsing=True)
    links = ", ".join(f":ref:`{name} <command-{name}>`" for name in group.commands)
    sections = [_section(name, group.commands[name], parent) for name in group.commands]
    return {"commands": page("Commands", inline(group.help), f"{links}.", *sections)}


def _section(name: str, command: Any, parent: Any) -> str:
    """One command: how it is called, what it does, what it takes."""
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    words, entries = ["digitprep", name], []
    for parameter in command.get_params(context):
        called, said = parameter.get_help_record(context)
        if parameter.param_type_name == "argument":
            word, _, kind = called.partition(" ")
            more = "..." if parameter.nargs == -1 else ""
            words.append(f"{word}{more}" if parameter.required else f"[{word}]{more}")
            called = word if "|" not in kind else f"{word}: {kind.strip('<>')}"
        for kind, shown in KINDS_OF_VALUE.items():
            called = called.replace(kind, shown)
        entries.append(f"``{called.replace('<', '').replace('>', '')}``\n   {inline(said)}")
    return "\n\n".join(
        [
            f".. _command-{name}:\n\n{heading(f'digitprep {name}', '-')}",
            code_block(" ".join([*words, "[OPTIONS]"])),
            as_rst(command.help),
            *entries,
        ]
    )
