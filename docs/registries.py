"""The pages of everything that has a name: what is registered, and the named texts."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from digitprep import nn
from digitprep.cli.listing import as_options
from digitprep.docstrings import blocks, described_fields, entries
from digitprep.downloads.catalog import SOURCES
from digitprep.formats import FORMATS, Format
from digitprep.recipes import RECIPES
from digitprep.spec import Registry
from digitprep.steps import STEPS, Step
from digitprep.values import literal
from house_style import as_rst, class_block, code_block, heading, inline, page

# Of each registry a line on what is in it, and the contract that it fulfils.
KINDS: list[tuple[str, Registry[Any], str, type | None]] = [
    ("formats", FORMATS, "Ways to keep a dataset, for `digitprep convert` and `digitprep.read`.", Format),
    ("steps", STEPS, "What can be done to one image; joined by `|` they are a `digitprep.Pipeline`.", Step),
    ("layers", nn.LAYERS, "What networks are made of, joined by `|`.", nn.Layer),
    ("losses", nn.LOSSES, "What training makes small.", nn.Loss),
    ("optimizers", nn.OPTIMIZERS, "How training moves the parameters.", nn.Optimizer),
    ("schedules", nn.SCHEDULES, "How the learning rate changes over a run.", nn.Schedule),
    ("augmentations", nn.AUGMENTATIONS, "How training varies the images, joined by `|`.", nn.Augmentation),
    ("inputs", nn.INPUTS, "How the networks of other programs take their images.", None),
]


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    texts = {
        "recipes": _texts_page(
            "recipe",
            "Pipelines by name, for `digitprep clean --recipe` and `digitprep.prepare`.",
            {name: [recipe.summary, recipe.steps] for name, recipe in RECIPES.items()},
        ),
        "networks": _texts_page(
            "network",
            "Networks by name, for `digitprep train --model`: their layers, and how they are trained "
            "unless other options are given.",
            {
                name: [network.summary, network.layers, as_options(network.training)]
                for name, network in nn.ZOO.items()
            },
        ),
        "datasets": _texts_page(
            "dataset",
            "Datasets by name, for `digitprep download` and `digitprep.download`.",
            {name: [source.summary, "\n".join(source.mirrors)] for name, source in SOURCES.items()},
        ),
    }
    return {kind[0]: _registry_page(*kind) for kind in KINDS} | texts


def _texts_page(kind: str, summary: str, texts: dict[str, list[str]]) -> str:
    """Named texts: of each its name, a line on it, and the text itself with what belongs to it."""
    sections = [
        "\n\n".join([_titled(kind, name), f"{inline(line)}.", *map(code_block, lines)])
        for name, (line, *lines) in texts.items()
    ]
    return page(f"{kind.capitalize()}s", inline(summary), *sections)


def _registry_page(title: str, registry: Registry[Any], summary: str, contract: type | None) -> str:
    """All that is registered, then what makes a class one of these."""
    links = ", ".join(f":ref:`{name} <{_label(registry.kind, name)}>`" for name in registry)
    sections = [f"{links}.", *(_spec_section(registry, name) for name in registry)]
    if contract:
        sections += [
            heading(f"What {'an' if title[0] in 'aeiou' else 'a'} {registry.kind} is", "-"),
            as_rst(sys.modules[contract.__module__].__doc__),
            class_block(f"{contract.__module__}.{contract.__qualname__}"),
        ]
    return page(title.capitalize(), inline(summary), *sections)


def _spec_section(registry: Registry[Any], name: str) -> str:
    """One registered spec: its text with all defaults, what it does, and each of its options."""
    cls = registry[name]
    prose = "\n\n".join(block for block in blocks(cls.__doc__) if not entries(block))
    return "\n\n".join(
        [
            _titled(registry.kind, name),
            code_block(registry.template(name)),
            as_rst(prose),
            *_options(registry, name),
            f"Class ``{cls.__module__}.{cls.__qualname__}``",
        ]
    )


def _titled(kind: str, name: str) -> str:
    return f".. _{_label(kind, name)}:\n\n{heading(name, '-')}"


def _label(kind: str, name: str) -> str:
    """What a page calls it to link to it: `step-keep-digit`."""
    return f"{kind}-{name.replace('_', '-')}"


def _options(registry: Registry[Any], name: str) -> list[str]:
    """Each option with its default, what it takes and what it is, as entries of a definition list."""
    said, accepted = described_fields(registry[name]), registry.accepted(name)
    listed = []
    for field in dataclasses.fields(registry[name]):
        takes = f"Takes {accepted[field.name]}"
        if field.default is not dataclasses.MISSING:
            takes += f"; ``{literal(field.default)}`` unless given"
        listed.append(f"``{field.name}``\n   {inline(said.get(field.name, ''))}\n\n   {takes}.")
    return listed
