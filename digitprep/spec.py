"""Text and JSON for everything that a user can name: steps, layers, optimizers, formats.

A `Spec` is a small frozen dataclass whose fields are flat options. A `Registry` knows the specs
of one kind by name and turns them into text and back:

    >>> str(Resize(size=20))                    'resize(size=20)'
    >>> STEPS.parse('resize(size=20)')          Resize(size=20)
    >>> STEPS.parse_chain('grayscale | invert') (Grayscale(), Invert())

Text is read with `ast.parse` and `ast.literal_eval`; nothing in it is ever executed. Options are
checked against the annotations of their fields, however the spec was made, so each class states
its types and bounds once:

    size: Annotated[int, Between(1, 4096)] = 28
    method: Literal["otsu", "fixed"] = "otsu"
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar, get_type_hints

from digitprep.errors import UsageError
from digitprep.values import Between as Between
from digitprep.values import Value as Value
from digitprep.values import checked_value, expected, literal

LONGEST_SHOWN = 1000  # characters of a text that an error repeats


@dataclass(frozen=True)
class Spec:
    """A frozen dataclass with flat options that are checked, and a text form that reads back."""

    def __post_init__(self) -> None:
        """Raises UsageError for an option that its annotation does not take."""
        for option, annotation in options(type(self)).items():
            checked = checked_value(spec_name(type(self)), option, getattr(self, option), annotation)
            object.__setattr__(self, option, checked)

    def __str__(self) -> str:
        """Its name and the options that differ from their defaults: `resize(size=28)`."""
        given = [
            f"{field.name}={literal(getattr(self, field.name))}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        ]
        name = spec_name(type(self))
        return f"{name}({', '.join(given)})" if given else name

    def to_dict(self) -> dict[str, Value]:
        """The name and every option, ready for JSON: `{"name": "resize", "size": 20, ...}`."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"name": spec_name(type(self)), **values}


AnySpec = TypeVar("AnySpec", bound=Spec)


