"""Every command block of the documentation is run, and prints what the page shows.

The Chinese README shows the blocks of the English one, so they are run there.
"""

import re

import pytest
from page_blocks import FENCE, Block, Command, blocks
from page_lines import PLAY, TRAINED, alike
from pages import ENGLISH, PAGES, Reader
from places import ROOT

CHINESE = ROOT / "README.zh-CN.md"
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)]+)\)")
# What a translation leaves as it is: numbers, and what is set as code.
KEPT = re.compile(r"`[^`]+`|\d+(?:[.,]\d+)*")


def over(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.relative_to(ROOT).as_posix())


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A page that a test writes."""
    monkeypatch.setattr("pages.ROOT", tmp_path)
    return tmp_path / "page.md"


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
        (["test: 97.20% are right"], ["test: 95.20% are right"]),
        (["loss 0.3049"], ["loss 0.3251"]),
        (["mine.npz: 410,442 bytes"], ["mine.npz: 410,290 bytes"]),
    ],
)
def test_below_a_training_more_may_differ(shown, found):
    assert alike(shown, found, TRAINED)
    assert not alike(shown, found, PLAY)


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
    assert not alike(shown, found, TRAINED)


def test_a_page_whose_command_prints_something_else_is_told_with_its_place(reader, page):
    page.write_text("# A page\n\n```console\n$ echo one\none\n$ echo two\nthree\n```\n")
    with pytest.raises(
        AssertionError, match=r"md, line 4: \$ echo two\nthe page shows:\nthree\nit pr.*\ntwo"
    ):
        reader.read(page)


def test_a_page_may_interrupt_and_go_on_beside_what_runs_in_the_background(reader, page):
    page.write_text(
        "```console\n$ sleep 100 &\n$ trap 'echo interrupted; exit' INT; echo begun; sleep 100\nbegun\n^C\n"
        "interrupted\n```\n```python\nprint(6 * 7)\n```\n```text\n42\n```\n"
    )
    reader.read(page)
    assert len(reader.background) == 1
    assert [block.kind for block in blocks(page)] == ["console", "python", "text"]


def test_a_block_that_imports_what_is_missing_is_left_out_and_told_after_the_rest(reader, page):
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


def test_a_block_whose_data_are_missing_is_left_out_and_told_after_the_rest(
    reader, page, monkeypatch, tmp_path
):
    page.write_text(
        "<!-- data: mnist -->\n```console\n$ ls mnist\nthere\n```\n```console\n$ echo one\none\n```\n"
    )
    monkeypatch.setattr("page_blocks.DATA", tmp_path / "data")
    with pytest.raises(pytest.skip.Exception, match="no shared data 'mnist' for line 3; the rest was run"):
        reader.read(page)
    page.write_text(page.read_text().replace("\none\n", "\ntwo\n"))
    with pytest.raises(AssertionError, match="the page shows:\ntwo"):
        reader.read(page)


def test_data_that_are_there_are_found_where_the_page_is_run(reader, page, monkeypatch, tmp_path):
    (tmp_path / "data" / "mnist" / "there").mkdir(parents=True)
    for module in ("pages", "page_blocks"):
        monkeypatch.setattr(f"{module}.DATA", tmp_path / "data")
    block = "<!-- data: mnist -->\n```console\n$ ls mnist\nthere\n```\n"
    page.write_text(2 * block)
    reader.read(page)


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 1\n```\n```text\n1\n```\n",
        "```python\nprint(1)\n```\n```console\n$ true\n```\n",
        "```python\nprint(1)\n```\n",
        "```python\nprint(1)\n```\n```text\n```\n",
    ],
    ids=["a text that is not printed", "no text but a command", "no text", "an empty text"],
)
def test_what_python_prints_is_on_the_page_and_nothing_else(reader, page, text):
    page.write_text(text)
    with pytest.raises(AssertionError, match="the page shows"):
        reader.read(page)


def test_a_page_trains_from_where_it_says_so_on(reader, page):
    wide = "```python\nprint('97.20%')\n```\n```text\n95.20%\n```\n"
    page.write_text(f"<!-- trains -->\n{wide}")
    reader.read(page)
    page.write_text(f"{wide}<!-- trains -->\n")
    with pytest.raises(AssertionError, match="the page shows:\n95"):
        reader.read(page)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("false", 1),
        ("echo something; exit 3\nsomething", 3),
        ("echo 'digitprep: an error'\ndigitprep: an error", 0),
    ],
)
def test_a_command_fails_where_the_page_shows_an_error_and_nowhere_else(reader, page, command, code):
    page.write_text(f"```console\n$ {command}\n```\n")
    with pytest.raises(AssertionError, match=f"it ended with exit code {code}"):
        reader.read(page)


@pytest.mark.parametrize("words", ["info none", "info none; exit $?"], ids=["in this process", "in another"])
def test_the_exit_code_of_digitprep_is_looked_at(reader, words):
    block = Block("console", "", 1)
    shown = "digitprep: none: cannot be read: No such file or directory"
    reader.do(Command(f"digitprep {words}", [shown]), block, "here")
    with pytest.raises(AssertionError, match="here\nit ended with exit code 3"):
        reader.do(Command(f"digitprep {words}", ["..."]), block, "here")


def test_errors_and_differences_that_a_page_shows_may_be(reader, page):
    error = "$ echo 'digitprep: no'; exit 3\ndigitprep: no\n"
    page.write_text(f"```console\n{error}$ echo different: A; false\ndifferent: A\n```\n")
    reader.read(page)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```text\ndigitprep list formats\n```\n", "line 2: expected `console`"),
        ("```text\n$ ls\n```\n", "line 2: expected `console`"),
        ("```bash\nls\n```\n", "found 'bash'"),
        ("- a list\n\n  ```console\n  $ false\n  ```\n", "the marks of 0 blocks, found 2"),
        ("~~~console\n$ false\n~~~\n", "the marks of 0 blocks, found 2"),
        ("```console\n$ true\n", "the marks of 0 blocks, found 1"),
    ],
    ids=["a command as text", "a line to type as text", "another kind", "in a list", "tildes", "not closed"],
)
def test_blocks_that_would_not_be_run_are_told(page, text, said):
    page.write_text(text)
    with pytest.raises(AssertionError, match=said):
        blocks(page)
