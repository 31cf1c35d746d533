"""Plain values and the annotations that say which of them an option takes."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from digitprep.errors import UsageError

Value = bool | int | float | str | None


@dataclass(frozen=True)
class Between:
    """The inclusive bounds of a number, for use in `Annotated`.

    low, high: the smallest and the largest that may be given
    """

    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        """In words, as after "must be"."""
        if self.high == math.inf:
            return f"at least {self.low:g}"
        return f"between {self.low:g} and {self.high:g}"


def literal(value: Value) -> str:
    """A value as Python and our own parser read it, strings in double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def checked_value(name: str, option: str, value: object, annotation: Any) -> Value:
    """The value as the annotation's own type, or a UsageError that says what was expected."""
    bounds = None
    if get_origin(annotation) is Annotated:
        annotation, bounds = get_args(annotation)
    for kind in get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,):
        converted = _as(kind, value)
        if converted is not _NO:
            if bounds and converted is not None and not bounds.low <= converted <= bounds.high:
                raise UsageError(f"{name}({option}=...) must be {bounds}, found {converted!r}")
            return converted  # type: ignore[no-any-return]
    raise UsageError(f"{name}({option}=...) must be {expected(annotation)}, found {value!r}")


_NO = object()


def _as(kind: Any, value: object) -> Any:
    """The value converted to one plain type, or `_NO`. Numbers of NumPy count as numbers."""
    if get_origin(kind) is Literal:
        choices = [choice for choice in get_args(kind) if type(choice) is type(value)]
        return value if value in choices else _NO
    if kind is bool or isinstance(value, bool):
        return value if kind is bool and isinstance(value, bool) else _NO
    if kind is int and isinstance(value, Integral):
        return int(value)
    if kind is float and isinstance(value, Real):
        try:
            number = float(value)
        except OverflowError:  # a whole number beyond what a float can hold
            return _NO
        return number if math.isfinite(number) else _NO
    if kind in (str, NoneType) and isinstance(value, kind):
        return value
    return _NO


def expected(annotation: Any) -> str:
    """What an annotation takes, in words: "a whole number, between 1 and 4096"."""
    if get_origin(annotation) is Annotated:
        return ", ".join([expected(get_args(annotation)[0]), *map(str, annotation.__metadata__)])
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(expected(kind) for kind in get_args(annotation))
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(literal(value) for value in get_args(annotation))
    return {bool: "True or False", int: "a whole number", float: "a number", str: "text", NoneType: "None"}[
        annotation
    ]


def check_batch(size: int) -> None:
    """Raise UsageError where a batch would have no sample."""
    if size < 1:
        raise UsageError(f"a batch needs at least 1 sample, found {size}")
