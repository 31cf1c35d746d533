"""Make the pictures of README again, from the sample photos, into the folder samples.

    python tests/bench/make_pictures.py

The report and the workbench are photographed in Chromium; what they say is noted in the picture, so that a
test can tell when they say something else.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from browser import Browser
from PIL import Image
from PIL.PngImagePlugin import PngInfo

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for what is forked, as in the tests

from run_here import main_inside  # noqa: E402
from workbench import Served  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "samples" / "photos"
SHOWN = ("02.jpg", "07.jpg", "09.jpg", "10.jpg", "12.jpg", "16.jpg", "17.jpg", "20.jpg")
NOTE = "page"  # what the note is called in the PNG
NAMES = ("demo.png", "explain.png", "report.png", "workbench.png")
WORDS = ROOT / "digitprep" / "serve" / "page" / "words.en.json"
WIDTH_PX, HEIGHT_PX = 1060, 735


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        draw(folder)
        page = report(folder)
        browser = Browser(folder / "profile")
        photograph(browser, page).save(folder / "report.png", optimize=True, pnginfo=note(digest(page)))
        workbench(browser, folder).save(folder / "workbench.png", optimize=True, pnginfo=note(words_digest()))
        browser.close()
        for name in NAMES:
            (ROOT / "samples" / name).write_bytes((folder / name).read_bytes())
            print(f"samples/{name}: {(ROOT / 'samples' / name).stat().st_size:,} bytes")


def draw(folder: Path) -> None:
    """demo.png and explain.png, as README says that they are made."""
    digitprep("demo", "-o", folder / "demo.png")
    recipes = ("--recipes", "mnist,tutorial-threshold")
    digitprep("explain", PHOTOS / "16.jpg", "-o", folder / "explain.png", *recipes)


def report(folder: Path) -> Path:
    """The page of clean --report on some samples, and on photos of what is not one digit."""
    photos = folder / "photos"
    photos.mkdir()
    for name in SHOWN:
        (photos / name).write_bytes((PHOTOS / name).read_bytes())
    for name, text in {"two": "42", "letter": "K", "word": "eight", "thing": "@"}.items():
        paper = np.full((420, 560), 225, np.uint8)
        size = 6 / len(text) ** 0.7
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 14)
        place = (560 - width) // 2, (420 + height) // 2
        cv2.putText(paper, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, 50, 14, cv2.LINE_AA)
        Image.fromarray(paper).save(photos / f"{name}.png")
    digitprep("clean", "photos", "-o", "digits.npz", "--report", "report.html", folder=folder)
    return folder / "report.html"


def digitprep(*arguments: object, folder: Path | None = None) -> None:
    """Run it, in a folder."""
    given, printed, said = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(3))
    code = main_inside([*arguments, "--quiet"], folder or Path(), [given, printed, said])
    assert code == 0, said.buffer.getvalue().decode()


def photograph(browser: Browser, page: Path) -> Image.Image:
    """The photos on the page, from the doubtful ones on, in few colours, so that the file is small."""
    browser.ask("Emulation.setScrollbarsHidden", hidden=True)
    browser.open(page, width=WIDTH_PX)
    browser.value("document.getElementById('doubtful').scrollIntoView()")
    picture = Image.open(io.BytesIO(browser.picture())).convert("RGB")
    return picture.crop((0, 0, picture.width, HEIGHT_PX)).quantize(128, dither=Image.Dither.NONE)


def workbench(browser: Browser, folder: Path) -> Image.Image:
    """The workbench with the sample photos, one of them looked at."""
    served = Served(folder / "twenty photos")
    browser.ask("Emulation.setLocaleOverride", locale="en-US")
    browser.open(served.address, width=1280)
    files = sorted(PHOTOS.glob("[0-9]*"))
    browser.give_files("#choose", files)
    browser.until(f"document.querySelectorAll('#photos img.small').length === {len(files)}")
    number = next(photo["id"] for photo in served.seen()["photos"] if photo["name"] == "16.jpg")
    browser.click(f"[data-photo='{number}'] button")
    browser.until("document.querySelectorAll('#steps img').length > 10")
    browser.until("document.querySelector('#picture img').complete")
    browser.value("scrollTo(0, 0)")
    picture = Image.open(io.BytesIO(browser.picture())).convert("RGB")
    served.close()
    return picture.quantize(128, dither=Image.Dither.NONE)


def note(text: str) -> PngInfo:
    """What a page says, as a digest, to be kept in the picture of it."""
    info = PngInfo()
    info.add_text(NOTE, text)
    return info


def words_digest() -> str:
    """A SHA-256 of what the workbench says in English."""
    return hashlib.sha256(WORDS.read_bytes()).hexdigest()


def digest(page: Path) -> str:
    """A SHA-256 of a page's words, without its numbers and pictures, whose last bits differ by version."""
    page_text = page.read_text(encoding="utf-8")
    text = re.sub(r"<style>.*?</style>|<[^>]*>|\d[\d.,]*", " ", page_text, flags=re.DOTALL)
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


if __name__ == "__main__":
    main()
