"""Everything public says what it takes, what it gives, what it raises, and where it comes from."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from typing import get_args, get_type_hints

import numpy as np
import pytest
import typer
from raising import ERRORS, raised, told
from registered import REGISTRIES

import digitprep as dp
from digitprep import errors, nn
from digitprep.cli import app
from digitprep.docstrings import described, described_fields
from digitprep.downloads.catalog import SOURCES
from digitprep.errors import StepError
from digitprep.nn.engines import Classifier
from digitprep.recipes import RECIPES
from digitprep.steps import STEPS

REGISTERED = [(kind, name) for kind, registry in REGISTRIES.items() for name in registry]
over_registered = pytest.mark.parametrize(("kind", "name"), REGISTERED)
MODULES = [
    found.name
    for found in pkgutil.walk_packages(dp.__path__, "digitprep.")
    if found.name != "digitprep.__main__"
]
SHAPE = r"\((?:\.\.\.|[A-Z]|classes|\d+)[^()]*,|any shape|any number of dimensions"
METHODS = ["steps", "layers", "losses", "optimizers", "schedules", "augmentations"]


def own_classes(module):
    return [
        value
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]


def mentioned(annotation):
    """The classes of the package that an annotation is made of."""
    if inspect.isclass(annotation) and annotation.__module__.startswith("digitprep."):
        yield annotation
    for part in get_args(annotation):
        yield from mentioned(part)


def is_method(value):
    return inspect.isfunction(value) or isinstance(value, classmethod | staticmethod)


def function_of(value):
    return value.__func__ if isinstance(value, classmethod | staticmethod) else value


def methods(cls):
    """The public methods that a class itself defines, with those that make it callable or indexable."""
    for name, value in vars(cls).items():
        if is_method(value) and (not name.startswith("_") or name in ("__call__", "__getitem__")):
            yield name, function_of(value)


def public_classes():
    """The public classes, and what these and the public functions take and hand over."""
    found, waiting = [], [getattr(dp, name) for name in dp.__all__]
    while waiting:
        value = waiting.pop()
        if value in found:
            continue
        if inspect.isclass(value):
            found.append(value)
            functions = [function for _, function in methods(value)]
            functions += [member.fget for member in vars(value).values() if isinstance(member, property)]
            waiting += mentioned_in(value)
        else:
            functions = [value]
        for function in functions:
            waiting += mentioned_in(function)
    return found


def mentioned_in(value):
    return [cls for hint in hints(value).values() for cls in mentioned(hint)]


def hints(value):
    """The types of what goes in and out, with the names that are imported for type checkers alone."""
    return get_type_hints(value, localns={"Classifier": Classifier})


CLASSES = sorted(public_classes(), key=lambda cls: cls.__qualname__)
FUNCTIONS = [getattr(dp, name) for name in dp.__all__ if inspect.isfunction(getattr(dp, name))]
OWNED = [(function, None) for function in FUNCTIONS]
OWNED += [(function, cls) for cls in CLASSES for _, function in methods(cls)]
CALLABLES = [function for function, _ in OWNED]


def said(function):
    return inspect.getdoc(function) or ""


@pytest.mark.parametrize("name", MODULES)
def test_every_method_says_what_it_does_or_inherits_it(name):
    if name == "digitprep.torch":
        pytest.importorskip("torch")
    module = importlib.import_module(name)
    silent = [
        f"{cls.__qualname__}.{name}"
        for cls in own_classes(module)
        for name, value in vars(cls).items()
        if not name.startswith("_") and (is_method(value) or isinstance(value, property))
        if not inspect.getdoc(getattr(cls, name))
    ]
    assert silent == []


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__qualname__)
def test_every_field_of_a_public_class_is_described(cls):
    names = [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
    if not names and getattr(vars(cls).get("__init__"), "__module__", "") == cls.__module__:
        names = list(inspect.signature(cls).parameters)
    assert set(names) <= {*described_fields(cls), *described([cls.__init__.__doc__])}


@pytest.mark.parametrize("function", CALLABLES, ids=lambda function: function.__qualname__)
def test_every_parameter_that_may_be_left_out_is_named(function):
    optional = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not parameter.empty
    ]
    assert [name for name in optional if not re.search(rf"\b{name}\b", said(function))] == []


@pytest.mark.parametrize("function", CALLABLES, ids=lambda function: function.__qualname__)
def test_arrays_that_go_in_or_come_out_have_a_shape(function):
    if any("numpy.ndarray" in str(hint) for hint in hints(function).values()):
        assert re.search(SHAPE, said(function)), said(function)


@pytest.mark.parametrize(("function", "cls"), OWNED, ids=lambda value: getattr(value, "__qualname__", ""))
def test_errors_that_a_call_may_end_in_are_said(function, cls):
    """Raised here, or in what is called here without being caught."""
    assert raised(inspect.unwrap(function), cls) <= told(said(function))


@over_registered
def test_every_option_that_can_be_given_is_described(kind, name):
    cls = REGISTRIES[kind][name]
    assert REGISTRIES[kind].summary(name)
    assert {field.name for field in dataclasses.fields(cls)} <= set(described_fields(cls))


@pytest.mark.parametrize("kind", ["steps", "layers"])
def test_steps_and_layers_begin_with_the_shapes_that_go_in_and_come_out(kind):
    for name in REGISTRIES[kind]:
        assert re.match(r"\(.*\) -> .+: \S", REGISTRIES[kind].summary(name)), name


@pytest.mark.parametrize("kind", METHODS)
def test_every_method_names_its_source(kind):
    """A paper, a standard, a book; that it is our own; or that it does what its name says by definition."""
    registry = REGISTRIES[kind]
    assert [name for name in registry if "Source: " not in registry[name].__doc__] == []


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_finds_nothing_in_a_blank_image_says_so(name):
    try:
        STEPS[name]()(np.zeros((40, 30), np.uint8))
    except StepError:
        assert "Raises StepError" in STEPS[name].__doc__


@pytest.mark.parametrize("name", typer.main.get_command(app).commands)
def test_every_command_argument_and_option_has_its_help(name):
    command = typer.main.get_command(app).commands[name]
    assert command.help
    context = command.make_context(name, [], resilient_parsing=True)
    assert [parameter.name for parameter in command.get_params(context) if not parameter.help] == []


def test_every_error_says_what_it_means_and_ends_with_a_code_of_its_own():
    for name, error in ERRORS.items():
        assert error.__doc__, name
        assert re.search(rf"\b{name} .*\b{error.exit_code}\b", errors.__doc__), name


def test_every_named_text_says_what_it_is():
    for entry in [*RECIPES.values(), *nn.ZOO.values(), *SOURCES.values()]:
        assert entry.summary
