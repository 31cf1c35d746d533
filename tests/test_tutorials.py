"""The tables of the tutorials say what their pages, the README and the benches say."""

import re

import pytest
from page_blocks import blocks
from pages import ROOT

INDEX = ROOT / "docs" / "tutorials" / "index.md"
PAGES = sorted(page for page in INDEX.parent.glob("*.md") if page != INDEX)
over_pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def cells(page, first):
    """The other cells of a page's row that begins with these words."""
    lines = page.read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith(f"| {first}"))
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def lines_of(page, kind, heading):
    """The lines of one kind of blocks in a page's section, empty ones aside."""
    section = page.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    shown = (block.text for block in blocks(page) if block.kind == kind and block.text in section)
    return [line for text in shown for line in text.splitlines() if line.strip()]


@over_pages
def test_the_lines_to_write_are_those_on_the_page(page):
    commands = [
        line for line in lines_of(page, "console", "With digitprep") if line.startswith("$ digitprep ")
    ]
    counts = [len(lines_of(page, "python", "Their way")), len(commands)]
    assert counts == [int(count) for count in cells(page, "lines to write")]


@over_pages
def test_the_sample_photos_that_are_right_are_those_that_the_page_counts(page):
    text = page.read_text(encoding="utf-8")
    theirs, ours = (int(count) for count in cells(page, "of these 20 photos, read right"))
    for right in (theirs, ours):
        assert f"{right} of 20 are right" in text or f"{right / 20:.2%} of 20 images are right" in text
    assert cells(INDEX, f"[{title(page)}]({page.name})")[-1] == f"{theirs} of 20 → {ours} of 20"


@over_pages
def test_strangers_photos_are_read_as_the_five_side_by_side_say(page):
    network = re.search(r"--model (\w+)\b", page.read_text(encoding="utf-8"))[1]
    _, *shares = (cell.split(" (")[0] for cell in cells(INDEX, f"`{network}`"))
    theirs, ours = cells(page, "of 527 photos, trained on all of MNIST")
    assert theirs in shares[:-1]
    assert ours == shares[-1]


@over_pages
def test_the_networks_accuracy_is_the_readmes(page):
    network = re.search(r"--model (\w+)\b", page.read_text(encoding="utf-8"))[1]
    accuracy = cells(ROOT / "README.md", f"`{network}` |")[1].split(" (")[0]
    assert accuracy == cells(INDEX, f"`{network}`")[0]
    assert accuracy in page.read_text(encoding="utf-8")


def test_the_speeds_of_formats_are_the_readmes():
    readme, tutorials = ROOT / "README.md", INDEX.parent
    rows = (cells(readme, f"`pngjson`: {way} |")[0] for way in ("read", "write"))
    reading, writing = (re.search(r"the tutorials' loop with Pillow ([\d.]+)", row)[1] for row in rows)
    assert cells(tutorials / "png-json-npz.md", "PNG files, times as fast")[1] == f"{reading}, {writing}"
    of_csv = cells(tutorials / "strided-cnn.md", "CSV files, times as fast")[1]
    assert cells(readme, "`csv`: read, write")[0].startswith(f"`csv` {of_csv};")


def title(page):
    return page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
