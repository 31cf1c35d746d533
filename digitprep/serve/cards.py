"""The steps of a pipeline as cards, each switched on or off, and what a page has to know to show them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from digitprep.errors import UsageError
from digitprep.pipeline import Pipeline
from digitprep.spec import Between, options
from digitprep.steps import STEPS, Step

MOST_CARDS = 50
KINDS = {bool: "switch", int: "whole", float: "number", str: "text"}


@dataclass(frozen=True)
class Card:
    """A step, and whether it is done."""

    step: Step
    on: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As it is kept and sent: `{"on": true, "step": {"name": ..., ...}}`."""
        return {"on": self.on, "step": self.step.to_dict()}


def cards_of(values: Any) -> tuple[Card, ...]:
    """The cards that were sent or kept. Raises UsageError where they are none."""
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise UsageError("steps are a list of cards, each with its step and whether it is on")
    if len(values) > MOST_CARDS:
        raise UsageError(f"a pipeline here has at most {MOST_CARDS} steps, found {len(values)}")
    cards = []
    for value in values:
        step, on = value.get("step"), value.get("on", True)
        if not isinstance(step, dict) or not isinstance(on, bool):
            raise UsageError(f"a card is a step and whether it is on, found {value!r}")
        cards.append(Card(STEPS.from_dict(step), on))
    return tuple(cards)


def pipeline_of(cards: Iterable[Card]) -> Pipeline:
    """The steps that are on. Raises UsageError where none is."""
    chosen = tuple(card.step for card in cards if card.on)
    if not chosen:
        raise UsageError("a pipeline needs at least one step that is on")
    return Pipeline(chosen)


def cards_for(pipeline: Pipeline, before: Iterable[Card] = ()) -> tuple[Card, ...]:
    """Cards for a pipeline's steps; those that were off `before` stay, each at the place that it had."""
    if len(pipeline.steps) > MOST_CARDS:
        raise UsageError(f"a pipeline here has at most {MOST_CARDS} steps, found {len(pipeline.steps)}")
    cards = [Card(step) for step in pipeline.steps]
    for place, card in enumerate(before):
        if not card.on and len(cards) < MOST_CARDS:
            cards.insert(place, card)
    return tuple(cards)


def catalog() -> dict[str, Any]:
    """All steps by name: what each is, and its options with their kinds, bounds and defaults."""
    return {name: {"summary": STEPS.summary(name), "options": _options(name)} for name in STEPS}


def _options(name: str) -> list[dict[str, Any]]:
    cls = STEPS[name]
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    return [
        {"name": option, **_kind(annotation)}
        | {"default": None if defaults[option] is dataclasses.MISSING else defaults[option]}
        for option, annotation in options(cls).items()
    ]


def _kind(annotation: Any) -> dict[str, Any]:
    """What an option takes, from the annotation that it is checked by."""
    low = high = None
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        for bounds in more:
            if isinstance(bounds, Between):
                low, high = (
                    bound if abs(bound) < float("inf") else None for bound in (bounds.low, bounds.high)
                )
    kinds = [annotation] if get_origin(annotation) is Literal else list(get_args(annotation) or (annotation,))
    optional = NoneType in kinds
    (kind, *_) = (one for one in kinds if one is not NoneType)
    choices = list(get_args(kind)) if get_origin(kind) is Literal else None
    return {
        "kind": "choice" if choices else KINDS[kind],
        "low": low,
        "high": high,
        "choices": choices,
        "optional": optional,
    }
