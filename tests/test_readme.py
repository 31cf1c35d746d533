"""What the README says besides its commands, which tests/test_pages.py runs, is true."""

from pathlib import Path

from digitprep.recipes import RECIPES

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_recipe_in_the_readme_is_the_default_one():
    assert RECIPES["mnist"].steps in " ".join(README.split())
