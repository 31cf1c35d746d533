"""The command that shows what every step made of a photo, and what it decided."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.options import (
    ModelFile,
    ModelInput,
    ModelLayers,
    ModelNetwork,
    Overwrite,
    PipelineText,
    opened_model,
    picture_format,
)
from digitprep.cli.sources import Photos, found_photos
from digitprep.cli.terminal import amount, progress, say, tell
from digitprep.errors import DataError, PartialSuccess, UsageError
from digitprep.place import check_destination, check_writable, place

if TYPE_CHECKING:
    from digitprep.nn.engines import Classifier
    from digitprep.pipeline import Pipeline
    from digitprep.report.explanation import Explanation
    from digitprep.sources import Source

# A picture of more rows is too tall for many programs, and for anybody to look at.
MOST_ROWS = 100


def explain(
    photos: Photos,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PNG", help="Where the picture goes.")],
    recipes: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Recipes to compare, a row each.", show_default="mnist"),
    ] = None,
    pipeline: PipelineText = None,
    model: ModelFile = None,
    model_input: ModelInput = None,
    network: ModelNetwork = None,
    layers: ModelLayers = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw what every step makes of a photo, what it decides, and what the network reads at the end.

    A photo that is rejected is drawn as far as it comes, with the reason.
    """
    from digitprep.report.explanation import explanation_sheet

    kind = picture_format(output)
    check_destination(output, overwrite)
    chosen = _pipelines(recipes, pipeline)
    files = list(islice(found_photos(photos, made=[output]), MOST_ROWS + 1))
    if len(files) * len(chosen) > MOST_ROWS:
        raise UsageError(f"so many photos make more than {MOST_ROWS} rows; explain fewer at a time")
    check_writable(output)
    net = opened_model(model, model_input, network, layers)
    with progress("explaining", total=len(files) * len(chosen)) as advance:
        rows = list(_rows(files, chosen, net, advance))
    sheet = explanation_sheet(rows)
    place(output, lambda result: sheet.save(result, kind), overwrite=overwrite)
    say(f"{output}: {amount(len(rows), 'row')}, every step of {', '.join(chosen)}")
    rejected = sum(row.image is None for row in rows)
    if rejected:
        raise PartialSuccess(f"{rejected} of {amount(len(rows), 'row')} end in a rejection")


def _rows(
    files: list[Source], chosen: dict[str, Pipeline], net: Classifier, advance: Any
) -> Iterator[Explanation]:
    """How each pipeline worked on each photo, printed as it goes."""
    from digitprep.photos import read_photo
    from digitprep.report.explanation import Explanation
    from digitprep.report.explanation import explain as explained

    for file in files:
        for name, steps in chosen.items():
            title = f"{file.name}: {name}"
            try:
                row = explained(title, read_photo(file).pixels, steps, net)
            except DataError as error:
                row = Explanation(title, (), None, "rejected", (str(error).removeprefix(f"{file}: "),))
            tell(str(file), name, row.verdict, _short(row))
            yield row
            advance()


def _short(row: Explanation) -> str:
    """What speaks against a result: the reason of a rejection, or the figures in which it is unlike MNIST."""
    return "; ".join(
        row.reasons if row.image is None else [reason.partition(":")[0] for reason in row.reasons]
    )


def _pipelines(recipes: str | None, text: str | None) -> dict[str, Pipeline]:
    """The pipelines to explain, by the names that their rows get."""
    from digitprep.pipeline import Pipeline
    from digitprep.recipes import DEFAULT
    from digitprep.recipes import recipe as named

    if recipes is None and text is None:
        recipes = DEFAULT
    names = [] if recipes is None else recipes.split(",")
    chosen = {name.strip(): named(name.strip()) for name in names}
    if text is not None:
        chosen["pipeline"] = Pipeline.parse(text)
    return chosen
