"""What `digitprep list` prints: text that can be copied, and under each what it is and takes."""

import re
import shlex
from typing import get_args

import pytest
import typer
from registered import REGISTRIES

from digitprep import nn
from digitprep.cli import app
from digitprep.cli.listing import Kind, list_names
from digitprep.downloads.catalog import SOURCES
from digitprep.recipes import RECIPES


@pytest.fixture
def listed(capsys):
    """A function from a kind to what is listed of it: {text: lines under it}."""

    def listed_of(kind):
        list_names(kind)
        entries = re.findall(r"^(\S.*)\n((?: {4}.*\n)+)", capsys.readouterr().out, re.MULTILINE)
        return {text: [line.strip() for line in under.splitlines()] for text, under in entries}

    return listed_of


def test_every_kind_is_tested_here():
    assert {*REGISTRIES, "recipes", "models", "datasets"} == set(get_args(Kind))


@pytest.mark.parametrize("kind", REGISTRIES)
def test_the_text_of_each_is_read_back_with_its_defaults(listed, kind):
    entries, registry = listed(kind), REGISTRIES[kind]
    assert [text.partition("(")[0] for text in entries] == list(registry)
    for text, (summary, *lines) in entries.items():
        name = text.partition("(")[0]
        assert summary == registry.summary(name)
        assert [line.split()[0] for line in lines[::2]] == list(registry.accepted(name))
        if "..." not in text:
            assert registry.parse(text) == registry[name]()


def test_options_stand_with_their_defaults_choices_bounds_and_meaning(listed):
    steps = listed("steps")
    assert steps['resize(size=20, mode="fit")'][1:] == [
        "size  a whole number, between 1 and 4096",
        "the side of the box in pixels",
        'mode  one of "fit", "stretch"',
        '"fit" keeps the aspect and pads with paper, "stretch" does not',
    ]
    assert listed("layers")["dense(width=...)"][1].startswith("width  a whole number")


def test_recipes_are_listed_with_their_steps(listed):
    assert listed("recipes") == {name: [recipe.summary, recipe.steps] for name, recipe in RECIPES.items()}


def test_networks_are_listed_with_options_that_train_takes(listed):
    """What train reads of them is what it would use by itself."""
    models = listed("models")
    assert list(models) == list(nn.ZOO)
    train = typer.main.get_command(app).commands["train"]
    for name, (summary, layers, options) in models.items():
        network = nn.network(name)
        assert (summary, layers) == (network.summary, network.layers)
        read = train.make_context("train", ["mnist", "-o", "m.npz", *shlex.split(options)]).params
        assert {option: read[option] for option in network.training} == network.training


def test_each_dataset_stands_with_what_it_is_and_its_size(listed):
    datasets = listed("datasets")
    assert list(datasets) == list(SOURCES)
    assert datasets["mnist"] == [SOURCES["mnist"].summary, "12 MB to download"]
