"""The pages of what Python programs use: the public names, what they hand over, and the errors."""

from __future__ import annotations

import importlib
import inspect

import digitprep
from digitprep import errors
from digitprep.docstrings import blocks
from house_style import ERRORS, as_rst, class_block, error_name, heading, inline, page

# What public names take or hand over, and programs need not import.
HANDED_OVER = [
    "digitprep.acceptance.Verdict",
    "digitprep.conformance.Invariant",
    "digitprep.conformance.Conformance",
    "digitprep.dataset.Provenance",
    "digitprep.downloads.Download",
    "digitprep.downloads.catalog.Source",
    "digitprep.downloads.catalog.File",
    "digitprep.evaluation.Answer",
    "digitprep.evaluation.Bin",
    "digitprep.evaluation.Evaluation",
    "digitprep.nn.engines.Classifier",
    "digitprep.nn.epoch.Epoch",
    "digitprep.pipeline.Traced",
    "digitprep.pipeline.Trace",
    "digitprep.pipeline.Located",
    "digitprep.segment.page.Digit",
    "digitprep.segment.page.Page",
    "digitprep.segment.reader.ReadDigit",
    "digitprep.segment.reader.Reading",
    "digitprep.spec.Spec",
    "digitprep.spec.Registry",
    "digitprep.spec.Between",
]
# What programs import by name that clean more photos than one at a time.
MANY_PHOTOS = [
    "digitprep.sources.find_photos",
    "digitprep.batch.clean",
    "digitprep.batch.Cleaned",
    "digitprep.batch.to_splits",
    "digitprep.recipes.recipe",
    "digitprep.workers.ProcessPool",
    "digitprep.limits.Limits",
]
OTHER_CODES = {
    0: "done",
    1: "`diff` found a difference; or the disk, or every mirror, refused",
    130: "stopped by Ctrl-C",
    143: "asked to end",
}


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    return {"python": _names_page(), "errors": _errors_page()}


def _names_page() -> str:
    homes: dict[str, list[str]] = {}
    for name in digitprep.__all__:
        homes.setdefault(getattr(digitprep, name).__module__.split(".")[1], []).append(name)
    homes.pop("errors")  # they have a page of their own
    return page(
        "Python",
        "After ``import digitprep as dp`` these are ``dp.read`` and so on:",
        ", ".join(inline(f"`digitprep.{name}`") for names in homes.values() for name in names) + ".",
        *(_home(module, names) for module, names in homes.items()),
        heading("For PyTorch", "-"),
        class_block("digitprep.torch.SplitDataset"),
        heading("For many photos", "-"),
        "Imported from their modules, as `Clean a million photos <../how-to/scale-out.html>`_ shows:",
        *(_documented(name, members=False) for name in MANY_PHOTOS),
        ".. autoclass:: digitprep.dask.DaskPool",
        heading("What these take and hand over", "-"),
        *map(_documented, HANDED_OVER),
    )


def _home(module: str, names: list[str]) -> str:
    """The public names of one module or folder, after what it says of itself."""
    first = blocks(importlib.import_module(f"digitprep.{module}").__doc__)[0]
    listed = [_documented(f"digitprep.{name}") for name in names]
    return "\n\n".join([heading(module.capitalize(), "-"), inline(first), *listed])


def _documented(name: str, members: bool = True) -> str:
    module, _, attribute = name.rpartition(".")
    if inspect.isclass(getattr(importlib.import_module(module), attribute)):
        return class_block(name) if members else f".. autoclass:: {name}"
    return f".. autofunction:: {name}"


def _errors_page() -> str:
    """Every error with its exit code, then the codes that are no error's."""
    return page(
        "Errors and exit codes",
        as_rst(errors.__doc__),
        heading("The errors", "-"),
        *map(_error, ERRORS),
        heading("The other exit codes", "-"),
        *(f"{code}\n   {inline(said)}" for code, said in OTHER_CODES.items()),
    )


def _error(name: str) -> str:
    """An error with its exit code, and the error of Python that it is as well."""
    cls = getattr(errors, name)
    also = next(base.__name__ for base in cls.__mro__ if base.__module__ == "builtins")
    said = f"Exit code {cls.exit_code}" + (f"; it is a ``{also}``, too." if also != "Exception" else ".")
    return f".. autoexception:: {error_name(name)}\n   :members:\n\n   {said}"
