"""Measure the tables of the README again and write them there: `python tests/bench/tables.py [NAME ...]`.

Each table that is marked in README.md, as by `<!-- table: photos -->`, is what one bench prints after the
same mark. This runs the benches of the tables that are named, or of all, and puts what they print in its
place. README.zh-CN.md has the same tables in Chinese: there the figures alone are replaced, cell by cell.
What changed is printed. A table is left as it is, and the reason told, where it has other rows, columns or
numbers of figures than what was measured (as where a package is not installed), and in Chinese where the
English words changed: then both pages get the same shape by hand, and this is run again, with --printed.

`formats` and `training` compare times, which needs a machine that does nothing else; `networks` takes hours.
--printed FILE takes what benches printed before in the place of running them.

Figures in the text around the tables are to be compared by hand with what the benches say beside the tables:

- formats: how many images there are; that files lie on a RAM disk is up to TMPDIR
- photos: how many there are from how many sources; "979 of 1,000 crops" and the other pools
- `bench_photos.py MNIST`: 25 difficulties, "99 or 100 of 100" at the middle strength, "40 and 57 %"
- `bench_photos.py MNIST --photos PHOTOS --held-out`: "60 settings", "89.8 to 99.8 %", "99.7 %", "98.7 %"
- networks: "a quarter of an hour", "ten seconds", also in docs/how-to/train.md
- ablation: "hurts most", which is HURTS_MOST in ablation.py
- gate: "5 %", "12 %" and "more often than not" under "What it does not do"
- `bench_formats.py --memory`: "62 MB"; `--pairs MNIST`: "81 pairs"
- `bench_workbench.py`: "99 ms"; `bench_report.py`: "34 MB"; `bench_train.py`: "65 to 80 billion"
- `bench_batch.py`: what scaling out says, and "1.6 to 1.9"; docs/how-to/scale-out.md: "1.4 ms", "43 ms",
  again "43 ms", "twelve hours", "seven"
- `bench_pages.py --photos`: "344" and "338", "a third", in README and docs/how-to/pages-of-digits.md
- tests/fuzz/run.py: "51 harnesses", "9 to 13 minutes"
- `bench_conformance.py`: "98.5 %" in docs/how-to/debug-my-photos.md and digitprep/conformance.py
- CONTRIBUTING.md: how long the tests and `.ci/run` take, and the sizes that .ci/contents.py shows
- formats: "1.4 times" of isal in CONTRIBUTING.md's table of packages
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from readme_table import OtherShapeError, mark, marked_table, rows

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHARED = ROOT.parent / "shared" / "data"
PAGES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
# A number by itself: not one in a name such as idx2numpy, but one beside a Chinese letter.
FIGURE = re.compile(r"(?<![A-Za-z0-9_.,])\d+(?:,\d{3})*(?:\.\d+)?(?![A-Za-z0-9_])")


@dataclass(frozen=True)
class Bench:
    """What measures a table: the command's words after `python`, and how long that takes on one core."""

    command: str
    takes: str


TABLES = {
    "formats": Bench("bench_formats.py --speed {mnist} --images 20000", "5 minutes, and a quiet machine"),
    "photos": Bench("bench_photos.py {mnist} --photos {photos} --sources", "a minute"),
    "ablation": Bench("bench_photos.py {mnist} --photos {photos} --ablation", "20 minutes"),
    "gate": Bench("bench_gate.py --photos {photos} --fonts {fonts}", "2 minutes"),
    "networks": Bench("bench_zoo.py {mnist}", "2 hours"),
    "training": Bench("bench_train.py --threads 1", "5 minutes, and a quiet machine"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TABLES)}; all if not given")
    parser.add_argument("--mnist", type=Path, default=SHARED / "mnist", help="MNIST's four files")
    parser.add_argument("--photos", type=Path, default=SHARED / "photos", help="photos with manifest.csv")
    parser.add_argument("--fonts", type=Path, help="a folder with the fonts that bench_gate.py names")
    parser.add_argument("--printed", type=Path, metavar="FILE", help="what the benches printed before")
    options = parser.parse_args()
    names = options.names or list(TABLES)
    if unknown := set(names) - TABLES.keys():
        parser.error(f"no table {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    if "gate" in names and not (options.fonts or options.printed):
        parser.error("gate needs --fonts, see bench_gate.py")
    written = [written_everywhere(name, printed(name, options)) for name in names]
    sys.exit(not all(written))


def printed(name: str, options: argparse.Namespace) -> str:
    """What the bench of a table prints, which is shown as it comes."""
    if options.printed:
        return str(options.printed.read_text(encoding="utf-8"))
    bench = TABLES[name]
    script, *rest = (word.format(**vars(options)) for word in bench.command.split())
    print(f"{name}: {script} {' '.join(rest)}, which takes about {bench.takes}", flush=True)
    lines = []
    with subprocess.Popen(
        [sys.executable, "-u", str(HERE / script), *rest], stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        sys.exit(f"{name}: the bench ended with exit code {process.returncode}")
    return "".join(lines)


def written_everywhere(name: str, text: str) -> bool:
    """Put a table from what its bench printed into every page that is there, or tell why it cannot be."""
    english, *translations = ((page, page.read_bytes().decode()) for page in PAGES if page.exists())
    try:
        table = marked_table(text, name)
        before = marked_table(english[1], name)
        write(*english, name, with_table(english[1], name, table))
        for page, old in translations:
            if FIGURE.sub("", before) != FIGURE.sub("", table):
                raise OtherShapeError(f"other words in {english[0].name}, to be translated in {page.name}")
            write(page, old, name, with_table(old, name, with_figures(marked_table(old, name), table)))
    except OtherShapeError as error:
        print(f"table {name}: {error}", flush=True)
        return False
    return True


def write(page: Path, old: str, name: str, new: str) -> None:
    """Write a page, and print each cell of the table that changed."""
    before, after = (rows(marked_table(text, name)) for text in (old, new))
    for old_row, new_row in zip(before, after, strict=True):
        for old_cell, new_cell in zip(old_row, new_row, strict=True):
            if old_cell != new_cell:
                print(f"{page.name}, {name}, {new_row[0].strip()}: {old_cell.strip()} -> {new_cell.strip()}")
    page.write_bytes(new.encode())


def with_table(page: str, name: str, table: str) -> str:
    """The page with these lines as that table; all else stays.

    Raises OtherShapeError where the page's table is not there or has another shape.
    """
    old = marked_table(page, name)
    with_figures(old, table)
    return page.replace(f"{mark(name)}{old}", f"{mark(name)}{table}")


def with_figures(old: str, new: str) -> str:
    """A table with the figures of another, by their places.

    Raises OtherShapeError where it has other numbers of rows, of columns, or of figures in a cell.
    """
    if [len(row) for row in rows(old)] != [len(row) for row in rows(new)]:
        raise OtherShapeError(f"expected the rows and columns of\n{new}found\n{old}")
    lines = (map(cell_with_figures, *pair) for pair in zip(rows(old), rows(new), strict=True))
    return "".join(f"|{'|'.join(line)}|\n" for line in lines)


def cell_with_figures(old: str, new: str) -> str:
    before, after = FIGURE.findall(old), FIGURE.findall(new)
    if len(before) != len(after):
        raise OtherShapeError(
            f"expected figures as in {new.strip()!r}, found {old.strip()!r}; is all installed?"
        )
    found = iter(after)
    return FIGURE.sub(lambda _: next(found), old)


if __name__ == "__main__":
    main()
