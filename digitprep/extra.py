"""Packages that digitprep does without until they are asked for, each behind an extra of its own.

OpenCV is none of them: pip brings it, and where it fails, the system lacks something (`opencv`).
"""

from __future__ import annotations

from typing import Any

from digitprep.errors import MissingExtra


def extra(module: str, purpose: str, name: str | None = None) -> Any:
    """The package of a module, both imported: `extra("a.b", ...)` gives what `import a.b` calls `a`.

    purpose: what needs it, as a sentence begins: "writing ONNX"
    name: of digitprep's extra that brings it, where the package is called otherwise

    Raises MissingExtra with the cause and the command that installs it.
    """
    package = module.partition(".")[0]
    try:
        return __import__(module)
    except ImportError as error:
        raise MissingExtra(
            f'{purpose} needs the package {package} ({error}); pip install "digitprep[{name or package}]"'
        ) from error
