"""The options that several commands take, and what they choose and open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.terminal import counted, progress
from digitprep.errors import UsageError
from digitprep.place import check_destination

if TYPE_CHECKING:
    from digitprep.dataset import Dataset
    from digitprep.nn.engines import Classifier
    from digitprep.pipeline import Pipeline

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is already there.")]


def classes_option(unless_given: str | bool = True) -> Any:
    """The option --classes, and what holds without it, in words or as it is by default."""
    help_text = "How many classes the labels may have."
    return typer.Option(min=1, max=100_000, help=help_text, show_default=unless_given)


Classes = Annotated[int, classes_option()]
SourceFormat = Annotated[
    str | None,
    typer.Option("--from", metavar="FORMAT", help="The source's format, if its content does not tell it."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ModelFile = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="M",
        help="A trained network: .npz, .onnx or .safetensors; the bundled one if not given.",
    ),
]
ModelInput = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="TEXT",
        help="How an .onnx network takes images: 'onnx(layout=\"nhwc\", mean=0.1307, std=0.3081)', "
        "see `digitprep list inputs`.",
        show_default="what the file says, from 0 for paper to 1 for ink",
    ),
]
ModelNetwork = Annotated[
    str | None,
    typer.Option("--network", metavar="NAME", help="The network whose parameters a .safetensors file holds."),
]
ModelLayers = Annotated[
    str | None, typer.Option("--layers", metavar="TEXT", help="The same as text, instead of --network.")
]
Recipe = Annotated[
    str | None,
    typer.Option("--recipe", help="A pipeline by name, see `digitprep list recipes`.", show_default="mnist"),
]
PipelineText = Annotated[
    str | None,
    typer.Option(
        "--pipeline", metavar="TEXT", help="A pipeline as text: 'grayscale | invert | resize(size=28)'."
    ),
]


def chosen_pipeline(recipe: str | None, text: str | None) -> Pipeline:
    """The pipeline that --recipe or --pipeline asks for, or the default one."""
    from digitprep.pipeline import Pipeline
    from digitprep.recipes import DEFAULT
    from digitprep.recipes import recipe as named

    if recipe is not None and text is not None:
        raise UsageError("--recipe and --pipeline both say how to clean; give one of them")
    return Pipeline.parse(text) if text is not None else named(DEFAULT if recipe is None else recipe)


def opened_model(
    model: Path | None,
    options: str | None,
    name: str | None,
    layers: str | None,
    image_shape: tuple[int, ...] = (28, 28),
) -> Classifier:
    """The network that --model, --input, --network and --layers ask for.

    image_shape: of its images, where the file does not say
    """
    from digitprep.nn.open import open_model
    from digitprep.nn.zoo import network

    if name is not None and layers is not None:
        raise UsageError("--network and --layers both say which layers the parameters belong to; give one")
    if name is not None:
        network(name)  # raises where there is none
    return open_model(model, options, layers if name is None else name, image_shape)


def whole(path: Path, source_format: str | None, classes: int | None) -> Dataset:
    """The dataset there, in memory, with a progress bar; errors are those of `formats.read`."""
    from digitprep import formats
    from digitprep.dataset import Dataset

    chosen = formats.chosen(path, source_format)
    with progress("reading") as advance:
        parts = formats.stream(path, format=chosen, batch=chosen.whole_batch, classes=classes)
        return Dataset.from_batches(counted(parts, {}, advance))


def check_page(path: Path, overwrite: bool) -> None:
    """Raise, before any work, UsageError where the name will not do, MissingExtra without jinja2."""
    from digitprep.report.html import templates

    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"a report is a page, expected a name that ends in .html, found {path}")
    check_destination(path, overwrite)
    templates()


def picture_format(picture: Path) -> str:
    """What Pillow calls the format that a name tells. Raises UsageError where it tells none."""
    from PIL import Image

    kind = Image.registered_extensions().get(picture.suffix.lower())
    if kind not in Image.SAVE:
        raise UsageError(f"expected a name that ends in .png, .jpg or another of a picture, found {picture}")
    return kind
