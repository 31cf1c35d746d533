"""Commands that tell what a dataset holds: info, diff."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.letters import cells_of, right
from digitprep.cli.options import AsJson, Classes, Overwrite, SourceFormat, picture_format
from digitprep.cli.terminal import counted, counts_text, progress, say, tell, terminal_columns
from digitprep.place import check_destination, place

if TYPE_CHECKING:
    from PIL.Image import Image

    from digitprep.contents import EvenSample
    from digitprep.dataset import Split

# Enough images for a share to a percent, so few that checking them takes no time.
LIKENESS_IMAGES = 1000
SHOWN_DIFFERENCES = 10

Sheet = Annotated[
    Path | None, typer.Option("--sheet", metavar="PNG", help="A picture of what is in it, to look at.")
]

BAR_WIDTH, WIDEST_NAME = 40, 20  # in cells of the terminal


def info(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", readable=False, help="A dataset: a file or a folder.")
    ],
    source_format: SourceFormat = None,
    classes: Classes = 10,
    sheet: Sheet = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Say what a dataset holds: splits, sizes, labels, likeness to MNIST, and a fingerprint.

    The likeness is that of at most 1,000 images a split, evenly spread over it. --sheet draws the classes
    with their mean image and samples, and how sizes and greys are spread.
    """
    from digitprep import formats
    from digitprep.contents import seen, summary, summary_of
    from digitprep.overview import Overview

    if sheet:
        check_destination(sheet, overwrite)
        kind = picture_format(sheet)
    overviews: dict[str, Overview] = {}
    samples: dict[str, EvenSample] = {}
    with progress("reading") as advance:
        batches = formats.stream(path, format=source_format, classes=classes)
        batches = counted(_sampled(batches, samples), {}, advance)
        described = summary_of(seen(batches, overviews, Overview), overviews) if sheet else summary(batches)
    for name, split in described["splits"].items():
        split["mnist_likeness"] = _likeness(samples.get(name))
    format_name = str(formats.chosen(path, source_format))
    described = {"path": str(path), "format": format_name, "bytes": _bytes_on_disk(path), **described}
    described["provenance"] = formats.origin(path, source_format)
    if as_json:
        print(json.dumps(described))
    else:
        for line in _described(described):
            tell(line)
    if sheet:
        from digitprep.report.dataset import dataset_sheet

        _place_sheet(sheet, kind, dataset_sheet(str(path), overviews), overwrite)


def diff(
    a: Annotated[Path, typer.Argument(metavar="A", readable=False, help="A dataset.")],
    b: Annotated[Path, typer.Argument(metavar="B", readable=False, help="Another, in any format.")],
    classes: Classes = 10,
    sheet: Sheet = None,
    overwrite: Overwrite = False,
) -> None:
    """Compare two datasets' images and labels: exit 0 where they are the same, else 1.

    --sheet draws both side by side, and the first samples that differ.
    """
    from digitprep import formats
    from digitprep.contents import difference

    if sheet:
        check_destination(sheet, overwrite)
        picture_format(sheet)
    counts: dict[str, int] = {}
    with progress("comparing") as advance:
        left = counted(formats.stream(a, classes=classes), counts, advance)
        found = difference(left, formats.stream(b, classes=classes))
    said = f"different: {found}" if found else f"same: {counts_text(counts)}"
    if sheet:
        _draw_both(sheet, a, b, classes, said, overwrite)
    if found:
        tell(f"{said} (A is {a}, B is {b})")
        raise typer.Exit(1)
    tell(said)


def _draw_both(sheet: Path, a: Path, b: Path, classes: int, said: str, overwrite: bool) -> None:
    """Read both datasets again, for their looks, and draw them side by side."""
    from digitprep import formats
    from digitprep.contents import seen
    from digitprep.overview import Overview, differences
    from digitprep.report.dataset import comparison_sheet

    both: list[dict[str, Overview]] = [{}, {}]
    left, right = (
        seen(formats.stream(path, classes=classes), found, Overview)
        for path, found in zip((a, b), both, strict=True)
    )
    with progress("drawing") as advance:
        differing = list(differences(counted(left, {}, advance), right, SHOWN_DIFFERENCES))
    picture = comparison_sheet(str(a), both[0], str(b), both[1], said, differing)
    _place_sheet(sheet, picture_format(sheet), picture, overwrite)


