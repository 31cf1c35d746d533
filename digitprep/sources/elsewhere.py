"""What photos that are no files of their own have in common with those that are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TypeVar

from digitprep.errors import DataError

This = TypeVar("This", bound="Elsewhere")


@dataclass(frozen=True)
class Elsewhere(ABC):
    """A photo that is no file of its own; it goes to other processes as it is.

    place: where it is, with slashes; what comes last is its name
    """

    place: str

    @property
    def size(self) -> int:
        """In bytes; -1 where it is not known."""
        return -1

    @property
    @abstractmethod
    def version(self) -> str:
        """Another one when the photo is."""

    @abstractmethod
    def read(self, most: int) -> bytes:
        """The first `most` bytes of it; raises DataError where they cannot be read."""

    def __str__(self) -> str:
        """Its place, as it was named."""
        return self.place

    @property
    def name(self) -> str:
        """The last part of its place."""
        return PurePosixPath(self.place).name

    @property
    def stem(self) -> str:
        """Its name without the suffix."""
        return PurePosixPath(self.place).stem

    def with_name(self: This, name: str) -> This:
        """The same by another name, as a digit of a page has it."""
        return replace(self, place=f"{self.place.removesuffix(self.name)}{name}")


@dataclass(frozen=True)
class Unusable(Elsewhere):
    """What is named among photos and cannot be given, and why."""

    reason: str

    @property
    def version(self) -> str:
        return self.reason

    def read(self, most: int) -> bytes:  # noqa: ARG002  (as every photo is read)
        raise DataError(f"{self.place}: {self.reason}")
