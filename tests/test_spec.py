"""Specs: text, JSON and objects say the same, and what makes no sense is refused with what does."""

from __future__ import annotations

import contextlib
import pickle
from dataclasses import FrozenInstanceError, dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitprep.errors import UsageError
from digitprep.spec import Between, Registry, Spec, options, spec_name

PARTS: Registry[Spec] = Registry("part")


@PARTS.register
@dataclass(frozen=True)
class KeepDigit(Spec):
    """Every kind of option that there is.

    More about it.
    """

    size: Annotated[int, Between(1, 4096)] = 28
    share: Annotated[float, Between(0)] = 0.5
    method: Literal["otsu", "fixed", 3] = "otsu"
    title: str = ""
    level: Annotated[int | None, Between(0, 255)] = None
    strict: bool = True


@PARTS.register
@dataclass(frozen=True)
class Plain(Spec):
    """Nothing to say."""


@PARTS.register
@dataclass(frozen=True)
class Needs(Spec):
    """One option without a default."""

    width: int


SPECS = st.builds(
    KeepDigit,
    size=st.integers(1, 4096),
    share=st.floats(0, allow_infinity=False, allow_nan=False),
    method=st.sampled_from(["otsu", "fixed", 3]),
    title=st.text(st.characters(exclude_categories=["Cs"])),
    level=st.none() | st.integers(0, 255),
    strict=st.booleans(),
)


@given(SPECS)
def test_text_dict_and_pickle_give_the_same_spec_back(spec: KeepDigit) -> None:
    assert PARTS.parse(str(spec)) == spec
    assert PARTS.from_dict(spec.to_dict()) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec


@given(st.lists(SPECS | st.just(Plain()), min_size=1, max_size=4))
def test_a_chain_reads_back_in_its_order(specs: list[Spec]) -> None:
    assert PARTS.parse_chain(" | ".join(map(str, specs))) == tuple(specs)


def test_text_shows_what_differs_from_the_defaults() -> None:
    assert str(KeepDigit()) == "keep_digit"
    text = 'keep_digit(size=3, share=2.0, method="fixed", title="a\\"b", level=0, strict=False)'
    assert str(KeepDigit(3, 2, "fixed", 'a"b', 0, False)) == text
    assert KeepDigit(3).to_dict() == {
        "name": "keep_digit",
        "size": 3,
        "share": 0.5,
        "method": "otsu",
        "title": "",
        "level": None,
        "strict": True,
    }


def test_a_class_gives_its_name_options_and_summary() -> None:
    assert spec_name(KeepDigit) == "keep_digit"
    assert list(options(KeepDigit)) == ["size", "share", "method", "title", "level", "strict"]
    assert PARTS.summary("keep_digit") == "Every kind of option that there is."
    assert list(PARTS) == ["keep_digit", "plain", "needs"]
    assert len(PARTS) == 3
    assert "plain" in PARTS
    assert PARTS["plain"] is Plain


def test_a_template_shows_every_option_and_words_what_it_takes() -> None:
    text = 'keep_digit(size=28, share=0.5, method="otsu", title="", level=None, strict=True)'
    assert PARTS.template("keep_digit") == text
    assert PARTS.parse(text) == KeepDigit()
    assert PARTS.template("plain") == "plain"
    assert PARTS.template("needs") == "needs(width=...)"
    assert PARTS.accepted("plain") == {}
    assert PARTS.accepted("keep_digit") == {
        "size": "a whole number, between 1 and 4096",
        "share": "a number, at least 0",
        "method": 'one of "otsu", "fixed", 3',
        "title": "text",
        "level": "a whole number or None, between 0 and 255",
        "strict": "True or False",
    }


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        KeepDigit().size = 3  # type: ignore[misc]


def test_numbers_of_other_kinds_become_plain_numbers() -> None:
    spec = KeepDigit(size=np.int64(5), share=np.float32(0.5))
    assert (type(spec.size), type(spec.share)) == (int, float)
    assert type(KeepDigit(share=2).share) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 0}, r"keep_digit\(size=...\) must be between 1 and 4096, found 0"),
        ({"size": 4097}, "between 1 and 4096"),
        ({"size": 2.5}, "must be a whole number, found 2.5"),
        ({"size": True}, "must be a whole number, found True"),
        ({"size": "3"}, "must be a whole number, found '3'"),
        ({"share": -0.1}, "must be at least 0, found -0.1"),
        ({"share": float("nan")}, "must be a number, found nan"),
        ({"share": float("inf")}, "must be a number, found inf"),
        ({"share": 10**400}, "must be a number"),
        ({"method": "otsi"}, 'must be one of "otsu", "fixed", 3'),
        ({"method": True}, "must be one of"),
        ({"method": ["otsu"]}, "must be one of"),
        ({"title": None}, "must be text, found None"),
        ({"level": 256}, "between 0 and 255"),
        ({"level": "x"}, "must be a whole number or None"),
        ({"strict": 1}, "must be True or False, found 1"),
    ],
)
def test_a_value_that_an_option_does_not_take_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        KeepDigit(**values)
    with pytest.raises(UsageError, match=message):
        PARTS.build("keep_digit", values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keep_digt", "no part is named 'keep_digt'; did you mean 'keep_digit'"),
        ("xyz", "known: keep_digit, plain, needs"),
        ("keep_digit(siz=3)", "has no option 'siz'; did you mean 'size'"),
        ("keep_digit(3)", r"takes options by name, as in keep_digit\(option=value\)"),
        ("keep_digit(**{})", r"not \*\*"),
        ("keep_digit(size=3, size=4)", "given 'size' twice"),
        ("keep_digit(size=n)", r'takes a plain value such as 20, 0.5 or "text", found n'),
        ("keep_digit(size=__import__('os').getpid())", "takes a plain value"),
        ("keep_digit(share=1e999)", "must be a number, found inf"),
        ("needs", r"needs a value for width: needs\(width=...\)"),
        ("a.b", "'a.b' in 'a.b' is no part"),
        ("plain | 3", "'3' in .* is no part"),
        ("plain |", "is no list of parts"),
        ("", "is no list of parts"),
        ("plain; plain", "is no list of parts"),
        ("plain\0", "is no list of parts"),
        ("plain | plain", "expected one part, found 2"),
        ("(" * 3000 + "plain" + ")" * 3000, "is no list of parts"),
    ],
)
def test_text_that_makes_no_spec_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PARTS.parse(text)


def test_a_chain_of_any_length_is_read_or_refused() -> None:
    assert len(PARTS.parse_chain(" | ".join(["plain"] * 50))) == 50
    with contextlib.suppress(UsageError):  # where Python itself cannot parse it
        assert len(PARTS.parse_chain(" | ".join(["plain"] * 20_000))) == 20_000


@pytest.mark.parametrize("values", [{}, {"name": 3}, {"name": "none"}, {"name": "plain", "size": 3}])
def test_a_dict_that_describes_no_spec_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        PARTS.from_dict(values)


def test_a_name_is_taken_once_and_no_option_is_called_name() -> None:
    registry: Registry[Spec] = Registry("part")
    registry.register(Plain)
    with pytest.raises(UsageError, match="two parts are named 'plain'"):
        registry.register(Plain)

    @dataclass(frozen=True)
    class Named(Spec):
        name: str = ""

    with pytest.raises(UsageError, match="named has an option 'name'"):
        registry.register(Named)
