"""The command that measures a network."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitprep.cli.letters import cells_of, right
from digitprep.cli.options import (
    AsJson,
    ModelFile,
    ModelInput,
    ModelLayers,
    ModelNetwork,
    Overwrite,
    SourceFormat,
    check_page,
    classes_option,
    opened_model,
    whole,
)
from digitprep.cli.terminal import progress, say, tell, terminal_columns
from digitprep.errors import DataError
from digitprep.place import place

if TYPE_CHECKING:
    from digitprep.dataset import Split
    from digitprep.evaluation import Evaluation
    from digitprep.nn.engines import Classifier

WIDEST_NAME = len("true \\ read")  # in cells of the terminal
MOST_MISTAKES = 3  # of a class, where there is no room for a matrix


def evaluate(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A dataset with labels.")],
    model: ModelFile = None,
    model_input: ModelInput = None,
    network: ModelNetwork = None,
    layers: ModelLayers = None,
    split: Annotated[str | None, typer.Option(help="One split alone, such as test.")] = None,
    source_format: SourceFormat = None,
    classes: Annotated[int | None, classes_option("as many as the network tells apart")] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="R.html", help="A page with the confusions, mistakes and some images."),
    ] = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Compare a network's predictions with the labels of a dataset, split by split."""
    if report:
        check_page(report, overwrite)
    dataset = whole(data, source_format, classes)
    splits = [dataset[split]] if split else [part for part in dataset.values() if part.labels is not None]
    if not splits:
        raise DataError(f"{data} has no labels to compare predictions with")
    net = opened_model(model, model_input, network, layers, splits[0].images.shape[1:])
    evaluations = {part.name: evaluated(net, part) for part in splits}
    if report:
        title = f"{model or 'The bundled network'} on {data}"
        page = _page(title, net, [(part, evaluations[part.name]) for part in splits])
        place(report, lambda file: file.write_bytes(page), overwrite=overwrite)
        say(f"{report}: {len(page):,} bytes, all that was found on {', '.join(evaluations)}")
    if as_json:
        print(json.dumps({name: evaluation.to_dict() for name, evaluation in evaluations.items()}))
        return
    for name, evaluation in evaluations.items():
        print_accuracy(name, evaluation)
        _print_confusion(evaluation)


def evaluated(net: Classifier, split: Split) -> Evaluation:
    """The evaluation of a network on a split, with a progress bar."""
    from digitprep.evaluating import evaluate as evaluate_model

    with progress(f"evaluating {split.name}", total=len(split)) as advance:

        def batches() -> Iterator[Split]:
            for part in split.batches(256):
                yield part
                advance(len(part))

        return evaluate_model(net, batches())


def _page(title: str, net: Classifier, parts: list[tuple[Split, Evaluation]]) -> bytes:
    """The page on evaluated splits."""
    from digitprep.nn import Model
    from digitprep.report.evaluation import evaluation_page, examined

    said = f"{net.parameters:,} parameters: {net.text}" if isinstance(net, Model) else "A network of ONNX"
    return evaluation_page(title, said, [examined(net, part, evaluation) for part, evaluation in parts])


def print_accuracy(name: str, evaluation: Evaluation) -> None:
    """One line on a split of that name: the share of right images, what it is worth, and the calibration."""
    low, high = evaluation.accuracy_interval
    tell(
        f"{name}: {evaluation.accuracy:.2%} of {evaluation.count:,} images are right "
        f"(95 % interval {low:.2%} to {high:.2%}), calibration error {evaluation.calibration_error:.2%}"
    )


def _print_confusion(evaluation: Evaluation) -> None:
    """The confusion matrix, a row a true class, and each class's precision and recall.

    Where the terminal is too narrow for it, a line a class says what its images were read as.
    """
    counts, names = evaluation.confusion, evaluation.class_names
    widest = min(max(map(cells_of, names)), WIDEST_NAME)
    least = max(5, len(str(counts.max())) + 1, widest + 1)
    room = (terminal_columns() or math.inf) - 21
    if room < least * len(counts):
        _print_classes(evaluation)
        return
    width = max(6, least) if room >= 6 * len(counts) else least
    tell("true \\ read" + "".join(f" {right(name, width - 1)}" for name in names) + "    recall")
    for name, row, recall in zip(names, counts, evaluation.recall, strict=True):
        cells = "".join(f"{count:>{width}}" for count in row)
        tell(right(name, WIDEST_NAME) + cells + _share_text(recall, 10, 2))
    tell("  precision" + "".join(_share_text(share, width, 0) for share in evaluation.precision))


def _print_classes(evaluation: Evaluation) -> None:
    """What the images of each class were read as, the most frequent mistakes first."""
    names = evaluation.class_names
    for number, (name, row) in enumerate(zip(names, evaluation.confusion.tolist(), strict=True)):
        others = sorted((-count, other) for other, count in enumerate(row) if count and other != number)
        mistakes = "".join(f", {-count} as {names[other]}" for count, other in others[:MOST_MISTAKES])
        more = ", ..." if len(others) > MOST_MISTAKES else ""
        tell(f"{name}: {row[number]} of {sum(row)} right{mistakes}{more}")


def _share_text(share: float, width: int, digits: int) -> str:
    """A share in percent, to the right; a dash for a share of nothing."""
    return f"{'-' if math.isnan(share) else f'{share:.{digits}%}':>{width}}"
