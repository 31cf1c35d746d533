"""The public names: each leads to what its module defines, and what a type checker sees is what there is."""

import ast
import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from page_blocks import blocks
from pages import PAGES

import digitprep as dp

SOURCE = Path(dp.__file__).read_text(encoding="utf-8")
LAYERS = "flatten | dense(width=4)"
SHOWN = "".join(block.text for page in PAGES for block in blocks(page) if block.kind == "python")


def is_error(name):
    return inspect.isclass(value := getattr(dp, name)) and issubclass(value, dp.DigitprepError)


@pytest.mark.parametrize("name", dp.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert getattr(dp, name).__doc__
    assert getattr(dp, name).__name__ == name


@pytest.mark.parametrize("name", [name for name in dp.__all__ if not is_error(name)])
def test_every_public_name_is_shown_at_work(name):
    """On a page, in a block that test_pages.py runs; errors have a page of their own."""
    assert re.search(rf"\bdp\.{name}[(.]", SHOWN)


def test_type_checkers_are_told_the_same_names_from_the_same_modules():
    told = {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("digitprep.")
        for alias in node.names
        if alias.asname == alias.name
    }
    assert {name for _, name in told} == set(dp.__all__)
    for module, name in told:
        assert getattr(dp, name) is getattr(sys.modules[module], name)


def test_a_name_that_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'digitprep' has no attribute 'reed'"):
        dp.reed  # noqa: B018


def test_networks_come_and_go_by_the_public_names(tmp_path):
    """A model exported is opened again; the parameters of another program's network are loaded."""
    from safetensors.numpy import save_file

    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8), np.uint8)
    model = dp.Model.build(LAYERS, (8, 8), classes=4, seed=3)
    expected = model.probabilities(images)
    dp.export_onnx(model, tmp_path / "m.onnx")
    found = dp.open_model(tmp_path / "m.onnx").probabilities(images)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    save_file({f"fc.{name}": array for name, array in model.params[1].items()}, tmp_path / "m.safetensors")
    loaded = dp.open_model(tmp_path / "m.safetensors", network=LAYERS, image_shape=(8, 8))
    np.testing.assert_array_equal(loaded.probabilities(images), expected)
