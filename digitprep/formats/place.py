"""Put a result where it belongs, whole or not at all.

The work happens in a hidden folder beside the destination, so on the same disk; the result is
renamed into place, and the folder goes with all that is left in it, whatever happened.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from digitprep.errors import DigitprepError, UsageError
from digitprep.names import is_junk


def place(
    path: Path,
    write: Callable[[Path], None],
    *,
    overwrite: bool = False,
    folder: bool = False,
    owns: Callable[[str], bool] = lambda _: False,
) -> None:
    """Call `write` with a temporary name and rename what it made to `path`; parents are created.

    An old file, or an old folder in which `owns` claims every file, is replaced when `overwrite`
    says so; an empty folder always is. Whatever goes wrong, the old one stays as it was.

    Raises UsageError where the destination must not be replaced, before any work is done, and
    DigitprepError where the disk refuses.
    """
    target = Path(os.path.realpath(path))  # a link stays a link, what it points to is replaced
    try:
        _check_destination(target, path, overwrite, folder, owns)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".digitprep-", dir=target.parent) as staging:
            result = Path(staging, target.name)
            write(result)
            if folder and target.exists():
                _swap(result, target, Path(staging, ".replaced"))
            else:
                result.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DigitprepError(
            f"{path}: cannot be written: {reason}; nothing was changed, "
            "see to the space and the permissions there, or choose another destination"
        ) from error


def _swap(result: Path, target: Path, replaced: Path) -> None:
    """Rename the old folder away and the new one in, or leave the old one."""
    target.rename(replaced)
    try:
        result.rename(target)
    except BaseException:
        replaced.rename(target)
        raise


def _check_destination(
    target: Path, path: Path, overwrite: bool, folder: bool, owns: Callable[[str], bool]
) -> None:
    if not target.exists():
        return
    if folder != target.is_dir() or not (target.is_dir() or target.is_file()):
        wanted, found = ("folder", "something else") if folder else ("file", "no regular file")
        raise UsageError(f"{path} is {found}, and a {wanted} is to be written; choose another name")
    if folder and not any(target.iterdir()):
        return
    if not overwrite:
        raise UsageError(f"{path} exists; pass --overwrite (overwrite=True) to replace it")
    foreign = _first_foreign(target, owns) if folder else None
    if foreign:
        raise UsageError(
            f"{path} is not replaced: it holds {foreign}, which is not part of this format; "
            "remove it, or choose another destination"
        )


def _first_foreign(folder: Path, owns: Callable[[str], bool]) -> str | None:
    """The first thing in a folder that its format did not write, or None."""
    for place_, folders, files in os.walk(folder, onerror=_refuse):
        folders.sort()
        links = [name for name in folders if Path(place_, name).is_symlink()]
        for name in sorted(files + links):
            relative = Path(place_, name).relative_to(folder).as_posix()
            if not is_junk(name) and (name in links or not owns(relative)):
                return relative
    return None


def _refuse(error: OSError) -> None:
    raise error
