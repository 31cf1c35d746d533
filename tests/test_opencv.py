"""Where OpenCV cannot be imported, what needs it says how to get it, and everything else works."""

import os
import subprocess
import sys

import numpy as np
import pytest
from places import ROOT


@pytest.fixture
def without_opencv(tmp_path):
    """A function that runs code, or a module, in a Python whose OpenCV fails as it does on bare servers."""
    place = tmp_path / "broken"
    place.mkdir()
    (place / "cv2.py").write_text('raise ImportError("libGL.so.1: cannot open shared object file")\n')

    def run(*arguments):
        path = os.pathsep.join([str(place), str(ROOT)])
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
        )

    return run


@pytest.fixture
def photo(tmp_path):
    from PIL import Image

    pixels = np.full((60, 50), 230, np.uint8)
    pixels[15:45, 20:26] = 20
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_the_error_names_the_cause_and_both_ways_out(without_opencv):
    done = without_opencv(
        "-c",
        "import numpy as np\n"
        "from digitprep.errors import MissingExtra\n"
        "from digitprep.pipeline import Pipeline\n"
        "try:\n"
        "    Pipeline.parse('threshold')(np.eye(9, dtype=np.uint8) * 255)\n"
        "except MissingExtra as error:\n"
        "    print(error.exit_code, isinstance(error, ImportError), error)\n",
    )
    assert done.stdout.startswith("6 True "), done.stderr
    for words in ("libGL.so.1", "apt-get install libgl1", "pip install opencv-python-headless"):
        assert words in done.stdout


def test_reading_photos_specs_labels_and_formats_needs_no_opencv(without_opencv, photo):
    done = without_opencv(
        "-c",
        "from pathlib import Path\n"
        "import digitprep, digitprep.formats, digitprep.nn, digitprep.batch, digitprep.report.sheet\n"
        "from digitprep.photos import load_photo\n"
        "from digitprep.recipes import recipe\n"
        "from digitprep.labels import find_labels\n"
        f"file = Path({str(photo)!r})\n"
        "print(load_photo(file).shape, len(recipe().steps), find_labels([Path('digit 7.png')], 'name'))\n",
    )
    assert done.stdout == "(60, 50) 11 [7]\n" or done.stdout.startswith("(60, 50) "), done.stderr
    assert done.stdout.endswith(" [7]\n")


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_command_line_ends_with_the_exit_code_of_a_missing_package(without_opencv, photo, jobs):
    done = without_opencv("-m", "digitprep", "clean", photo, "-o", "out.npz", "--jobs", jobs)
    assert done.returncode == 6, done.stderr
    assert "opencv-python-headless" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_needs_no_opencv_works_on_the_command_line_too(without_opencv):
    done = without_opencv("-m", "digitprep", "list", "steps")
    assert done.returncode == 0, done.stderr
    assert "threshold" in done.stdout
