"""A pipeline: steps in a row, with a text form that reads back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

from digitprep.errors import StepError, UsageError
from digitprep.notebook import image_html, png
from digitprep.spec import Value, spec_name
from digitprep.steps import STEPS, Box, Image, Step


@dataclass(frozen=True)
class Traced:
    """One moment of a pipeline.

    step: what was just done, or None before the first step
    image: (H, W) or (H, W, 3) uint8, what it left
    decision: what the step decided, "" where nothing
    """

    step: Step | None
    image: Image
    decision: str = ""

    def _repr_png_(self) -> bytes:
        """In a notebook: the image."""
        return png(self.image)


@dataclass(frozen=True, eq=False)
class Located:
    """What a pipeline made of an image, and where that was.

    image: (H, W) uint8, what came out
    box: (x, y, width, height) in pixels of what came in: what the steps that crop have left; how later
        ones pad does not count
    doubt: the first that a step has, "" where none has
    decisions: what each step decided, as "invert: always inverted", where they were asked for
    """

    image: Image
    box: Box
    doubt: str
    decisions: tuple[str, ...] = ()


class Trace(Iterator[Traced]):
    """The moments of a pipeline on an image, computed one by one as they are asked for.

    pipeline, image: what `Pipeline.trace` was asked of, and for
    """

    def __init__(self, pipeline: Pipeline, image: Image) -> None:
        self._pipeline, self._image = pipeline, image
        self._moments = pipeline._moments(image)

    def __next__(self) -> Traced:
        """The next moment. Raises StepError where a step finds nothing to work on."""
        return next(self._moments)

    def _repr_html_(self) -> str:
        """In a notebook: every moment, and why it went no further; asking for the next goes on as before."""
        shown: list[str] = []
        try:
            for moment in self._pipeline._moments(self._image):
                said = ": ".join(filter(None, [str(moment.step or "photo"), moment.decision]))
                picture = image_html(moment.image, said)
                shown.append(
                    '<figure style="display: inline-block; vertical-align: top; width: 150px; margin: 4px">'
                    f"{picture}<figcaption><small>{escape(said)}</small></figcaption></figure>"
                )
        except StepError as error:
            shown.append(f"<p>{escape(str(error))}</p>")
        return "".join(shown)


@dataclass(frozen=True)
class Pipeline:
    """Steps that are applied to an image one after the other.

    steps: at least one

    Raises UsageError where there is none.

    >>> pipeline = Pipeline.parse('grayscale | invert(when="auto") | resize(size=28)')
    >>> Pipeline.parse(str(pipeline)) == pipeline
    True
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Raises UsageError where there is no step."""
        if not self.steps:
            raise UsageError("a pipeline needs at least one step")

    @classmethod
    def parse(cls, text: str) -> Pipeline:
        """The pipeline that a text describes. Raises UsageError saying what is wrong with it."""
        return cls(STEPS.parse_chain(text))

    @classmethod
    def from_list(cls, steps: list[dict[str, Value]]) -> Pipeline:
        """The pipeline that `to_list` described. Raises UsageError where it describes none."""
        return cls(tuple(STEPS.from_dict(step) for step in steps))

    def __str__(self) -> str:
        """The text that `parse` reads."""
        return " | ".join(map(str, self.steps))

    def to_list(self) -> list[dict[str, Value]]:
        """Each step with all its options, ready for JSON."""
        return [step.to_dict() for step in self.steps]

    def __call__(self, image: Image) -> Image:
        """(H, W) or (H, W, 3) uint8 -> uint8: what the last step makes of it.

        Raises StepError, named after its step, where a step finds nothing to work on.
        """
        for step in self.steps:
            image = step(image)
        return image

    def trace(self, image: Image) -> Trace:
        """(H, W) or (H, W, 3) uint8 -> that, then what each step makes of it, computed one by one."""
        return Trace(self, image)

    def _moments(self, image: Image) -> Iterator[Traced]:
        yield Traced(None, image)
        for step in self.steps:
            image, decision = step.told(image)
            yield Traced(step, image, decision)

    def locate(
        self, image: Image, with_decisions: bool = False, seen: Callable[[Traced], None] | None = None
    ) -> Located:
        """(H, W) or (H, W, 3) uint8 -> what comes out, where that was in it, and what is doubtful.

        with_decisions: whether to say what each step decided, too
        seen: called with each moment, as `trace` gives them

        Raises as calling does.
        """
        doubt, decisions = "", []
        left, top, width, height = 0.0, 0.0, float(image.shape[1]), float(image.shape[0])
        if seen:
            seen(Traced(None, image))
        for step in self.steps:
            result, decision = step.told(image) if with_decisions or seen else (step(image), "")
            if seen:
                seen(Traced(step, result, decision))
            if decision:
                decisions.append(f"{spec_name(type(step))}: {decision}")
            x, y, w, h = step.window(image)
            across, down = width / image.shape[1], height / image.shape[0]
            left, top = left + x * across, top + y * down
            width, height = w * across, h * down
            doubt = doubt or step.doubt(image, result)
            image = result
        box = (round(left), round(top), max(1, round(width)), max(1, round(height)))
        return Located(image, box, doubt, tuple(decisions))
