"""Packages that need not be there: what `import` gives where they are, and where not, how to get them."""

import ast
import sys
import tomllib

import pytest
from places import ROOT

from digitprep.errors import MissingExtra
from digitprep.extra import extra

CALLS = [
    (file.relative_to(ROOT).as_posix(), node)
    for file in sorted((ROOT / "digitprep").rglob("*.py"))
    if "extra(" in file.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "extra"
]


def test_a_module_inside_a_package_is_imported_with_it():
    package = extra("xml.etree.ElementTree", "reading XML")
    assert package is sys.modules["xml"]
    assert package.etree.ElementTree is sys.modules["xml.etree.ElementTree"]


@pytest.mark.parametrize(("name", "shown"), [(None, "no_such_package"), ("charts", "charts")])
def test_a_missing_package_is_named_with_its_cause_and_the_command_that_installs_it(name, shown):
    with pytest.raises(MissingExtra) as caught:
        extra("no_such_package.inner", "drawing charts", name)
    assert str(caught.value) == (
        "drawing charts needs the package no_such_package (No module named 'no_such_package'); "
        f'pip install "digitprep[{shown}]"'
    )
    assert caught.value.exit_code == 6


def test_what_an_installed_package_lacks_itself_is_said(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtra, match=r"half_there \(No module named 'no_such_package'\)"):
        extra("half_there", "drawing charts")


@pytest.mark.parametrize(("file", "call"), CALLS, ids=[f"{file}:{call.lineno}" for file, call in CALLS])
def test_every_extra_that_is_named_brings_that_package(file, call):
    """As pyproject.toml has it, so that the command of the message does help."""
    arguments = [ast.literal_eval(argument) for argument in call.args]
    package = arguments[0].partition(".")[0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [*_, name] = arguments if len(arguments) == 3 else [package]
    brought = project["optional-dependencies"][name]
    assert any(line.replace("-", "_").startswith(package) for line in brought), file
