"""Where tests find what they read: the project, its samples, and the real data beside it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "samples"
PHOTOS = SAMPLES / "photos"
DIGITS = SAMPLES / "digits" / "idx"  # of MNIST, 1,000 to train with and 500 to test
DATA = ROOT.parent / "shared" / "data"
FOLDERS = {"mnist", "formats/qmnist", "formats/idx_testfiles"}  # of it, which .ci/run knows, too


def needs_data(*folders: str) -> pytest.MarkDecorator:
    """The mark of a test that reads these folders of the real data, which need not all be there."""
    assert set(folders) <= FOLDERS, folders
    missing = [folder for folder in folders if not (DATA / folder).is_dir()]
    return pytest.mark.skipif(bool(missing), reason=f"no {' and no '.join(missing)} at {DATA}")
