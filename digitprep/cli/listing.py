"""The command that lists what there is to choose from, as text that can be copied into other commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import typer

Kind = Literal[
    "datasets",
    "formats",
    "steps",
    "recipes",
    "models",
    "layers",
    "losses",
    "optimizers",
    "schedules",
    "augmentations",
    "inputs",
]


def list_names(kind: Annotated[Kind, typer.Argument(metavar="KIND", help="What to list.")]) -> None:
    """List what there is to choose from: each as text with its defaults, and on it what it takes."""
    for name, *lines in _entries(kind):
        print(name, *lines, sep="\n    ")


def _entries(kind: Kind) -> Iterator[list[str]]:
    """What there is of a kind: its text, then lines on it."""
    if kind == "recipes":
        from digitprep.recipes import RECIPES

        for name, recipe in RECIPES.items():
            yield [name, recipe.summary, recipe.steps]
    elif kind == "datasets":
        from digitprep.downloads.catalog import SOURCES

        for name, source in SOURCES.items():
            size = sum(file.size for file in source.files)
            yield [name, source.summary, f"{size / 1e6:.0f} MB to download"]
    elif kind == "models":
        from digitprep.nn.zoo import ZOO

        for name, network in ZOO.items():
            yield [name, network.summary, network.layers, as_options(network.training)]
    else:
        registry = _registry(kind)
        for name in registry:
            yield [registry.template(name), registry.summary(name), *_options(registry, name)]


def _options(registry: Any, name: str) -> Iterator[str]:
    """A line on what each option takes, and one on what it is."""
    from digitprep.docstrings import described_fields

    accepted, said = registry.accepted(name), described_fields(registry[name])
    width = max(map(len, accepted), default=0)
    for option, values in accepted.items():
        yield f"{option:{width}}  {values}"
        if option in said:
            yield f"{'':{width}}  {said[option]}"


def as_options(training: dict[str, Any]) -> str:
    """Training options as `digitprep train` takes them."""
    return " ".join(
        f"--{name} {shlex.quote(str(value))}" for name, value in training.items() if value is not None
    )


def _registry(kind: Kind) -> Any:
    if kind == "formats":
        from digitprep.formats import FORMATS

        return FORMATS
    if kind == "steps":
        from digitprep.steps import STEPS

        return STEPS
    from digitprep import nn

    return getattr(nn, kind.upper())
