"""What speaks against taking neighbouring strips of ink for one digit, however it reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from digitprep.segment.pieces import Piece, gaps

# What is held against a digit, in units of -log(probability): a cut, each stroke's width of ink that
# it crosses, a join, each usual height of gap that it bridges, being too low for a digit, and leaving
# apart what lies above each other.
CUT, CUT_INK, JOIN, JOIN_GAP, LOW, OVERLAP = 0.9, 0.4, 0.6, 12.0, 16.0, 2.0

# Width beside height, above which a digit is rarely and hardly ever one, and what each unit beyond costs.
BROAD, BROAD_COST = 0.8, 2.0
WIDE, WIDE_COST = 1.3, 6.0

# No network's doubt about one digit counts for more than this, and for less where its ink is connected and
# no wider than a digit: people write digits that no network knows.
WORST, WORST_CONNECTED = 4.0, 2.0

# Two strips of this height, beside the usual digit, are two digits however they overlap.
TALL = 0.6


@dataclass
class Strips:
    """The strips of a row; for each boundary between two, whether ink was cut there, and how much."""

    strips: list[Piece] = field(default_factory=list)
    cuts: list[float | None] = field(default_factory=list)

    def penalty(self, first: int, last: int, piece: Piece, height: float) -> float:
        """What speaks against taking strips first..last - 1, which make that piece, for one digit.

        height: the usual digit's, in px. How the piece reads is left aside.
        """
        against = breadth(piece, height) + LOW * max(0.0, 0.55 - piece.height / height)
        for boundary in range(first, last - 1):
            if self.cuts[boundary] is None:
                gap = gaps(self.strips[boundary], self.strips[boundary + 1])[0]
                against += (JOIN + JOIN_GAP * gap / height) * (1 - self._overlap(boundary, height))
        for boundary in (first - 1, last - 1):
            if 0 <= boundary < len(self.cuts) and self.cuts[boundary] is None:
                against += OVERLAP * self._overlap(boundary, height) / 2
            if 0 <= boundary < len(self.cuts) and (ink := self.cuts[boundary]) is not None:
                against += (CUT + CUT_INK * ink) / 2
        return against

    def worst(self, first: int, last: int, piece: Piece, height: float) -> float:
        """The most that a network's doubt about strips first..last - 1 as one digit counts for."""
        ends = [place for place in (first - 1, last - 1) if 0 <= place < len(self.cuts)]
        connected = all(self.cuts[place] is None for place in ends) and all(
            cut is not None for cut in self.cuts[first : last - 1]
        )
        slim = piece.height >= TALL * height and piece.width <= BROAD * height
        return WORST_CONNECTED if connected and slim else WORST

    def _overlap(self, boundary: int, height: float) -> float:
        """Which share of the narrower of two strips lies over or under the other one; 0 for two tall ones."""
        a, b = self.strips[boundary], self.strips[boundary + 1]
        if min(a.height, b.height) >= TALL * height:
            return 0.0
        return max(0, min(a.right, b.right) - max(a.left, b.left)) / max(1, min(a.width, b.width))


def breadth(piece: Piece, height: float) -> float:
    """What its width holds against a piece as one digit."""
    broad = piece.width / max(piece.height, 0.8 * height)
    return WIDE_COST * max(0.0, broad - WIDE) + BROAD_COST * max(0.0, broad - BROAD)
