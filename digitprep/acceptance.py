"""Whether what was read in an image can be trusted, and if not, why.

A network of ten classes calls whatever it is shown one of ten digits, a blank page with the greatest
confidence. A second, small network, the gate, has also learnt what other ink looks like: letters,
drawings, several digits at once. A reading is accepted where there is ink, where the gate finds it
likely enough to be a digit, and the classifier to be that digit.

Learning from what is to be rejected: Hendrycks, Mazeika and Dietterich, "Deep Anomaly Detection with
Outlier Exposure", ICLR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images
from digitprep.nn import Model, load_model
from digitprep.nn.engines import Classifier
from digitprep.nn.store import BUNDLED

Floats = NDArray[np.float32]

DIGITS = tuple("0123456789")
IMAGE_SHAPE = (28, 28)

# The least probability that the gate must give to the ten digits together, and the classifier to the one
# that it reads: more than to all the others. With that, 0.05, 0.1, 0.2 and 0.3 from the gate accept 99.2,
# 97.7, 95.6 and 93.7 % of 527 photos of digits, and 10.6, 7.7, 5.2 and 3.7 % of what is drawn and no digit:
# tests/bench/bench_gate.py --gates measures it.
LEAST_GATE, LEAST_CONFIDENCE = 0.2, 0.5

# The gate's classes beside the ten digits, and what to do where one of them is likelier.
ADVICE = {
    "letter": "it looks like a letter; if it is a digit, write it again in plainer strokes",
    "drawing": "it looks like a drawing, a shadow or a thing; photograph the digit alone on plain paper",
    "several": "it looks like more than one digit; try --many, or take one photo a digit",
}
NO_INK = "there is no ink; write the digit darker, or photograph it closer"


@dataclass(frozen=True)
class Verdict:
    """What was read in one image, and whether that can be trusted.

    digit: the number of the class that the classifier finds likeliest
    confidence: the probability that the classifier gives it, 0..1
    reason: why it is doubtful, and what to do; None where it is accepted
    """

    digit: int
    confidence: float
    reason: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether nothing speaks against what was read."""
        return self.reason is None


def judge(images: Images, model: Classifier | None = None) -> list[Verdict]:
    """(N, H, W) uint8, prepared -> a Verdict each: what `model` reads, and whether to believe it.

    Without a model the one that comes with digitprep reads. The gate has a say where the model reads
    the digits 0 to 9 in images of 28 x 28; of other models only ink and confidence are asked.

    Raises ModelError where the images are not of the model's size and type.
    """
    model = model or load_model()
    return verdicts(images, model.probabilities(images), model.class_names, gate_for(model))


def gate_for(model: Classifier) -> Classifier | None:
    """The bundled gate where it knows the model's classes and images, otherwise None."""
    fits = tuple(model.class_names) == DIGITS and tuple(model.image_shape) == IMAGE_SHAPE
    return gate() if fits else None


@cache
def gate() -> Model:
    """The network that comes with digitprep and knows the ten digits and the kinds of `ADVICE`."""
    return load_model(BUNDLED.with_name("digitgate.npz"))


def verdicts(
    images: Images, probabilities: Floats, names: tuple[str, ...], gate: Classifier | None
) -> list[Verdict]:
    """(N, H, W) uint8 and what a classifier makes of them, (N, classes) -> a Verdict each.

    names: what the classes are called
    gate: a classifier of `names` and, behind them, of the kinds of `ADVICE`, or None
    """
    opinions = repeat(None) if gate is None else gate.probabilities(images)
    result = []
    for image, shares, opinion in zip(images, probabilities, opinions, strict=False):
        digit = int(shares.argmax())
        reason = doubt(shares, opinion, names, LEAST_GATE, LEAST_CONFIDENCE) if image.any() else NO_INK
        result.append(Verdict(digit, float(shares[digit]), reason))
    return result


def doubt(
    shares: Floats,
    opinion: Floats | None,
    names: tuple[str, ...],
    least_gate: float,
    least_confidence: float,
) -> str | None:
    """Why the likeliest class of one image is not to be believed; what to do after a semicolon; or None.

    shares, opinion: what a classifier of `names` makes of the image, and a gate, as for `verdicts`
    """
    if opinion is not None and opinion[: len(names)].sum() < least_gate:
        return list(ADVICE.values())[int(opinion[len(names) :].argmax())]
    runner_up, likeliest = np.argsort(shares)[-2:]
    if shares[likeliest] < least_confidence:
        return f"it could be {names[likeliest]} or {names[runner_up]}; write it again more plainly, or larger"
    return None
