"""What the README says besides its commands, which tests/test_pages.py runs, is true."""

import re
import tomllib
from pathlib import Path

import pytest

from digitprep.conformance import INVARIANTS
from digitprep.recipes import RECIPES

TESTS = Path(__file__).resolve().parent
README, CHINESE = (
    (TESTS.parent / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")
)
# Numbers as the two write them in words.
WORDS, SIGNS = ["no", "one", "two", "three", "four", "five", "six"], "零一二三四五六"
# The attacks as the README has them, and the tests of each: functions, or cases of one, by name.
ATTACKS = {
    "`..`, absolute paths and drives in tar, npz, JSON and CSV": [
        "a tar member above the folder",
        "a tar member at an absolute path",
        "a tar member on another drive",
        "an npz member above the folder",
        "metadata.jsonl that names a file above",
        "metadata.csv that names a file above",
        "labels of pngjson for a file above",
        "test_photos_of_an_archive_are_written_nowhere_but_where_they_are_asked_for",
    ],
    "links and devices in archives, links out of folders, links in circles": [
        "a tar member that is a symbolic link",
        "a tar member that is a hard link",
        "a tar member that is a device",
        "a link to a file outside among pngjson's images",
        "a link to a file outside among class folders",
        "a link to a file outside among an imagefolder's",
        "test_links_and_devices_in_a_tar_are_told_and_never_followed",
        "test_links_are_neither_followed_out_of_a_folder_nor_in_circles",
    ],
    "pickles in npz, npy and models": [
        "a pickle in an npz",
        "a pickle in an npy",
        "a pickle in a model's npz",
        "a pickle that is called a model",
        "a pickle of PyTorch",
    ],
    "headers that promise terabytes; zip, gzip and PNG bombs": [
        "an idx header of terabytes",
        "an npz header of terabytes",
        "an npy header of terabytes",
        "a tar member of terabytes",
        "a BMP of terabytes",
        "a PNG of 2.5 billion pixels as a photo",
        "a PNG of 2.5 billion pixels in a dataset",
        "test_image_data_are_unpacked_no_further_than_there_are_pixels",
        "test_a_photo_that_a_zip_says_is_small_and_is_not_does_not_fill_memory",
        "a gzip bomb as an idx file",
    ],
    "tar entries of negative size, names that are no text": [
        "test_a_tar_that_says_nonsense_of_its_entries_gives_no_photo_and_an_end",
        "test_a_zip_whose_names_are_no_text_is_told_to_be_damaged",
    ],
    "a billion laughs in SVG or in the tags of TIFF and PNG": [
        "an SVG of a billion laughs as a photo",
        "test_tags_of_a_billion_laughs_are_not_looked_into",
    ],
    "`__import__`, attributes, `9**9**9`, deep nesting in pipelines and networks": [
        "test_a_text_is_never_run",
        "a model whose layers are code",
    ],
    "models that lie about shapes, sizes or parameters": [
        "a model's array of terabytes",
        "a model that is a bomb",
        "a model of more parameters than are in its file",
        "a model for images of terabytes",
        "a safetensors header of terabytes",
    ],
    "HTML in names": ["test_html_in_names_is_text_on_a_page"],
}


def test_the_recipe_in_the_readme_is_the_default_one():
    assert RECIPES["mnist"].steps in " ".join(README.split())


def project():
    """What pyproject.toml says of the project."""
    return tomllib.loads((TESTS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_readme_counts_the_packages_that_install_with_digitprep():
    names = {re.match(r"[\w-]+", package)[0] for package in project()["dependencies"]}
    others = len(names - {"numpy", "opencv-python", "pillow"})
    assert f"It needs NumPy, OpenCV, Pillow and {WORDS[others]} small packages" in " ".join(README.split())
    assert f"它需要 NumPy、OpenCV、Pillow 和另外{SIGNS[others]}个小软件包" in CHINESE


def test_the_readme_counts_the_figures_that_an_image_is_checked_by():
    named = {"longer side", "centre's row", "centre's column", "stroke width"}
    others = len({entry.name for entry in INVARIANTS} - named)
    assert f"size, place, stroke width or {WORDS[others]} more figures" in " ".join(README.split())
    assert f"大小、位置、笔画粗细或另外{SIGNS[others]}项指标" in CHINESE


def test_the_readme_lists_the_extras_for_users():
    everything = set(project()["optional-dependencies"])
    listed = re.search(r"There\s+are\s(.*?);", README, re.DOTALL)[1]
    assert set(re.findall("`(.+?)`", listed)) == everything - {"bench", "docs", "interop", "test"}


def first_cells(header):
    """What the README's table with this first column lists in it."""
    table = re.search(rf"^\| {header} \|.*\n\|-.*\n((?:\|.*\n)+)", README, re.MULTILINE)
    return [line.split("|")[1].strip() for line in table[1].splitlines()]


def named_in(*names):
    """The names of test functions and of their cases in these files."""
    text = "".join((TESTS / name).read_text(encoding="utf-8") for name in names)
    return {
        *re.findall(r"^def (test_\w+)", text, re.MULTILINE),
        *re.findall(r'^    "(.+)": \(', text, re.MULTILINE),
    }


def test_the_faults_of_the_readme_are_tested():
    faults = [fault for row in first_cells("fault") for fault in row.split(", or ")]
    assert len(faults) >= 8
    assert set(faults) <= named_in("test_faults.py")


def test_the_attacks_of_the_readme_are_those_that_are_named_here():
    assert first_cells("attack") == list(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_of_the_readme_is_tested(attack):
    assert set(ATTACKS[attack]) <= named_in("test_attacks.py", "test_sources.py")
