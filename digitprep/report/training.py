"""A page on training runs: their curves and figures, and of a single one what its network has learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitprep.dataset import Images
from digitprep.nn import Epoch, Model
from digitprep.nn.look import feature_maps, first_kernels
from digitprep.report.html import png_uri, rendered
from digitprep.report.plots import Step, curves, step_curve, time_curve, unit_of

SHOWN_UNITS = 64  # kernels, or maps of a layer


@dataclass(frozen=True, eq=False)
class Learnt:
    """A network at the end of its run: the network, an image to look at, and what that is called."""

    model: Model
    image: Images
    name: str


def training_page(
    title: str,
    runs: Mapping[str, Sequence[Epoch]],
    facts: Mapping[str, str] | None = None,
    steps: Sequence[Step] = (),
    learnt: Learnt | None = None,
) -> bytes:
    """The epochs of runs by name -> one HTML file that needs nothing else; the same input, the same bytes.

    facts: on the run, by name
    steps: the loss of single batches, where there is one run and they are known

    Raises UsageError as `curves` does, MissingExtra without matplotlib or jinja2.
    """
    return rendered(
        "training.html",
        title=title,
        facts=facts or {},
        unit=unit_of(runs),
        runs=[_figures(name, history) for name, history in runs.items()],
        curves=png_uri(curves(runs)),
        times=png_uri(time_curve(runs)),
        steps=png_uri(step_curve(steps)) if steps else None,
        epochs=next(iter(runs.values())) if len(runs) == 1 else [],
        learnt=None if learnt is None else _shown(learnt),
    )


def _figures(name: str, history: Sequence[Epoch]) -> dict[str, Any]:
    """A row on a run: its best epoch, and how long it took."""
    best = next((epoch for epoch in reversed(history) if epoch.best), history[-1])
    return {
        "name": name,
        "best": best,
        "seconds": sum(epoch.seconds for epoch in history),
        "last": history[-1],
    }


def _shown(learnt: Learnt) -> dict[str, Any]:
    """The pictures of what was learnt."""
    kernels = first_kernels(learnt.model)
    probabilities = learnt.model.probabilities(learnt.image[None])[0].tolist()
    return {
        "kernels": [] if kernels is None else list(_signed(kernels[:SHOWN_UNITS])),
        "units": 0 if kernels is None else len(kernels),
        "image": learnt.image,
        "name": learnt.name,
        "blocks": [
            {
                "layers": block.layers,
                "units": len(block.maps),
                "maps": list(_bright(block.maps[:SHOWN_UNITS])),
            }
            for block in feature_maps(learnt.model, learnt.image)
        ],
        "classes": sorted(zip(probabilities, learnt.model.class_names, strict=True), reverse=True)[:5],
    }


def _signed(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Zero as middle grey, what is most above or below it as white or black."""
    most = max(float(np.abs(values).max()), 1e-12)
    return np.asarray(np.rint(127.5 + 127.5 * values / most), np.uint8)


def _bright(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The least value as black, the greatest as white."""
    low, high = float(values.min()), float(values.max())
    return np.asarray(np.rint(255 * (values - low) / max(high - low, 1e-12)), np.uint8)
