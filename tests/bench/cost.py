"""Processor time of a large photo, and what a second process is worth."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from difficulties import draw
from numpy.typing import NDArray

import digitprep as dp
from digitprep.batch import clean
from digitprep.recipes import recipe
from digitprep.workers import ProcessPool

MEGAPIXELS, GOAL_MS, TURNS, PHOTOS = 12, 120, 15, 300


def print_cost(digits: NDArray[np.uint8]) -> None:
    """CPU milliseconds of a 12-megapixel JPEG, decoded and cleaned; wall time of one and two processes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        large = folder / "large.jpg"
        large.write_bytes(camera_photo(digits))
        decode = cpu_ms(lambda: dp.load_photo(large))
        pixels, pipeline = dp.load_photo(large), recipe()
        cleaning = cpu_ms(lambda: pipeline(pixels))
        print(
            f"{MEGAPIXELS} megapixels, {large.stat().st_size / 1e6:.1f} MB, CPU ms, median of {TURNS} turns:"
        )
        print(f"decode {decode:.0f} + recipe {cleaning:.0f} = {decode + cleaning:.0f}, the goal is {GOAL_MS}")
        image = pixels
        for step in pipeline.steps:
            print(f"  {cpu_ms(lambda step=step, image=image: step(image)):5.1f}  {step}")
            image = step(image)
        photos = [folder / f"{number}.jpg" for number in range(PHOTOS)]
        for number, photo in enumerate(photos):
            photo.write_bytes(draw("none", 0, digits, number % len(digits), number))
        one, two = (wall_seconds(photos, jobs) for jobs in (1, 2))
        print(f"{PHOTOS} photos on {os.cpu_count()} cores: 1 process {one:.1f} s, 2 processes {two:.1f} s")
        print(f"2 processes are {one / two:.2f} times as fast")


def camera_photo(digits: NDArray[np.uint8]) -> bytes:
    """A JPEG of 4000 x 3000 as a phone writes it: noise in every pixel."""
    small = cv2.imdecode(np.frombuffer(draw("none", 0, digits, 0), np.uint8), cv2.IMREAD_COLOR)
    large = cv2.resize(small, (4000, 3000), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 4, large.shape).astype(np.float32)
    pixels = cv2.add(large, noise, dtype=cv2.CV_8U)
    return bytes(cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, 92))[1])


def cpu_ms(work: Callable[[], object]) -> float:
    """The median over a few turns."""
    work()
    turns = []
    for _ in range(TURNS):
        start = time.process_time()
        work()
        turns.append(1000 * (time.process_time() - start))
    return statistics.median(turns)


def wall_seconds(photos: list[Path], jobs: int) -> float:
    """Of cleaning all photos once the processes are up."""
    with ProcessPool(jobs) as pool:
        for _ in clean(photos[: 4 * jobs], recipe(), executor=pool):
            pass
        start = time.perf_counter()
        for _ in clean(photos, recipe(), executor=pool):
            pass
        return time.perf_counter() - start
