"""Check that the sdist and the wheel hold all that they should, nothing else, and are small.

Run in the checkout that they were built from: `python3 .ci/contents.py FOLDER_WITH_BOTH`.
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

MOST_BYTES = {"sdist": 4_000_000, "wheel": 2_000_000}
BUILT = {"entry_points.txt", "licenses/LICENSE", "licenses/samples/README.md", "METADATA", "RECORD", "WHEEL"}


def committed():
    """The names of all files in the checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    return set(listed.split("\0")) - {""}


def in_sdist(file):
    """The names of the files in it, without the folder that all are in."""
    with tarfile.open(file) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


def in_wheel(file):
    """The names of the files in it, those about it without the folder that they are in."""
    with zipfile.ZipFile(file) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    return {name.partition(".dist-info/")[2] or name for name in names}


def for_wheel(names):
    """What of the checkout is installed: the package, and the photos that `digitprep demo` reads."""
    package = {name for name in names if name.startswith("digitprep/")}
    photos = {f"digitprep/{name}" for name in names if name.startswith(("samples/photos/", "samples/README"))}
    return package | photos | BUILT


def main(folder):
    """Print the sizes. Exit with what is wrong."""
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    names = committed()
    wrong = []
    for kind, file, found, expected in [
        ("sdist", sdist, in_sdist(sdist), names | {"PKG-INFO"}),
        ("wheel", wheel, in_wheel(wheel), for_wheel(names)),
    ]:
        size = file.stat().st_size
        print(f"{kind}: {file.name}, {len(found)} files, {size:,} bytes")
        wrong += [f"the {kind} lacks {name}" for name in sorted(expected - found)]
        wrong += [f"the {kind} holds {name}, which is none of it" for name in sorted(found - expected)]
        if size > MOST_BYTES[kind]:
            wrong.append(f"the {kind} has more than {MOST_BYTES[kind]:,} bytes: what made it grow?")
    if "digitprep/py.typed" not in names:
        wrong.append("digitprep/py.typed is missing: type checkers would not look into the package")
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
