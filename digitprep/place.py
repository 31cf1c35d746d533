"""Put a result where it belongs, whole or not at all.

The work happens in a hidden folder beside the destination, so on the same disk; the result is
renamed into place, and the folder goes with all that is left in it, whatever happened. What a run that
was killed left there goes when the same destination is written the next time. The disk has the result
before it has the name, so that neither does a power cut leave half of it; see `sync` for large folders.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from digitprep.errors import DigitprepError, UsageError
from digitprep.names import is_junk
from digitprep.sync import sync, sync_folder

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

Owns = Callable[[str], bool]

REPLACED = ".replaced"
UNCHANGED = "nothing was changed, see to the space and the permissions there, or choose another destination"
LOCKS = fcntl is not None  # whether the system can lock a folder


def place(
    path: Path,
    write: Callable[[Path], object],
    *,
    overwrite: bool = False,
    folder: bool = False,
    owns: Owns = lambda _: False,
) -> None:
    """Call `write` with a temporary name and rename what it made to `path`; parents are created.

    An old file, or an old folder in which `owns` claims every file, is replaced when `overwrite`
    says so; an empty folder always is. Whatever goes wrong, the old one stays as it was.

    Raises UsageError where the destination must not be replaced, before any work is done or, where it came
    meanwhile, after it; and DigitprepError where the disk refuses.
    """
    check_destination(path, overwrite, folder=folder, owns=owns)
    target = _target(path)
    with writing(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _staging(target) as staging:
            check_destination(path, overwrite, folder=folder, owns=owns)  # the old one may have come back
            result = Path(staging, target.name)
            write(result)
            sync(result)
            check = partial(_check, path, overwrite=overwrite, folder=folder, owns=owns)
            check(target)  # something may have come while the work went on
            if folder and target.exists():
                _swap(result, target, Path(staging, REPLACED), check)
            elif folder or overwrite:
                result.replace(target)
            else:
                _link(result, target, check)
            sync_folder(target.parent)


def check_destination(
    path: Path, overwrite: bool = False, *, folder: bool = False, owns: Owns = lambda _: False
) -> None:
    """Whether `place` may replace what is at `path`: to be asked before long work; nothing is changed.

    Raises UsageError and DigitprepError as `place` does.
    """
    _check(path, _target(path), overwrite=overwrite, folder=folder, owns=owns)


def _check(path: Path, target: Path, *, overwrite: bool, folder: bool, owns: Owns) -> None:
    """As `check_destination`, of what is at `target` and is to be called `path`."""
    with writing(path):
        if not _exists(target):
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


def check_writable(path: Path) -> None:
    """Create the folder that `path` will lie in and try to write there: to be asked before long work.

    Raises DigitprepError where the disk refuses.
    """
    parent = _target(path).parent
    with writing(path):
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(prefix=".digitprep-", dir=parent) as file:
            file.write(b"?")


@contextmanager
def writing(path: Path, advice: str = UNCHANGED) -> Iterator[None]:
    """Turn the system's refusal to write into a DigitprepError that names the destination and what to do."""
    try:
        yield
    except OSError as error:
        raise DigitprepError(f"{path}: cannot be written: {error.strerror or error}; {advice}") from error


@contextmanager
def _staging(target: Path) -> Iterator[str]:
    """A hidden folder beside the target while the block runs, held by a lock that ends with the process."""
    # A name may be as long as the disk takes, so the folder is named after its checksum.
    prefix = f".digitprep-{zlib.crc32(os.fsencode(target.name)):08x}-"
    with ExitStack() as stack:
        with held(target.parent, wait=True):  # from its creation to its lock no other run may come by
            for left in target.parent.glob(f"{prefix}*"):
                _clear(left, target)
            folder = tempfile.TemporaryDirectory(prefix=prefix, dir=target.parent)
            staging = stack.enter_context(folder)
            stack.enter_context(held(Path(staging)))
        yield staging


def _clear(left: Path, target: Path) -> None:
    """Remove what a killed run left, unless a run is still at it; give back what it had put aside."""
    with held(left) as is_held:
        if not is_held:
            return
        replaced = left / REPLACED
        if replaced.exists() and not target.exists():
            replaced.rename(target)
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def held(folder: Path, wait: bool = False) -> Iterator[bool]:
    """Hold a folder against other processes while the block runs; yields whether that went.

    Where the system cannot lock a folder nothing is held, and what killed runs leave is left.
    """
    if sys.platform == "win32" or fcntl is None:
        yield False
        return
    descriptor = None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        locked = True
    except OSError:
        locked = False
    try:
        yield locked
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _target(path: Path) -> Path:
    """What a path means: a link stays a link, what it points to is replaced."""
    return Path(os.path.realpath(path))


def _exists(target: Path) -> bool:
    """Whether something is there. Unlike Path.exists, raises OSError where nothing can ever be."""
    try:
        target.stat()
    except FileNotFoundError:
        return False
    return True


def _link(result: Path, target: Path, check: Callable[[Path], None]) -> None:
    """Give a file its name where nothing has that name; a rename would replace what came just now."""
    try:
        os.link(result, target)
    except FileExistsError:
        check(target)
        raise
    except OSError:  # not every disk knows links
        result.replace(target)


def _swap(result: Path, target: Path, replaced: Path, check: Callable[[Path], None]) -> None:
    """Rename the old folder away and the new one in, or leave the old one."""
    target.rename(replaced)
    try:
        check(replaced)  # once more, now that nothing can come into it
        result.rename(target)
    except BaseException:
        replaced.rename(target)
        raise


def _first_foreign(folder: Path, owns: Owns) -> str | None:
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
