"""Commands on networks: train, evaluate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.terminal import (
    AsJson,
    Classes,
    ModelFile,
    ModelInput,
    ModelLayers,
    ModelNetwork,
    Overwrite,
    SourceFormat,
    opened_model,
    progress,
    refuse_existing,
    say,
)
from digitprep.errors import DataError, UsageError

if TYPE_CHECKING:
    from digitprep.dataset import Split
    from digitprep.nn.engines import Classifier
    from digitprep.nn.model import Model


def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A dataset with a split named train.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="M.npz", help="Where the network goes.")],
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="A network by name. [default: digitnet]")
    ] = None,
    layers: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A network as text: 'flatten | dense(width=10)'.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images a step.")] = None,
    optimizer: Annotated[str | None, typer.Option(metavar="TEXT", help="As in 'adam(rate=0.001)'.")] = None,
    schedule: Annotated[
        str | None, typer.Option(metavar="TEXT", help="How the rate changes: 'cosine'.")
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Changes to the images: 'affine | thickness', or 'none'."),
    ] = None,
    validation: Annotated[
        float,
        typer.Option(min=0, help="Images held back to choose the best epoch: a count, or a share below 1."),
    ] = 5000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same network.")] = 0,
    source_format: SourceFormat = None,
    classes: Classes = 10,
    overwrite: Overwrite = False,
) -> None:
    """Train a network on a dataset, keep its best epoch, and measure it on the test split."""
    from digitprep import formats
    from digitprep.nn import Model
    from digitprep.nn.zoo import Network, network

    if model and layers:
        raise UsageError("--model and --layers both name a network; give one of them")
    refuse_existing([output], overwrite)
    plan = Network("", layers) if layers else network(model or "digitnet")
    given = {
        "epochs": epochs,
        "batch": batch,
        "optimizer": optimizer,
        "schedule": schedule,
        "augment": augment,
    }
    options = plan.training | {name: value for name, value in given.items() if value is not None}
    if options["augment"] == "none":
        options["augment"] = None
    dataset = formats.read(data, format=source_format, classes=classes)
    split = dataset["train"]
    net = Model.build(plan.layers, split.images.shape[1:], classes, seed, split.class_names)
    _train(net, split, options | {"validation": validation, "seed": seed})
    net.save(output, overwrite=overwrite)
    say(f"{output}: {net.parameters:,} parameters, {output.stat().st_size:,} bytes")
    if (test := dataset.get("test")) is not None and test.labels is not None:
        _print_accuracy("test", _evaluated(net, test))


def evaluate(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A dataset with labels.")],
    model: ModelFile = None,
    model_input: ModelInput = None,
    network: ModelNetwork = None,
    layers: ModelLayers = None,
    split: Annotated[str | None, typer.Option(help="One split alone, such as test.")] = None,
    source_format: SourceFormat = None,
    classes: Classes = 10,
    as_json: AsJson = False,
) -> None:
    """Compare a network's predictions with the labels of a dataset, split by split."""
    from digitprep import formats

    net = opened_model(model, model_input, network, layers)
    dataset = formats.read(data, format=source_format, classes=classes)
    splits = [dataset[split]] if split else [part for part in dataset.values() if part.labels is not None]
    if not splits:
        raise DataError(f"{data} has no labels to compare predictions with")
    evaluations = {part.name: _evaluated(net, part) for part in splits}
    if as_json:
        print(json.dumps({name: evaluation.to_dict() for name, evaluation in evaluations.items()}))
        return
    for name, evaluation in evaluations.items():
        _print_accuracy(name, evaluation)
        _print_confusion(evaluation)


def _train(net: Model, split: Split, options: dict[str, Any]) -> None:
    """Train with a line an epoch on stderr; Ctrl-C stops it and keeps the best epoch so far."""
    from digitprep.nn import train as train_epochs

    done = 0
    with progress("training", total=options["epochs"]) as advance:
        try:
            for epoch in train_epochs(net, split, **options):
                say(str(epoch))
                done += 1
                advance()
        except KeyboardInterrupt:
            if not done:
                raise
            say(f"stopped after {done} epochs; the best of them is kept")


def _evaluated(net: Classifier, split: Split) -> Any:
    from digitprep.evaluation import evaluate as evaluate_model

    with progress(f"evaluating {split.name}", total=len(split)) as advance:

        def batches() -> Any:
            for part in split.batches(256):
                yield part
                advance(len(part))

        return evaluate_model(net, batches())


def _print_accuracy(name: str, evaluation: Any) -> None:
    low, high = evaluation.accuracy_interval
    print(
        f"{name}: {evaluation.accuracy:.2%} of {evaluation.count:,} images are right "
        f"(95 % interval {low:.2%} to {high:.2%}), calibration error {evaluation.calibration_error:.2%}"
    )


def _print_confusion(evaluation: Any) -> None:
    """The confusion matrix, a row a true class, and each class's precision and recall."""
    width = max(6, *(len(name) + 1 for name in evaluation.class_names))
    print("true \\ read" + "".join(f"{name:>{width}}" for name in evaluation.class_names) + "    recall")
    for name, row, recall in zip(
        evaluation.class_names, evaluation.confusion, evaluation.recall, strict=True
    ):
        print(f"{name:>11}" + "".join(f"{count:>{width}}" for count in row) + f"{recall:>10.2%}")
    print("  precision" + "".join(f"{share:>{width}.0%}" for share in evaluation.precision))