def _place_sheet(path: Path, kind: str, picture: Image, overwrite: bool) -> None:
    place(path, lambda result: picture.save(result, kind), overwrite=overwrite)
    say(f"{path}: {picture.width} x {picture.height} px")


def _sampled(batches: Iterable[Split], samples: dict[str, EvenSample]) -> Iterator[Split]:
    """The batches as they pass, an even sample of the images of MNIST's size put aside by split."""
    from digitprep.conformance import checkable
    from digitprep.contents import EvenSample

    for batch in batches:
        if checkable(batch.images):
            samples.setdefault(batch.name, EvenSample(LIKENESS_IMAGES)).add(batch.images)
        yield batch


def _likeness(sample: EvenSample | None) -> dict[str, Any] | None:
    """How many of a sample's images are like MNIST's, or None where there is none."""
    import numpy as np

    from digitprep.conformance import check_all, likeness

    return likeness(check_all(np.stack(sample.images))) if sample and sample.images else None


def _likeness_text(split: dict[str, Any]) -> str:
    """The share of a sample that is like MNIST, and what most often speaks against the others."""
    found = split["mnist_likeness"]
    chosen = "" if found["count"] == split["count"] else ", evenly chosen,"
    failed = ", ".join(f"{name} {count:,}" for name, count in list(found["failed"].items())[:3])
    share = f"{found['passed'] / found['count']:.1%} of {found['count']:,} images{chosen} pass"
    return f"MNIST-likeness: {share}" + (f"; against the others: {failed}" if failed else "")


def _bytes_on_disk(path: Path) -> int:
    """The size of a file, or of all the files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _described(described: dict[str, Any]) -> list[str]:
    lines = [f"{described['path']}: {described['format']}, {described['bytes']:,} bytes"]
    for name, split in described["splits"].items():
        lines.append(
            f"{name:6} {split['count']:>7,} images of {split['size']}, {split['type']}, "
            f"mean {split['mean']:.4f}, deviation {split['deviation']:.4f}"
        )
        lines += _label_lines(split)
        if split["mnist_likeness"]:
            lines.append(f"       {_likeness_text(split)}")
    lines.append(f"fingerprint {described['fingerprint']}")
    if described["provenance"]:
        lines.append(f"provenance  {_origin_text(described['provenance'])}")
    return lines


def _label_lines(split: dict[str, Any]) -> list[str]:
    """A bar chart of the labels: as long as the share of the most frequent one."""
    if split["labels"] is None:
        return ["       labels  none"]
    names, most = split["class_names"] or (), max(split["labels"].values(), default=1)
    titles = {label: names[label] if label < len(names) else str(label) for label in split["labels"]}
    width = min(max(map(cells_of, titles.values()), default=0), WIDEST_NAME)
    longest = max(1, min(BAR_WIDTH, (terminal_columns() or 200) - width - 17))
    return [
        f"       {right(titles[label], width)} {count:>7,} {'#' * round(longest * count / most)}"
        for label, count in split["labels"].items()
    ]


def _origin_text(provenance: dict[str, Any]) -> str:
    """Who made a dataset from what, in one line; the whole of it is in --json."""
    sources = ", ".join(
        f"{source.get('name')} (SHA-256 {str(source.get('sha256'))[:12]}...)"
        for source in provenance["sources"]
    )
    how = [f"by digitprep {provenance.get('digitprep')}"]
    how += [f"with {provenance['pipeline']}"] if "pipeline" in provenance else []
    how += [f"{name} {value}" for name, value in provenance.get("options", {}).items()]
    how += map(str, provenance.get("reading", []))
    return f"made from {sources or 'nothing that is told'} {', '.join(how)}"
