"""What CONTRIBUTING.md says is done as it stands there: one new file, and there is a new thing."""

import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass

import pytest
from page_blocks import blocks, commands
from pages import ROOT, Reader

PAGE = ROOT / "CONTRIBUTING.md"
TEXT = PAGE.read_text(encoding="utf-8")
FILE = re.compile(r"`(digitprep/\S+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Walk:
    """A section of the page: what is added, its file, that file's text, and the section as a whole."""

    kind: str
    file: str
    code: str
    section: str


WALKS = [
    Walk(section.partition("\n")[0], *FILE.search(section).groups(), section)
    for section in re.split(r"^### A |^## ", TEXT, flags=re.MULTILINE)
    if FILE.search(section)
]
over_walks = pytest.mark.parametrize("walk", WALKS, ids=[walk.kind for walk in WALKS])


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A copy of what the walks need: the package, the contracts, the golden files and the samples.

    What Python compiled comes along, as times of files do: no process has to compile the package again.
    """
    copy = tmp_path / "house"
    skipped = shutil.ignore_patterns("png", "*.pyc.*")  # what is being written at the moment
    for part in ("digitprep", "tests/contracts", "tests/golden", "samples/photos", "samples/digits"):
        shutil.copytree(ROOT / part, copy / part, ignore=skipped)
    for part in ("pyproject.toml", "tests/conftest.py", "tests/forked.py", "tests/golden_files.py"):
        shutil.copy(ROOT / part, copy / part)
    monkeypatch.setattr("pages.ROOT", copy)
    return copy


def files(folder):
    """What is in the package of a copy, by its bytes."""
    return {
        file: file.read_bytes()
        for file in (folder / "digitprep").rglob("*.*")
        if "__pycache__" not in file.parts
    }


def test_there_is_a_walk_for_a_step_a_layer_and_a_format():
    assert [walk.kind for walk in WALKS] == ["step", "layer", "format"]


@over_walks
def test_a_new_thing_is_one_new_file(walk, house, tmp_path):
    """The file of the page and no other, the laws of its kind, and its use from the command line."""
    before = files(house)
    (house / walk.file).write_text(walk.code, encoding="utf-8", newline="\n")
    reader = Reader(house, tmp_path / "programs")
    ran = 0
    for block in (block for block in blocks(PAGE) if block.kind == "console" and block.text in walk.section):
        for command in commands(block):
            if "pytest" in command.text:
                ran += passed(command.text, house, reader)
            else:
                reader.do(command, block, command.text)
    assert ran > 10
    assert files(house) == before | {house / walk.file: walk.code.encode()}


def passed(command, house, reader):
    """How many tests a command of the page ran, all of which have to pass."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=house,
        env=reader.environment() | {"HYPOTHESIS_STORAGE_DIRECTORY": str(house / ".hypothesis")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return len(re.findall(r"\.", "".join(re.findall(r"^(\.+) *\[ *\d+%\]$", done.stdout, re.MULTILINE))))


@over_walks
def test_what_the_page_shows_is_laid_out_as_the_rest(walk):
    for arguments in (["check"], ["format", "--check"]):
        linted = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", walk.file, "-"],
            cwd=ROOT,
            input=walk.code,
            capture_output=True,
            text=True,
            check=False,
        )
        assert linted.returncode == 0, linted.stdout + linted.stderr


def in_project():
    """Each package that pyproject.toml names, and the extras that name it."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = {"always": told["project"]["dependencies"]} | told["project"]["optional-dependencies"]
    groups["build"] = told["build-system"]["requires"]
    found = {}
    for group, lines in groups.items():
        for line in lines:
            package = re.match(r"[\w-]+", line)[0]
            if package != "digitprep":
                found.setdefault(package, []).append(group)
    return found


def test_every_dependency_stands_in_the_table_with_where_and_why():
    rows = re.findall(r"^\| ([\w-]+) \| ([a-z0-9, ]+) \| (.+) \|$", TEXT, re.MULTILINE)
    table = {package: where.split(", ") for package, where, _ in rows if package != "package"}
    assert table == in_project()
    assert all(len(why.split()) >= 3 for package, _, why in rows if package != "package")


def test_the_links_lead_somewhere():
    for page in (PAGE, ROOT / "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            file, _, heading = target.partition("#")
            assert target.startswith("http") or (ROOT / file).exists(), target
            assert not heading or f"\n## {heading.replace('-', ' ')}\n" in TEXT.lower(), target
