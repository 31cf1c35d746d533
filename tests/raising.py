"""Which errors a function raises: by itself, or through what it calls, as far as the text of it tells."""

import ast
import importlib
import inspect
import re
import textwrap
from functools import cache

from digitprep import errors
from digitprep.errors import DigitprepError

ERRORS = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, DigitprepError)
}
DEEPEST = 4  # functions without a docstring that are looked into, one called by the other


def named(text):
    """The errors that a text names."""
    return {name for name in re.findall(r"\b[A-Z]\w+\b", text or "") if name in ERRORS}


def told(text):
    """The errors that a text names, and those that are kinds of them."""
    kinds = tuple(ERRORS[name] for name in named(text))
    return {name for name, error in ERRORS.items() if issubclass(error, kinds)}


@cache
def raised(function, cls=None, depth=0):
    """The names of the errors; what is called says its own in its docstring, or is looked into."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError):  # made by a dataclass
        return set()
    names, caught = _names(function, tree), _caught(tree)
    found = {name for node in ast.walk(tree) if isinstance(node, ast.Raise) for name in _errors_in(node.exc)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found |= _of(_called(node.func, names, cls), cls, depth) - caught.get(node, set())
    return found


def _errors_in(tree):
    return {node.id for node in ast.walk(tree or ast.Tuple([])) if getattr(node, "id", "") in ERRORS}


def _names(function, tree):
    """What the names in a function mean, with those that it imports itself."""
    names = dict(function.__globals__)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("digitprep."):
            module = importlib.import_module(node.module)
            names |= {alias.name: getattr(module, alias.name, None) for alias in node.names}
    return names


def _caught(tree):
    """For each call inside of a `try`: the errors that are caught there."""
    caught = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            named = {name for handler in node.handlers for name in _errors_in(handler.type)}
            below = told(" ".join(named))
            for call in (part for statement in node.body for part in ast.walk(statement)):
                caught[call] = caught.get(call, set()) | below
    return caught


def _called(node, names, cls):
    """What is called, where its name tells."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        owner = cls if own else _called(node.value, names, cls)
        if inspect.ismodule(owner) or inspect.isclass(owner):
            return getattr(owner, node.attr, None)
    return None


def _of(called, cls, depth):
    """The errors of something that is called."""
    called = inspect.unwrap(getattr(called, "__func__", called))
    ours = getattr(called, "__module__", "").startswith("digitprep.")
    if not ours or (inspect.isclass(called) and issubclass(called, Exception)):
        return set()
    said = inspect.getdoc(called) or ""
    if "Raise" in said:
        return named(said)
    if inspect.isclass(called):
        made = [vars(called).get(name) for name in ("__init__", "__post_init__")]
        return {name for function in filter(None, made) for name in _of(function, called, depth)}
    return raised(called, cls, depth + 1) if inspect.isfunction(called) and depth < DEEPEST else set()
