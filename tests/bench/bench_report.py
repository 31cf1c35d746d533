"""What the page of clean --report costs: 10,000 photos, beyond the cleaning, on the disk and in a browser.

    python tests/bench/bench_report.py [FOLDER] [--photos 10000]

The photos of a folder, by default the samples, are cleaned with and without what the page needs of each, by
turns, and put on the page again and again, as if there were as many as asked for. Chromium then opens the
page: first paint is when it shows anything.
"""

import argparse
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from browser import Browser

import digitprep as dp
from digitprep.batch import Cleaned, clean_photo, with_readings
from digitprep.conformance import check
from digitprep.recipes import recipe
from digitprep.report.photos import PhotoPage
from digitprep.sources import find_photos

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "photos"
TURNS = 9
SHEET_PX = 192  # the thumbnails that the sheet wants of each photo, with a page or without


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=SAMPLES)
    parser.add_argument("--photos", type=int, default=10_000)
    given = parser.parse_args()
    files = list(find_photos([given.folder]))
    cv2.setNumThreads(1)  # the time of others would be counted, waiting or not
    plain_s, told_s = np.sum([seconds_each(file) for file in files], axis=0) / len(files)
    cleaned = list(with_readings(clean_photo(file, recipe(), SHEET_PX, True) for file in files))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        spooled_s, written_s, grown_mb = build(page, cleaned, given.photos)
        print(f"{given.photos:,} photos, {len(files)} different ones: {page.stat().st_size / 1e6:.1f} MB")
        print(f"kept while cleaning:     {spooled_s:5.1f} s, memory grows by {grown_mb:.0f} MB")
        print(f"written at the end:      {written_s:5.1f} s")
        print(f"both:                    {spooled_s + written_s:5.1f} s of CPU beyond the cleaning")
        print(f"saying what was decided: {told_s / plain_s - 1:5.1%} of {plain_s * 1000:.0f} ms a photo")
        paint_s, loaded_s = opened(page, Path(folder, "profile"))
        print(f"Chromium:                {paint_s:5.1f} s to the first paint, {loaded_s:.1f} s to all of it")


def seconds_each(file: Path) -> tuple[float, float]:
    """CPU seconds to clean a photo, and to say what was decided, too: each the least of some turns."""
    least = {False: float("inf"), True: float("inf")}
    for _ in range(TURNS):
        for told in least:
            start = time.process_time()
            clean_photo(file, recipe(), SHEET_PX, told)
            least[told] = min(least[told], time.process_time() - start)
    return least[False], least[True]


def build(file: Path, cleaned: list[Cleaned], count: int) -> tuple[float, float, float]:
    """CPU seconds to keep and to write so many photos, and by how many MB memory grew while keeping."""
    page, start, before = PhotoPage(), time.process_time(), memory_mb()
    reasons = [() if photo.image is None else check(photo.image).reasons for photo in cleaned]
    for number in range(count):
        photo = cleaned[number % len(cleaned)]
        name = photo.photo.with_name(f"{number:05}-{photo.photo.name}")
        page.add(replace(photo, photo=name), reasons[number % len(cleaned)])
    kept, grown = time.process_time(), memory_mb() - before
    page.write(file, f"{count:,} photos", {"digitprep": dp.__version__, "pipeline": str(recipe())})
    return kept - start, time.process_time() - kept, grown


def memory_mb() -> float:
    """The most memory that was used so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def opened(page: Path, profile: Path) -> tuple[float, float]:
    """Seconds until a browser shows anything of the page, and all of it."""
    browser = Browser(profile)
    start = time.perf_counter()
    browser.open(page)
    loaded = time.perf_counter() - start
    paint = browser.value("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert browser.complaints == []
    browser.close()
    return paint / 1000, loaded


if __name__ == "__main__":
    main()
