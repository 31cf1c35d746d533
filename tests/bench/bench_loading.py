"""What reading a 12-megapixel photo costs: `python tests/bench/bench_loading.py`.

Prints a row a kind of file: bytes, CPU milliseconds (the fastest of some readings) of decoding all
pixels with Pillow and of `load_photo`, and their ratio, which depends on the machine the least.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from digitprep.photos import LONGEST_PX, load_photo

HEIGHT_PX, WIDTH_PX = 3024, 4032


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readings", type=int, default=7)
    parser.add_argument("--longest", type=int, default=LONGEST_PX, help="the longer side, in pixels")
    options = parser.parse_args()
    photo = Image.fromarray(page())
    print(
        "| file | bytes | all pixels, CPU ms | load_photo, CPU ms | ratio |",
        "|---|---|---|---|---|",
        sep="\n",
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, save in kinds().items():
            file = Path(folder, name.replace(" ", "."))
            save(photo, file)
            ours = cpu_ms(lambda file=file: load_photo(file, options.longest), options.readings)
            whole = cpu_ms(lambda file=file: all_pixels(file), options.readings)
            print(f"| {name} | {file.stat().st_size} | {whole:.0f} | {ours:.0f} | {ours / whole:.2f} |")


def page() -> np.ndarray:
    """(HEIGHT_PX, WIDTH_PX, 3) uint8: paper under uneven light, with a sensor's noise and lines of ink."""
    rng = np.random.default_rng(0)
    light = rng.integers(140, 230, (6, 8, 3)).astype(np.float32)
    image = cv2.resize(light, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    image += rng.normal(0, 3, image.shape).astype(np.float32)
    for x, y in rng.uniform(0.1, 0.9, (12, 2)):
        center = round(x * WIDTH_PX), round(y * HEIGHT_PX)
        cv2.ellipse(image, center, (150, 230), 20.0, 0.0, 300.0, (60.0, 40.0, 40.0), 22)
    return np.clip(image, 0, 255).astype(np.uint8)


def kinds() -> dict[str, Callable[[Image.Image, Path], None]]:
    """How each kind of file is written, by its name."""
    known = {
        "baseline jpg": lambda photo, file: photo.save(file, quality=90),
        "progressive jpg": lambda photo, file: photo.save(file, quality=90, progressive=True),
        "grey jpg": lambda photo, file: photo.convert("L").save(file, quality=90),
        "rgb png": lambda photo, file: photo.save(file, compress_level=1),
    }
    if importlib.util.find_spec("pillow_heif"):
        known["rgb heic"] = _save_heic
    return known


def _save_heic(photo: Image.Image, file: Path) -> None:
    import pillow_heif

    pillow_heif.from_pillow(photo).save(file, quality=60)


def all_pixels(file: Path) -> None:
    if file.suffix == ".heic":
        import pillow_heif

        pillow_heif.HeifImageFile(file).load()
        return
    with Image.open(file) as image:
        image.load()


def cpu_ms(work: Callable[[], object], readings: int) -> float:
    """CPU milliseconds of the process, all its threads together, of the cheapest reading."""
    costs = []
    for _ in range(readings):
        start = time.process_time()
        work()
        costs.append(time.process_time() - start)
    return min(costs) * 1000


if __name__ == "__main__":
    main()
