"""Where tests find what they read: the project, its samples, and the real data beside it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "samples"
PHOTOS = SAMPLES / "photos"
DIGITS = SAMPLES / "digits" / "idx"  # of MNIST, 1,000 to train with and 500 to test
DATA = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real datasets are not at {DATA}")
