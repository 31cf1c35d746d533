"""The house as CONTRIBUTING draws it: imports in one direction, one place that prints, a light --help."""

import ast
import os
import re
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest
from places import ROOT

PACKAGE = ROOT / "digitprep"
FILES = sorted(PACKAGE.rglob("*.py"))
over_files = pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())

# Who may import whom, as CONTRIBUTING's table has it: rows above only, and neighbours of one row where they
# do not go in circles.
ROWS = re.findall(r"^\| ((?:`\w+` )+)\|", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
ORDER = [set(re.findall(r"\w+", row)) for row in ROWS]
STRANGERS = {"formats", "steps", "nn"}  # these never import each other
PLACE = {name: place for place, names in enumerate(ORDER) for name in names}


def module(file):
    """`digitprep.steps.ink` for digitprep/steps/ink.py."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part(name):
    """The part of the package that a module belongs to: `steps` for digitprep.steps.ink."""
    return name.split(".")[1] if "." in name else "__init__"


MODULES = {module(file) for file in FILES}


def imported(tree, file):
    """The modules that a tree imports, in functions and under TYPE_CHECKING too."""
    package = module(file) if file.name == "__init__.py" else module(file).rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(filter(None, [base, node.module]))
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield inner if inner in MODULES else source


def test_the_table_has_each_part_of_the_package_once():
    assert sum(map(len, ORDER)) == len(PLACE)
    assert set(PLACE) == {part(name) for name in MODULES}


def parsed(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def own(names):
    return {name for name in names if name.split(".")[0] == "digitprep"}


@over_files
def test_imports_go_in_one_direction(file):
    here = part(module(file))
    assert here in PLACE, f"{here} has no place in CONTRIBUTING's table: say there who may import it"
    for name in own(imported(parsed(file), file)):
        there = part(name)
        assert name in MODULES, f"{file}: {name} does not exist"
        if there == here:
            continue
        assert PLACE[there] <= PLACE[here], f"{here} imports {name}, which stands below it"
        assert not {here, there} <= STRANGERS, f"{here} and {there} are strangers"


def test_no_modules_import_each_other_before_they_are_used():
    graph = {}
    for file in FILES:
        names = own(imported(_without_type_checking(_without_functions(parsed(file))), file))
        graph[module(file)] = names - {module(file), module(file).rpartition(".")[0]}
    assert list(TopologicalSorter(graph).static_order())


def test_the_package_itself_imports_its_parts_only_when_asked_for_them():
    tree = _without_type_checking(parsed(PACKAGE / "__init__.py"))
    inside = [
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    ]
    eager = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in inside
    ]
    allowed = re.compile(r"from __future__ |from typing |from importlib |import importlib$|from collections")
    assert [line for line in eager if not allowed.match(line)] == []


def _without_functions(tree):
    tree.body = [
        statement for statement in tree.body if isinstance(statement, ast.Import | ast.ImportFrom | ast.If)
    ]
    return tree


def _without_type_checking(tree):
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                setattr(node, field, [s for s in statements if not _is_type_checking(s)])
    return tree


def _is_type_checking(statement):
    return isinstance(statement, ast.If) and ast.unparse(statement.test).endswith("TYPE_CHECKING")


@over_files
def test_only_the_command_line_prints_exits_and_knows_its_libraries(file):
    if part(module(file)) == "cli":
        return
    names = {name.split(".")[0] for name in imported(parsed(file), file)}
    assert not names & {"typer", "rich", "click"}
    used = {
        ast.unparse(node) for node in ast.walk(parsed(file)) if isinstance(node, ast.Attribute | ast.Name)
    }
    forbidden = {
        "print",
        "input",
        "exit",
        "quit",
        "SystemExit",
        "os._exit",
        "sys.exit",
        "sys.stdout",
        "sys.stderr",
    }
    assert not used & forbidden


@over_files
def test_every_module_says_what_it_is_for(file):
    docstring = ast.get_docstring(parsed(file)) or ""
    assert docstring.split("\n")[0].strip().endswith((".", ":")) or ":" in docstring.split("\n")[0]


@pytest.mark.parametrize("package", ["formats", "nn", "report", "segment"])
def test_a_package_of_many_modules_says_what_each_is_for(package):
    file = PACKAGE / package / "__init__.py"
    inside = [path for path in file.parent.iterdir() if path.suffix == ".py" and path != file]
    parts = [path.parent.name for path in PACKAGE.glob(f"{package}/*/__init__.py")]
    # A format is a module that says so itself.
    names = [path.stem for path in inside if "FORMATS.register" not in path.read_text("utf-8")]
    named = set(re.findall(r"`(\w+)`", ast.get_docstring(parsed(file))))
    assert {*names, *parts} <= named


@over_files
def test_no_module_is_too_long_to_hold_in_the_head(file):
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= 300, f"{lines} lines: what in it is an idea of its own?"


def test_nothing_mentions_the_machine_it_was_written_on():
    places = re.compile(r"(?<![\w.-])/(" + "work|tmp" + r"/w|home/\w+|Users/\w+)\b")
    files = [
        *FILES,
        *(ROOT / "tests").rglob("*.py"),
        *(ROOT / "samples").rglob("*.py"),
        ROOT / "pyproject.toml",
    ]
    files += [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").glob("*.py")]
    found = [
        f"{file}: {line}"
        for file in files
        for line in file.read_text(encoding="utf-8").splitlines()
        if places.search(line)
    ]
    assert found == []


RUN = """
import sys
sys.argv = ["digitprep", *{arguments!r}]
try:
    from digitprep.cli import main
    main()
finally:
    sys.stderr.write("\\nMODULES " + " ".join(sys.modules))
"""
HEAVY = {"cv2", "jinja2", "matplotlib", "torch", "tensorflow", "scipy", "pandas", "onnx", "pyarrow", "h5py"}


def modules_after(code):
    """The modules that a fresh Python has imported once it has run some code, and what that printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("MODULES ")[2].split()), done.stdout


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, digitprep; sys.stderr.write('MODULES ' + ' '.join(sys.modules))"
    names, printed = modules_after(code)
    assert "digitprep" in names
    assert not names & (HEAVY | {"numpy", "PIL", "typer", "rich"})
    assert printed == ""


def test_a_process_that_is_started_to_work_on_photos_does_not_load_the_command_line():
    code = "import runpy, sys; runpy.run_module('digitprep', run_name='__mp_main__')\n"
    names, _ = modules_after(code + "sys.stderr.write('MODULES ' + ' '.join(sys.modules))")
    assert "digitprep" in names
    assert not names & {"numpy", "typer"}


def test_help_costs_no_numpy():
    names, printed = modules_after(RUN.format(arguments=["--help"]))
    assert "convert" in printed
    assert not names & (HEAVY | {"numpy", "PIL"})


@pytest.mark.parametrize(
    ("kind", "one"), [("steps", "grayscale"), ("formats", "idx"), ("recipes", "mnist"), ("layers", "conv")]
)
def test_listing_what_there_is_needs_no_opencv(kind, one):
    names, printed = modules_after(RUN.format(arguments=["list", kind]))
    assert any(line.startswith(one) for line in printed.splitlines())
    assert not names & HEAVY
