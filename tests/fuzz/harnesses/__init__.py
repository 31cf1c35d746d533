"""What is fuzzed: functions of bytes, each in a module of this folder, which is found by itself.

    @harness(seeds=lambda: [b"grayscale | invert"])
    def pipeline_text(data):
        Pipeline.parse(data.decode("utf-8", "replace"))

A harness hands bytes to one reader. A DigitprepError is a good end; anything else that it raises is a
finding, and so are a crash, a hang and too much memory. `seeds` makes inputs that are right, or nearly,
small and of every kind that the reader knows; `container` says how to open them (see `containers`), and
`share` how many inputs it gets beside the others, less than 1 where it takes long.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from containers import Container

from digitprep.errors import UsageError
from digitprep.spec import Registry

CORPUS = Path(__file__).parents[1] / "corpus"
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a disk would take longer than all the rest


@dataclass(frozen=True)
class Harness:
    """A function of bytes, and inputs to start from."""

    name: str
    run: Callable[[bytes], object]
    make_seeds: Callable[[], Sequence[bytes]]
    container: Container | None
    share: float

    def seeds(self) -> list[bytes]:
        """The inputs to start from, and those with which bugs were found."""
        return [*self.make_seeds(), *(file.read_bytes() for file in self.corpus())]

    def corpus(self) -> list[Path]:
        """The files of inputs with which bugs were found."""
        return sorted((CORPUS / self.name).glob("*"))


HARNESSES: dict[str, Harness] = {}


def harness(
    *, seeds: Callable[[], Sequence[bytes]], container: Container | None = None, share: float = 1
) -> Callable[[Callable[[bytes], object]], Callable[[bytes], object]]:
    """Make a function of bytes a harness of its name."""

    def register(function: Callable[[bytes], object]) -> Callable[[bytes], object]:
        HARNESSES[function.__name__] = Harness(function.__name__, function, seeds, container, share)
        return function

    return register


@cache
def scratch() -> Path:
    """A folder of this process, in memory where the system has such a place, removed at its end."""
    made = tempfile.TemporaryDirectory(prefix="fuzz-", dir=os.environ.get("TMPDIR", MEMORY))
    _KEPT.append(made)
    return Path(made.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def written(name: str, data: bytes) -> Path:
    """A file of these bytes in the scratch folder, in folders as its name says."""
    file = scratch() / name
    try:
        file.write_bytes(data)
    except FileNotFoundError:
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
    return file


def parse_with(registries: Sequence[Registry[Any]], data: bytes) -> None:
    """Have each of some registries read a text; the last one's refusal is raised."""
    refusal = None
    for registry in registries:
        try:
            registry.parse_chain(data.decode("utf-8", "replace"))
        except UsageError as error:
            refusal = error
    if refusal:
        raise refusal


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
