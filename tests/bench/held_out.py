"""What a recipe reads of sources that it was not tuned on.

The figures of the default recipe were chosen with all sources in view. Here they are chosen again, once
for each source, and by the photos of the other sources alone: of many settings drawn at random, the one
that reads the most of those others, as the mean over sources, then reads the source that was held out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ablation import scores
from real_photos import Photo, real_photos

import digitprep as dp
from digitprep.recipes import recipe

# What each option of the default recipe may be instead, as someone who starts anew would try it.
CHOICES: dict[str, tuple[object, ...]] = {
    "smallest_px": (56, 80, 112, 160),
    "largest_px": (400, 600, 900),
    "light": (0.15, 0.3, 0.5),
    "method": ("hysteresis", "otsu", "adaptive"),
    "length": (0.2, 0.35, 0.5),
    "gap": (0.04, 0.12, 0.25),
    "gap_above": (0.1, 0.3, 0.5),
    "thickness": (0.0, 0.03, 0.06, 0.09),
    "by": ("mass", "box"),
}
STEPS = (
    'rescale(smallest_px={smallest_px}, largest_px={largest_px}) | grayscale | invert(when="auto")'
    ' | even_light(size={light}) | threshold(method="{method}") | remove_lines(length={length})'
    " | keep_digit(gap={gap}, gap_above={gap_above}) | thicken(smallest={thickness}) | crop"
    ' | resize(size=20) | center(size=28, by="{by}")'
)


def print_held_out(folder: Path, settings: int = 60, seed: int = 0) -> None:
    """A table: each source, read by what the others chose, and by the default recipe."""
    photos = real_photos(folder)
    model = dp.load_model()
    drawn = drawn_settings(settings, seed)
    tried = [scores(pipeline, photos, model) for pipeline in drawn]
    default = scores(recipe(), photos, model)
    range_ = sorted(100 * over_sources(shares) for shares in tried)
    print(f"{settings} settings read {range_[0]:.1f} to {range_[-1]:.1f} % in the mean over the sources\n")
    print("| held out | photos | by the others' choice | by the default |")
    print("|---|---|---|---|")
    chosen = {source: tried[choice(tried, source)][source] for source in default}
    for source, share in default.items():
        count = sum(group == source for group, _, _ in photos)
        print(f"| {source} | {count} | {100 * chosen[source]:.1f} % | {100 * share:.1f} % |")
    means = over_sources(chosen), over_sources(default)
    print(f"| mean over the sources | | {100 * means[0]:.2f} % | {100 * means[1]:.2f} % |")
    shares = over_photos(chosen, photos), over_photos(default, photos)
    print(f"| of all photos | {len(photos)} | {100 * shares[0]:.2f} % | {100 * shares[1]:.2f} % |")


def drawn_settings(count: int, seed: int) -> list[dp.Pipeline]:
    """Recipes whose options are drawn from `CHOICES`, each independently of the others."""
    rng = np.random.default_rng(seed)
    picks = (
        {name: values[rng.integers(len(values))] for name, values in CHOICES.items()} for _ in range(count)
    )
    return [dp.Pipeline.parse(STEPS.format(**pick)) for pick in picks]


def choice(tried: list[dict[str, float]], held_out: str) -> int:
    """The index of the setting that reads the most of all other sources; the first of equals."""
    means = [np.mean([share for source, share in one.items() if source != held_out]) for one in tried]
    return int(np.argmax(means))


def over_sources(shares: dict[str, float]) -> float:
    """The mean of the sources' shares, whatever their sizes."""
    return float(np.mean(list(shares.values())))


def over_photos(shares: dict[str, float], photos: list[Photo]) -> float:
    """The share of all photos."""
    return float(np.mean([shares[source] for source, _, _ in photos]))
