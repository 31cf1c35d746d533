"""The demo: the sample photos, read after the default recipe and after two of tutorials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.options import Overwrite, picture_format
from digitprep.cli.terminal import progress, say
from digitprep.errors import DataError
from digitprep.place import check_destination, place

if TYPE_CHECKING:
    from digitprep.batch import Cleaned
    from digitprep.report.sheet import Cell
    from digitprep.sources import Source

PICTURE = Path("digitprep-demo.png")
COMPARED = ("mnist", "tutorial-invert", "tutorial-threshold")


def demo(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where the picture goes.", show_default=str(PICTURE))
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Read the sample photos after three recipes, the default one and two of tutorials, and compare."""
    from digitprep.labels import find_labels
    from digitprep.nn import load_model
    from digitprep.report.sheet import contact_sheet
    from digitprep.sources import find_photos

    picture = output or _free(PICTURE)
    kind = picture_format(picture)
    check_destination(picture, overwrite)
    folder = _samples()
    photos, model = list(find_photos([folder])), load_model()
    labels = find_labels(photos, str(folder / "labels.csv"))
    rows, right = [], {}
    with progress("reading", total=len(photos) * len(COMPARED)) as advance:
        for recipe in COMPARED:
            cleaned = _cleaned(photos, recipe, advance)
            cells = [_read(one, model, label) for one, label in zip(cleaned, labels, strict=True)]
            right[recipe] = sum(cell.good is True for cell in cells)
            rows.append(cells)
            if recipe == COMPARED[0]:
                rows.insert(0, [_photo(one, label) for one, label in zip(cleaned, labels, strict=True)])
    print(f"{len(photos)} photos of digits, cleaned by three recipes, read by the bundled network:\n")
    for recipe, count in right.items():
        print(f"  {recipe:20}{count:3} of {len(photos)} right{count / len(photos):7.0%}")
    sheet = contact_sheet(list(zip(*rows, strict=True)), titles=("photo", *COMPARED))
    place(picture, lambda result: sheet.save(result, kind), overwrite=overwrite)
    say("")
    say(f"{picture}: each photo, what each recipe makes of it, and what the network reads")


def _samples() -> Path:
    """The folder of sample photos: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "samples" / "photos", package.parent / "samples" / "photos"):
        if (folder / "labels.csv").is_file():
            return folder
    raise DataError(
        f"{package}: expected samples/photos in it or beside it, found none; install digitprep anew"
    )


def _cleaned(photos: list[Source], recipe: str, advance: Any) -> list[Cleaned]:
    from digitprep.batch import clean
    from digitprep.recipes import recipe as named

    cleaned = []
    for one in clean(photos, named(recipe), thumbnail_px=192):
        cleaned.append(one)
        advance()
    return cleaned


def _photo(cleaned: Cleaned, label: Any) -> Cell:
    from digitprep.report.sheet import Cell

    return Cell(cleaned.thumbnail, f"a {label}")


def _read(cleaned: Cleaned, model: Any, label: Any) -> Cell:
    """The prepared image and what the network says it is, right or wrong."""
    from digitprep.report.sheet import Cell

    if cleaned.image is None:
        return Cell(None, "rejected", good=False)
    digit, confidence = model.predict(cleaned.image)
    return Cell(cleaned.image, f"{digit}  {confidence:.0%}", good=digit == label)


def _free(path: Path) -> Path:
    """The path, or the first of NAME-2, NAME-3, ... that does not exist: a second demo replaces nothing."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
