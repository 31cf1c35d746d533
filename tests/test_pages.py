"""Every command block of the documentation is run, and prints what the page shows.

The Chinese README shows the blocks of the English one, so they are run there.
"""

import re

import pytest
from pages import FENCE, ROOT, Reader, alike, blocks

ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = sorted([ENGLISH, *ROOT.glob("docs/how-to/*.md"), *ROOT.glob("docs/tutorials/*.md")])
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)]+)\)")
# What a translation leaves as it is: numbers, and what is set as code.
KEPT = re.compile(r"`[^`]+`|\d+(?:[.,]\d+)*")


def over(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.relative_to(ROOT).as_posix())


@pytest.fixture
def reader(tmp_path):
    (tmp_path / "here").mkdir()
    reading = Reader(tmp_path / "here", tmp_path / "programs")
    yield reading
    reading.close()


@over(PAGES)
def test_what_a_page_shows_is_what_happens(reader, page):
    reader.read(page)


@over([*PAGES, CHINESE])
def test_the_links_of_a_page_lead_somewhere(page):
    for _, target in LINK.findall(prose(page)):
        if not target.startswith("http"):
            name, _, heading = target.partition("#")
            file = page.parent / name if name else page
            assert file.exists(), target
            assert not heading or heading in anchors(file), target


def prose(page):
    """The text of a page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page):
    """What the headings of a page are called in addresses: small letters, digits, and `-` for a blank."""
    headings = [heading.lower() for _, heading in HEADING.findall(prose(page))]
    return [re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in headings]


def fenced_blocks(page):
    return [(block.kind, block.text) for block in blocks(page)]


def levels_of_headings(page):
    return [len(marks) for marks, _ in HEADING.findall(prose(page))]


def pictures_and_links(page):
    """Where they lead: within the page to the number of a heading, to the other README as such."""
    others = {"README.md": "the other README", "README.zh-CN.md": "the other README"}
    return [
        (mark, anchors(page).index(target[1:]) if target.startswith("#") else others.get(target, target))
        for mark, target in LINK.findall(prose(page))
    ]


def kept_in_tables(page):
    """By rows and cells."""
    rows = [line.strip("|").split("|") for line in prose(page).splitlines() if line.startswith("|")]
    return [[KEPT.findall(cell) for cell in row] for row in rows]


def kept_in_sections(page):
    """In no order, as sentences are built in another."""
    sections = re.split(r"^#+ .+$", prose(page), flags=re.MULTILINE)
    return [sorted(" ".join(kept.split()) for kept in KEPT.findall(section)) for section in sections]


@pytest.mark.parametrize(
    "part", [fenced_blocks, levels_of_headings, pictures_and_links, kept_in_tables, kept_in_sections]
)
def test_the_chinese_readme_has_of_the_english_one_all(part):
    assert part(CHINESE) == part(ENGLISH)


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        (["a: 20 images"], ["a: 20 images"]),
        (["test: 97.20% are right"], ["test: 97.61% are right"]),
        (["loss 0.3049, 43215 images/s"], ["loss 0.3051, 9 images/s"]),
        (["mine.npz: 410,442 bytes"], ["mine.npz: 410,290 bytes"]),
        (["http://127.0.0.1:39373/_bf0c/"], ["http://127.0.0.1:80/other/"]),
        (["first", "...", "last"], ["first", "1", "2", "last"]),
        (["first", "..."], ["first"]),
    ],
)
def test_what_depends_on_the_machine_may_differ(shown, found):
    assert alike(shown, found)


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        (["a: 20 images"], ["a: 21 images"]),
        (["test: 97.20% are right"], ["test: 91.10% are right"]),
        (["mine.npz: 410,442 bytes"], ["mine.npz: 310,290 bytes"]),
        (["loss 0.3049"], ["loss 0.9"]),
        (["one"], ["one", "two"]),
        (["one", "two"], ["one"]),
        (["first", "...", "last"], ["first", "1"]),
        (["100%"], ["nothing"]),
        ([], ["Traceback"]),
    ],
)
def test_anything_else_that_a_page_does_not_show_is_told(shown, found):
    assert not alike(shown, found)


def test_a_page_whose_command_prints_something_else_is_told_with_its_place(reader, monkeypatch, tmp_path):
    monkeypatch.setattr("pages.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```console\n$ echo one\none\n$ echo two\nthree\n```\n")
    with pytest.raises(
        AssertionError, match=r"md, line 4: \$ echo two\nthe page shows:\nthree\nit pr.*\ntwo"
    ):
        reader.read(page)


def test_a_page_may_interrupt_and_go_on_beside_what_runs_in_the_background(reader, monkeypatch, tmp_path):
    monkeypatch.setattr("pages.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ sleep 100 &\n$ trap 'echo interrupted; exit' INT; echo begun; sleep 100\nbegun\n^C\n"
        "interrupted\n```\n```python\nprint(6 * 7)\n```\n```text\n42\n```\n"
    )
    reader.read(page)
    assert len(reader.background) == 1
    assert [block.kind for block in blocks(page)] == ["console", "python", "text"]


def test_a_block_that_imports_what_is_missing_is_left_out_and_told_after_the_rest(
    reader, monkeypatch, tmp_path
):
    monkeypatch.setattr("pages.ROOT", tmp_path)
    page = tmp_path / "page.md"
    left_out = "<!-- imports: sys no_such -->\n```python\nimport no_such\n```\n```text\n7\n```\n"
    page.write_text(left_out + "<!-- imports: sys -->\n\n```python\nprint(6)\n```\n```text\n6\n```\n")
    assert [block.line for block in blocks(page)] == [3, 6, 11, 14]
    with pytest.raises(
        pytest.skip.Exception, match="could not import 'no_such' for line 3; the rest was run"
    ):
        reader.read(page)
    page.write_text(left_out + "```console\n$ echo one\ntwo\n```\n")
    with pytest.raises(AssertionError, match="the page shows:\ntwo"):
        reader.read(page)
