"""Steps: what can be done to one image, each a small frozen dataclass that is called with it."""

from digitprep.steps import geometry, ink, lines, threshold, tone
from digitprep.steps.base import STEPS, Box, Image, Step

__all__ = ["STEPS", "Box", "Image", "Step", "geometry", "ink", "lines", "threshold", "tone"]