def spec_name(cls: type[Spec]) -> str:
    """The name that a user writes for a class: `KeepDigit` is `keep_digit`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


def options(cls: type[Spec]) -> dict[str, Any]:
    """The annotation of each option of a spec class, in the order of its fields."""
    hints = _annotations(cls)  # type: ignore[arg-type]  # mypy takes a class's hash for its instances'
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


@cache  # they are kept as text, and to compile it takes longer than to read a small dataset
def _annotations(cls: type[Spec]) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


class Registry(Generic[AnySpec]):
    """The specs of one kind, by name, in the order in which they were registered."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._classes: dict[str, type[AnySpec]] = {}

    def register(self, cls: type[AnySpec]) -> type[AnySpec]:
        """Make a spec class known under its name; meant as a decorator.

        Raises UsageError where the name is taken, and where an option is called `name`.
        """
        name = spec_name(cls)
        if name in self._classes:
            raise UsageError(f"two {self.kind}s are named {name!r}")
        if any(field.name == "name" for field in dataclasses.fields(cls)):
            raise UsageError(f"{name} has an option 'name', which `to_dict` needs for the spec's own")
        self._classes[name] = cls
        return cls

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._classes)

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._classes)

    def __contains__(self, name: object) -> bool:
        """Whether there is a spec of that name."""
        return name in self._classes

    def __getitem__(self, name: str) -> type[AnySpec]:
        """The class of that name. Raises UsageError listing the known names."""
        try:
            return self._classes[name]
        except KeyError:
            raise UsageError(f"no {self.kind} is named {name!r}; {_known(name, self)}") from None

    def summary(self, name: str) -> str:
        """One line on what the spec of that name does: its docstring's first."""
        return (self[name].__doc__ or "").strip().partition("\n")[0]

    def template(self, name: str) -> str:
        """The text of that spec with all defaults: `resize(size=20, mode="fit")`, `dense(width=...)`."""
        given = [
            f"{field.name}={'...' if field.default is dataclasses.MISSING else literal(field.default)}"
            for field in dataclasses.fields(self[name])
        ]
        return f"{name}({', '.join(given)})" if given else name

    def accepted(self, name: str) -> dict[str, str]:
        """What each option of that spec takes, in words: {"size": "a whole number, between 1 and 4096"}."""
        return {option: expected(annotation) for option, annotation in options(self[name]).items()}

    def build(self, name: str, values: Mapping[str, Value]) -> AnySpec:
        """The spec of that name with these options. Raises UsageError on unknown or bad ones."""
        cls = self[name]
        for option in values:
            if option not in options(cls):
                raise UsageError(f"{name} has no option {option!r}; {_known(option, options(cls))}")
        missing = [
            field.name
            for field in dataclasses.fields(cls)
            if field.default is dataclasses.MISSING and field.name not in values
        ]
        if missing:
            raise UsageError(f"{name} needs a value for {', '.join(missing)}: {name}({missing[0]}=...)")
        return cls(**values)

    def parse(self, text: str) -> AnySpec:
        """One spec from its text. Raises UsageError saying what in the text is wrong."""
        specs = self.parse_chain(text)
        if len(specs) != 1:
            raise UsageError(f"expected one {self.kind}, found {len(specs)} in {text!r}")
        return specs[0]

    def parse_chain(self, text: str) -> tuple[AnySpec, ...]:
        """Specs from text that joins them with `|`. Raises UsageError saying what is wrong."""
        text = text.strip()
        tree, reason = _tree(text)
        if tree is None:
            raise UsageError(
                f"{_shortened(text)} is no list of {self.kind}s ({reason}); write NAME(option=value) | NAME"
            )
        return tuple(self._from_node(node, text) for node in _links(tree))

    def from_dict(self, values: Mapping[str, Value]) -> AnySpec:
        """The spec that `to_dict` described. Raises UsageError where it describes none."""
        name = values.get("name")
        if not isinstance(name, str):
            raise UsageError(f"a {self.kind} needs a name, found {dict(values)!r}")
        return self.build(name, {option: value for option, value in values.items() if option != "name"})

    def _from_node(self, node: ast.expr, text: str) -> AnySpec:
        if isinstance(node, ast.Name):
            return self.build(node.id, {})
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            raise UsageError(
                f"{ast.get_source_segment(text, node)!r} in {text!r} is no {self.kind}; "
                "write NAME or NAME(option=value)"
            )
        name = node.func.id
        if node.args:
            raise UsageError(f"{name} takes options by name, as in {name}(option=value): {text!r}")
        values: dict[str, Value] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise UsageError(f"{name} takes options by name, not **: {text!r}")
            if keyword.arg in values:
                raise UsageError(f"{name} is given {keyword.arg!r} twice: {text!r}")
            try:
                values[keyword.arg] = ast.literal_eval(keyword.value)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                raise UsageError(
                    f"{name}({keyword.arg}=...) takes a plain value such as 20, 0.5 or "
                    f'"text", found {ast.get_source_segment(text, keyword.value)}'
                ) from None
        return self.build(name, values)


def _tree(text: str) -> tuple[ast.expr | None, str]:
    """The syntax of an expression, or None and why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser's advice on strings is for programmers
            return ast.parse(text, mode="eval").body, ""
    except (SyntaxError, ValueError) as error:
        return None, getattr(error, "msg", None) or str(error)
    except (RecursionError, MemoryError):  # so the parser calls what is nested too deep for it
        return None, "it cannot be parsed"


def _shortened(text: str) -> str:
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}...")


def _links(tree: ast.expr) -> Iterable[ast.expr]:
    """The operands of a chain of `|`, left to right; iterative, so a long chain is no deep recursion."""
    links = []
    while isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.BitOr):
        links.append(tree.right)
        tree = tree.left
    links.append(tree)
    return reversed(links)


def _known(name: str, names: Iterable[str]) -> str:
    """The list of known names for an error, led by the one that was probably meant."""
    names = list(names)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(names) or 'none'}"
