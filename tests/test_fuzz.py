"""The fuzzing of tests/fuzz: the bugs it found stay mended, its limits hold, and no reader is left out."""

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harnesses import HARNESSES
from mutation import mutant

from digitprep.formats import FORMATS

FUZZ = Path(__file__).parent / "fuzz"

READERS = {"npypair": "npy", "classfolders": "class_names"}  # whose harnesses are not called like the format


def fuzz(*arguments, check):
    command = [sys.executable, str(FUZZ / "run.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == check, done.stdout + done.stderr
    return done.stdout


def test_inputs_with_which_bugs_were_found_are_refused_within_the_limits(tmp_path):
    told = fuzz("--corpus", "--save", tmp_path, check=0)
    assert f"{sum(len(harness.corpus()) for harness in HARNESSES.values())} inputs over" in told
    assert ", 0 findings" in told


def test_there_are_as_many_harnesses_as_the_readme_says():
    readme = (FUZZ.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f" {len(HARNESSES)} harnesses" in " ".join(readme.split())


def test_every_file_of_the_corpus_is_of_a_harness():
    assert {folder.name for folder in (FUZZ / "corpus").iterdir()} <= HARNESSES.keys()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_harness(name):
    start = READERS.get(name, name)
    assert any(harness.startswith(start) for harness in HARNESSES)


@pytest.mark.parametrize("name", ["idx_images", "npz", "png", "webdataset", "mat", "safetensors", "parquet"])
def test_the_same_seed_gives_the_same_inputs_and_another_one_others(name):
    harness = HARNESSES[name]
    seeds = harness.seeds()

    def made(seed):
        return [mutant(random.Random(f"{seed}/{number}"), seeds, harness.container) for number in range(30)]

    assert made(0) == made(0)
    assert made(0) != made(1)
    assert len(set(made(0))) > 20


def test_containers_give_back_what_they_opened():
    for name in ("npz", "png", "webdataset", "mat", "safetensors", "parquet", "webdataset_gzipped"):
        harness = HARNESSES[name]
        for data in harness.seeds():
            try:
                parts = harness.container.open(data)
            except Exception:
                continue
            assert harness.container.open(harness.container.close(parts)) == parts


PLANTED = {
    "planted_exception": ("raise KeyError('x')", "error", "KeyError"),
    "planted_refusal_for_want_of_memory": ("memory_error()", "error", "DataError"),
    "hanging": ("time.sleep(60)", "hang", "more than 0.05 s"),
    "planted_bomb": ("kept.append(b'x' * 150_000_000)", "memory", "MB"),
    "planted_crash": ("os.abort()", "crash", "SIGABRT"),
}
HEAD = """
import os, time
from digitprep.errors import DataError
from harnesses import harness

kept = []

def memory_error():
    try:
        raise MemoryError
    except MemoryError:
        raise DataError("refused, but late") from None
"""
HARNESS = """
@harness(seeds=lambda: [b"x"])
def {}(data):
    {}
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """What is told of the faults, three inputs each, and the folder with inputs that is kept."""
    folder = tmp_path_factory.mktemp("planted")
    written = [HARNESS.format(fault, line) for fault, (line, *_) in PLANTED.items()]
    (folder / "planted.py").write_text("".join([HEAD, *written]))
    given = ["--more", folder / "planted.py", "--megabytes", 256, "--save", folder / "kept"]
    hung = fuzz(*given, "--only", "hanging", "--inputs", 3, "--seconds", 0.05, check=1)
    assert "3 inputs over 1 harnesses" in hung
    others = fuzz(*given, "--only", "planted", "--inputs", 12, "--seconds", 10, check=1)
    assert "12 inputs over 4 harnesses" in others
    return hung + others, folder / "kept"


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found_and_its_input_kept(fault, planted):
    told, kept = planted
    _, kind, words = PLANTED[fault]
    (found,) = re.findall(rf"^{fault}: (.*)$", told, re.MULTILINE)
    assert found.startswith(f"{kind} at")
    assert words in found
    assert len(list(kept.glob(f"{fault}-*"))) == 1


def test_a_reader_that_refuses_all_inputs_is_no_finding(tmp_path):
    (tmp_path / "planted.py").write_text(HEAD + HARNESS.format("planted", "raise DataError('no')"))
    assert ", 0 findings" in fuzz(
        "--more", tmp_path / "planted.py", "--only", "planted", "--inputs", 9, check=0
    )
