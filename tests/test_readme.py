"""What the README shows is true."""

import re
import shlex
from itertools import takewhile
from pathlib import Path

import pytest
import typer

import digitprep as dp
from digitprep.cli import app
from digitprep.recipes import RECIPES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

COMMANDS = re.findall(r"^\$ digitprep (.+)$", README, re.MULTILINE)


def test_the_recipe_in_the_readme_is_the_default_one():
    folded = " ".join(README.split())
    assert RECIPES["mnist"].steps in folded


def test_the_links_of_the_readme_lead_somewhere():
    headings = {
        "#" + re.sub(r"[^a-z ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("http") or target in headings or (ROOT / target).exists(), target


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_of_the_readme_have_these_arguments_and_options(line):
    """Each is read as the command line reads it, up to a redirection or a pipe; nothing is run."""
    name, *arguments = takewhile(lambda word: word not in ("|", "2>"), shlex.split(line))
    typer.main.get_command(app).commands[name].make_context(name, arguments)


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    dp.write(dp.read(ROOT / "samples" / "digits" / "idx"), tmp_path / "mnist", format="idx")
    (tmp_path / "photo.jpg").write_bytes((ROOT / "samples" / "photos" / "03.jpg").read_bytes())
    (tmp_path / "mine.npz").write_bytes((ROOT / "digitprep" / "nn" / "weights" / "digitnet.npz").read_bytes())
    names = {}
    exec(code.replace("epochs=1", "epochs=1, validation=100"), names)
    assert names["image"].shape == (28, 28)
    assert names["digit"] == 2
