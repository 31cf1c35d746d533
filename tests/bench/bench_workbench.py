"""How long a person waits for a preview in the workbench while hundreds of photos come in.

    python tests/bench/bench_workbench.py [PHOTOS]      500 if not given

Brings so many photos of their own bytes, three at a time as the page does, and meanwhile asks for every step
of one of them, with another threshold each time, as a slider does. Prints the median wait, and how long all
photos took. Beside other work both are longer.
"""

from __future__ import annotations

import io
import os
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for what is forked, as in the tests

from places import PHOTOS  # noqa: E402
from workbench import Served  # noqa: E402

AT_A_TIME = 3
PAUSE_SECONDS = 0.2  # between two moves of the slider


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "project")
        photos = list(different(count))
        first = served.bring_bytes("first.jpg", photos[0])[1]
        done = threading.Event()
        waits = []
        watcher = threading.Thread(target=watch, args=(served, first["id"], done, waits))
        begun = time.perf_counter()
        watcher.start()
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            sent = pool.map(
                lambda entry: served.bring_bytes(*entry), ((f"{n}.jpg", photos[n]) for n in range(count))
            )
            assert {status for status, _ in sent} <= {200, 201}
        seconds = time.perf_counter() - begun
        done.set()
        watcher.join()
        begun = time.perf_counter()
        whole = served.seen()
        opening = time.perf_counter() - begun
        served.close()
    assert len(whole["photos"]) == count
    print(f"{count} photos brought in {seconds:.1f} s, {1000 * seconds / count:.0f} ms each")
    print(
        f"{len(waits)} previews meanwhile: median {1000 * statistics.median(waits):.0f} ms, "
        f"slowest {1000 * max(waits):.0f} ms"
    )
    print(f"the whole project is told in {1000 * opening:.0f} ms")


def different(count: int):
    """So many photos of other bytes each: the samples, as large as telephones' screens, turned a little."""
    files = sorted(PHOTOS.glob("*.jpg"))
    for number in range(count):
        with Image.open(files[number % len(files)]) as photo:
            large = photo.convert("RGB").resize((1600, 1920)).rotate(number / count, expand=False)
        data = io.BytesIO()
        large.save(data, "JPEG", quality=85)
        yield data.getvalue()


def watch(served: Served, photo: int, done: threading.Event, waits: list[float]) -> None:
    """Ask for every step of a photo, with another threshold each time, until `done`."""
    cards = served.whole()["pipeline"]["steps"]
    place = next(n for n, card in enumerate(cards) if card["step"]["name"] == "even_light")
    while not done.is_set():
        cards[place]["step"]["size"] = 0.2 + (len(waits) % 50) / 500
        begun = time.perf_counter()
        served.done("POST", f"api/photos/{photo}/steps", {"key": "", "steps": cards})
        waits.append(time.perf_counter() - begun)
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
