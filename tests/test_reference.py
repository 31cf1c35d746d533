"""The pages that Sphinx makes of docstrings and registries leave nothing out, and nothing empty."""

import re
import sys

import pytest
import typer
from places import ROOT
from raising import ERRORS

import digitprep as dp
from digitprep.cli import app
from digitprep.cli.listing import Kind, list_names

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def pages():
    """The text of each page by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(DOCS), *sys.path])
        from reference import all_pages

        return all_pages()


def headings(page):
    return re.findall(r"^(.+)\n-+$", page, re.MULTILINE)


@pytest.mark.parametrize("kind", Kind.__args__)
def test_all_that_list_knows_has_a_section(pages, kind, capsys):
    list_names(kind)
    listed = re.findall(r"^(\w[\w-]*)", capsys.readouterr().out, re.MULTILINE)
    assert headings(pages[{"models": "networks"}.get(kind, kind)])[: len(listed)] == listed


def test_every_command_has_a_section(pages):
    commands = typer.main.get_command(app).commands
    assert headings(pages["commands"]) == [f"digitprep {name}" for name in commands]


def test_every_public_name_and_every_error_stands_there(pages):
    named = re.findall(
        r"^\.\. auto\w+:: digitprep\.(?:errors\.)?(\w+)$", "\n".join(pages.values()), re.MULTILINE
    )
    assert sorted({*dp.__all__, *ERRORS}) == sorted(named)


def test_every_page_is_in_the_index(pages):
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^reference/(\w+)$", index, re.MULTILINE)) == sorted(pages)


def test_nothing_that_is_described_is_described_by_nothing(pages):
    """Each entry of a list goes on indented, each heading with something else than another heading."""
    for name, page in pages.items():
        assert re.findall(r"^(``.+``)\n *\n", page, re.MULTILINE) == [], name
        assert re.findall(r"^(.+)\n[-=]+\n+.+\n[-=]+$", page, re.MULTILINE) == [], name
