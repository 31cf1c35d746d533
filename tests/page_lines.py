"""Whether a command printed what a page shows, where figures depend a little on the machine."""

from __future__ import annotations

import re
from dataclasses import dataclass

# How fast, and where a server listens.
ANY = re.compile(r"\d[\d,.]*(?= images/s)|(?<=127\.0\.0\.1:)\S+")
# Sizes of files, shares, and what a network computes: they follow the processor's rounding.
MEASURED = re.compile(r"(?<![\w.])(?:\d[\d,]*(?= bytes)|\d+(?:\.\d+)?(?=%)|\d+\.\d+(?![\w.]))")


@dataclass(frozen=True)
class Play:
    """By how much figures may differ: shares by points, sizes in bytes and other fractions by a part."""

    points: float
    size: float
    fraction: float

    def near(self, shown: re.Match[str], found: re.Match[str]) -> bool:
        """Whether two measured figures differ by no more than that."""
        one, other = (float(figure[0].replace(",", "")) for figure in (shown, found))
        after = shown.string[shown.end() :]
        if after.startswith("%"):
            return abs(one - other) <= self.points
        if after.startswith(" bytes"):
            return abs(one - other) <= one * self.size
        return abs(one - other) <= max(one * self.fraction, 0.001)


PLAY = Play(points=0.5, size=0, fraction=0.02)
TRAINED = Play(points=3, size=0.01, fraction=0.1)  # training multiplies how processors round


def compare(shown: list[str], found: list[str], place: str, play: Play = PLAY) -> None:
    """Raises AssertionError unless the lines are alike, but for empty ones."""
    if not alike([line for line in shown if line.strip()], [line for line in found if line.strip()], play):
        raise AssertionError("\n".join([place, "the page shows:", *shown, "it printed:", *found]))


def alike(shown: list[str], found: list[str], play: Play = PLAY) -> bool:
    """Whether these lines are the ones that a page shows, three dots standing for any number of them.

    Speeds may be any, and other figures differ by the play.
    """
    if not shown or not found:
        return all(line == "..." for line in shown) and not found
    if shown[0] == "...":
        return any(alike(shown[1:], found[start:], play) for start in range(len(found) + 1))
    return like(shown[0], found[0], play) and alike(shown[1:], found[1:], play)


def like(shown: str, found: str, play: Play) -> bool:
    """Whether two lines are the same but for what is measured, and that is near."""
    shown, found = (" ".join(ANY.sub("*", line).split()) for line in (shown, found))
    if MEASURED.sub("#", shown) != MEASURED.sub("#", found):
        return False
    return all(map(play.near, MEASURED.finditer(shown), MEASURED.finditer(found)))
