"""What can go wrong, and the exit code that each kind of it gets on the command line.

    DigitprepError                     1
    ├── UsageError    (ValueError)     2   an unknown name, a bad option, a file that would be overwritten
    ├── DataError     (ValueError)     3   a file is not what it should be
    │   └── Unavailable                3   what it takes to read a file is not there, and may be another time
    ├── StepError                      4   a step found nothing to work on: a blank photo, no ink
    ├── ModelError    (ValueError)     5   a network that cannot be built, loaded or fed
    ├── MissingExtra  (ImportError)    6   an optional package is not there
    └── PartialSuccess                 7   the work finished, some of its inputs were rejected

A message says what was found, what was expected and what to do about it.
"""

from __future__ import annotations

from os import PathLike, fspath


class DigitprepError(Exception):
    """Every error that digitprep raises on purpose."""

    exit_code = 1


class UsageError(DigitprepError, ValueError):
    """The caller asked for something that does not exist or must not be done."""

    exit_code = 2


class DataError(DigitprepError, ValueError):
    """A file does not hold what its format promises."""

    exit_code = 3

    @classmethod
    def of(
        cls,
        file: str | PathLike[str],
        where: str = "",
        *,
        expected: object,
        found: object,
        advice: str = "",
    ) -> DataError:
        """The error for one spot of one file, worded the same way everywhere.

        `where` is the position inside the file ("byte 4", "sample 17"), `advice` what to do.
        """
        place = f"{fspath(file)}: {where}" if where else fspath(file)
        message = f"{place}: expected {expected}, found {found}"
        return cls(f"{message}; {advice}" if advice else message)


class Unavailable(DataError):
    """What it takes to read a file, memory or a package, is not there now, and may be another time."""


class StepError(DigitprepError):
    """A step found nothing to work on in an image."""

    exit_code = 4


class ModelError(DigitprepError, ValueError):
    """A network cannot be built, loaded or fed."""

    exit_code = 5


class MissingExtra(DigitprepError, ImportError):
    """A package that this piece of work needs cannot be imported."""

    exit_code = 6


class PartialSuccess(DigitprepError):
    """The work finished and its results are written, but some inputs were rejected."""

    exit_code = 7
