"""The laws of every step, for whatever the registry holds: a newly registered step needs no entry here."""

import dataclasses
import itertools
import pickle
import time
from dataclasses import dataclass
from typing import Annotated, Literal, get_args, get_origin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitprep.errors import StepError, UsageError
from digitprep.spec import Between, Registry, options, spec_name
from digitprep.steps import STEPS, Step

CLASSES = [STEPS[name] for name in STEPS]
over_classes = pytest.mark.parametrize("cls", CLASSES, ids=list(STEPS))


def unpacked(annotation):
    """An option's type and the bounds of its number."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[:2]
    return annotation, Between(-1e6, 1e6)


def strategy(annotation):
    """Every value that an option may have."""
    kind, bounds = unpacked(annotation)
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if args := get_args(kind):  # a union, such as float | None
        return st.one_of(*[strategy(Annotated[arg, bounds]) for arg in args])
    return {
        bool: st.booleans(),
        int: st.integers(int(bounds.low), int(bounds.high)),
        float: st.floats(bounds.low, bounds.high, allow_nan=False),
        str: st.text(),
        type(None): st.none(),
    }[kind]


def steps(cls):
    return st.builds(cls, **{name: strategy(annotation) for name, annotation in options(cls).items()})


def variants(cls):
    """A step with its defaults, with each choice and combination of choices, and with each bound."""
    kinds = {name: unpacked(annotation) for name, annotation in options(cls).items()}
    choices = {name: get_args(kind) for name, (kind, _) in kinds.items() if get_origin(kind) is Literal}
    made = [cls(**dict(zip(choices, picked, strict=True))) for picked in itertools.product(*choices.values())]
    for name, (kind, bounds) in kinds.items():
        if kind in (int, float):
            made += [cls(**{name: kind(bound)}) for bound in (bounds.low, min(bounds.high, 100))]
        elif kind is bool:
            made += [cls(**{name: value}) for value in (False, True)]
    return sorted(set(made), key=str)


VARIANTS = [step for cls in CLASSES for step in variants(cls)]
over_variants = pytest.mark.parametrize("step", VARIANTS, ids=str)

RNG = np.random.default_rng(0)


def noise(height, width):
    return RNG.integers(0, 256, (height, width), dtype=np.uint8)


def speckled(height, width, share):
    return np.where(RNG.random((height, width)) < share, 255, 0).astype(np.uint8)


def strokes():
    """A bright 7 with its bar beside a frame, on dark ground."""
    image = np.zeros((90, 70), np.uint8)
    image[15:21, 15:50] = image[15:75, 44:50] = 255
    image[44:48, 30:60] = 200
    image[2:4] = image[:, 2:4] = 180
    return image


IMAGES = {
    "black": np.zeros((40, 30), np.uint8),
    "white": np.full((40, 30), 255, np.uint8),
    "grey": np.full((40, 30), 117, np.uint8),
    "black pixel": np.zeros((1, 1), np.uint8),
    "white pixel": np.full((1, 1), 255, np.uint8),
    "row": noise(1, 37),
    "column": noise(37, 1),
    "long row": noise(1, 2000),
    "long column": noise(2000, 1),
    "two pixels": np.array([[0, 255]], np.uint8),
    "corner": np.pad(np.full((1, 1), 255, np.uint8), ((0, 30), (0, 40))),
    "noise": noise(60, 45),
    "faint noise": noise(60, 45) // 64 + 100,
    "mask of noise": speckled(60, 45, 0.5),
    "speckles": speckled(60, 45, 0.03),
    "stripes": np.where(np.arange(60) % 4 < 2, 255, 0).astype(np.uint8)[:, None].repeat(60, axis=1),
    "7": strokes(),
    "dark 7": 255 - strokes(),
}


def outcome(step, image):
    """What a step makes of an image, or the reason why nothing; any other error fails the test."""
    try:
        return step(image)
    except StepError as error:
        reason = str(error)
    assert reason.startswith(spec_name(type(step)) + ": ")
    return reason


def same(a, b):
    return a == b if isinstance(a, str) or isinstance(b, str) else np.array_equal(a, b)


@over_variants
def test_any_image_gives_an_image_of_uint8_or_a_reason_and_is_left_alone(step):
    for name, image in IMAGES.items():
        kept = image.copy()
        result = outcome(step, image)
        assert np.array_equal(image, kept), name
        if not isinstance(result, str):
            assert result.dtype == np.uint8, name
            assert result.ndim == 2, name
            assert result.size > 0, name
            assert not np.shares_memory(result, image), f"{name}: the result is the input, not a new image"


@over_variants
def test_the_same_image_gives_the_same_result_however_it_lies_in_memory(step):
    for name in ("7", "dark 7", "noise", "row", "column"):
        image = IMAGES[name]
        expected = outcome(step, image)
        locked = image.copy()
        locked.setflags(write=False)
        strided = np.zeros((image.shape[0] * 2, image.shape[1] * 3), np.uint8)
        strided[::2, ::3] = image
        mirrored = np.ascontiguousarray(image[::-1, ::-1])[::-1, ::-1]
        for form in (locked, np.asfortranarray(image), strided[::2, ::3], mirrored):
            assert same(outcome(step, form), expected), name


@over_variants
def test_colour_gives_uint8_where_it_is_taken_and_elsewhere_the_advice_to_make_it_grey(step):
    colour = np.stack([IMAGES["7"], IMAGES["dark 7"], IMAGES["7"] // 2], axis=2)
    kept = colour.copy()
    if step.takes_colour:
        for form in (colour, colour[..., ::-1], np.asfortranarray(colour)):
            result = outcome(step, form)
            assert isinstance(result, str) or result.dtype == np.uint8
    else:
        with pytest.raises(UsageError, match="grayscale"):
            step(colour)
    assert np.array_equal(colour, kept)


@over_classes
@pytest.mark.parametrize(
    "image",
    [
        np.zeros((20, 20)),
        np.zeros((20, 20), np.float32),
        np.zeros((20, 20), np.int64),
        np.zeros((20, 20), bool),
        np.zeros(20, np.uint8),
        np.zeros((20, 20, 4), np.uint8),
        np.zeros((20, 20, 1), np.uint8),
        np.zeros((2, 20, 20, 3), np.uint8),
        np.zeros((0, 20), np.uint8),
        [[0, 255]],
        None,
    ],
    ids=lambda image: f"{getattr(image, 'dtype', type(image).__name__)} {getattr(image, 'shape', '')}",
)
def test_what_is_no_image_of_uint8_is_a_usage_error_that_names_the_step(cls, image):
    with pytest.raises(UsageError, match=f"^{spec_name(cls)} takes"):
        cls()(image)


HUGE = {
    "noise": lambda: noise(2000, 1500),
    "blank": lambda: np.zeros((2000, 1500), np.uint8),
    "a stroke": lambda: np.pad(np.full((1000, 150), 255, np.uint8), ((500, 500), (600, 750))),
}


@over_classes
@pytest.mark.parametrize("content", HUGE)
def test_a_photo_of_three_megapixels_takes_no_more_than_seconds(cls, content):
    assert elapsed(cls(), HUGE[content]()) < 4


@over_classes
@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.6])
def test_a_photo_that_is_all_specks_takes_no_more_than_a_second_or_two(cls, share):
    assert elapsed(cls(), speckled(600, 450, share)) < 2


def elapsed(step, image):
    """The seconds of processor time that a step takes: other work on the machine does not count."""
    start = time.thread_time()
    outcome(step, image)
    return time.thread_time() - start


@over_classes
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_text_json_and_pickle_keep_every_option(cls, data):
    step = data.draw(steps(cls))
    assert STEPS.parse(str(step)) == step
    assert STEPS.from_dict(step.to_dict()) == step
    assert pickle.loads(pickle.dumps(step)) == step
    assert hash(STEPS.parse(str(step))) == hash(step)


@over_classes
def test_an_option_out_of_its_bounds_or_of_another_type_is_a_usage_error_naming_it(cls):
    for name, annotation in options(cls).items():
        kind, bounds = unpacked(annotation)
        wrong = ["nonsense", [1], {}, float("nan"), float("inf"), 10**400, np.array([1, 2])]
        if kind in (int, float):
            wrong += [bounds.low - 1, bounds.high + 1, True, None, "1"]
        for value in wrong:
            with pytest.raises(UsageError, match=f"{spec_name(cls)}.*{name}"):
                cls(**{name: value})


@over_classes
def test_a_step_cannot_be_changed_and_says_in_a_line_what_goes_in_and_out(cls):
    with pytest.raises(dataclasses.FrozenInstanceError):
        cls().anything = 1
    assert STEPS.summary(spec_name(cls)).startswith("(")
    assert "->" in STEPS.summary(spec_name(cls))


@over_variants
def test_the_window_that_a_step_shows_lies_within_the_image(step):
    for name, image in IMAGES.items():
        if isinstance(outcome(step, image), str):
            continue
        x, y, width, height = step.window(image)
        assert x >= 0, name
        assert y >= 0, name
        assert 1 <= width <= image.shape[1] - x, name
        assert 1 <= height <= image.shape[0] - y, name


@over_variants
def test_what_a_step_decided_is_said_in_one_short_line_and_changes_nothing(step):
    for name, image in IMAGES.items():
        result = outcome(step, image)
        if isinstance(result, str):
            continue
        before, after = image.copy(), result.copy()
        said = step.decision(before, after)
        assert isinstance(said, str), name
        assert "\n" not in said, name
        assert len(said) <= 80, (name, said)
        assert np.array_equal(before, image), name
        assert np.array_equal(after, result), name


def test_a_new_step_is_one_class_and_meets_the_same_laws():
    registry = Registry("step")

    @registry.register
    @dataclass(frozen=True)
    class DimInk(Step):
        """(H, W) -> (H, W): all ink at a share of its brightness."""

        share: Annotated[float, Between(0, 1)] = 0.5
        twice: bool = False
        note: str | None = None

        def apply(self, image):
            return (image * self.share ** (1 + self.twice)).astype(np.uint8)

    assert list(registry) == ["dim_ink"]
    assert {step.share for step in variants(DimInk)} == {0, 0.5, 1}
    step = registry.parse('dim_ink(share=0.25, note="a|b")')
    assert step == DimInk(0.25, note="a|b")
    assert registry.parse(str(step)) == step
    test_any_image_gives_an_image_of_uint8_or_a_reason_and_is_left_alone(step)
    test_the_same_image_gives_the_same_result_however_it_lies_in_memory(step)


def test_a_step_that_writes_into_its_input_would_be_noticed():
    @dataclass(frozen=True)
    class Spoil(Step):
        """(H, W) -> (H, W): bad manners."""

        def apply(self, image):
            image[0, 0] ^= 1
            return image.copy()

    with pytest.raises(AssertionError):
        test_any_image_gives_an_image_of_uint8_or_a_reason_and_is_left_alone(Spoil())
