"""The command that trains a network: from the dataset to the saved model, past kills and Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.epochs import LOGS, Log, watching
from digitprep.cli.models import evaluated, print_accuracy
from digitprep.cli.terminal import Classes, Overwrite, SourceFormat, say
from digitprep.errors import DataError, ModelError, UsageError
from digitprep.place import check_destination, check_writable

if TYPE_CHECKING:
    from digitprep.dataset import Dataset, Split
    from digitprep.nn.checkpoint import Checkpoint
    from digitprep.nn.model import Model

INTERRUPTED = 130  # what a shell reports of a command that Ctrl-C ended


def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A dataset with a split named train.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="M.npz", help="Where the network goes.")],
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="A network by name.", show_default="digitnet")
    ] = None,
    layers: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A network as text: 'flatten | dense(width=10)'.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images.")] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Batches drawn at random, instead of whole passes.")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images a step.")] = None,
    optimizer: Annotated[str | None, typer.Option(metavar="TEXT", help="As in 'adam(rate=0.001)'.")] = None,
    schedule: Annotated[
        str | None, typer.Option(metavar="TEXT", help="How the rate changes: 'cosine'.")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What is made small: 'softmax_cross_entropy'.")
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Changes to the images: 'affine | thickness', or 'none'."),
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Images held back to choose the best epoch: a count, or a share below 1.",
            show_default="5000, or a tenth of a small dataset",
        ),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Stop after that many validations without a better one.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same network.")] = 0,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="C.npz", help="Kept while it trains.", show_default="M.checkpoint.npz"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint, if any.")] = False,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A row an epoch, as .csv, .json or .jsonl.")
    ] = None,
    class_names: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="What the labels stand for, as it is kept in M.npz.")
    ] = None,
    source_format: SourceFormat = None,
    classes: Classes = 10,
    overwrite: Overwrite = False,
) -> None:
    """Train a network on a dataset, keep its best epoch, and measure it on the test split.

    A killed or interrupted run leaves a checkpoint; the same command with --resume goes on from it,
    and ends with the same network, byte for byte, as if nothing had happened.
    """
    from digitprep import formats
    from digitprep.nn import Model
    from digitprep.nn.zoo import Network, network

    if model and layers:
        raise UsageError("--model and --layers both name a network; give one of them")
    if epochs and steps:
        raise UsageError("--epochs and --steps both say how long to train; give one of them")
    if log and log.suffix.lower() not in LOGS:
        raise UsageError(f"--log writes {', '.join(LOGS)}, found {log}")
    names = tuple(name.strip() for name in class_names.split(",")) if class_names else None
    classes = len(names) if names else classes
    check_destination(output, overwrite=True)  # a folder has no such name
    checkpoint = checkpoint or output.with_suffix(".checkpoint.npz")
    if len({path.absolute() for path in (output, checkpoint, log) if path}) < 2 + bool(log):
        raise UsageError("the network, its checkpoint and its log need a file each")
    own = _check_files(output, checkpoint, log, resume, overwrite)
    plan = Network("", layers) if layers else network(model or "digitnet")
    given = {
        "epochs": epochs,
        "steps": steps,
        "batch": batch,
        "optimizer": optimizer,
        "schedule": schedule,
        "loss": loss,
        "augment": augment,
        "validation": validation,
        "patience": patience,
    }
    options = plan.training | {name: value for name, value in given.items() if value is not None}
    if epochs:
        options["steps"] = None
    if options["augment"] == "none":
        options["augment"] = None
    dataset = formats.read(data, format=source_format, classes=classes)
    split = dataset["train"]
    net = Model.build(
        layers or plan.layers_for(classes),
        split.images.shape[1:],
        classes,
        seed,
        names or split.class_names,
    )
    test = _test_split(dataset, net)
    if validation is None:
        options["validation"] = _held_back(options["validation"], len(split))
    options |= {"seed": seed, "checkpoint": checkpoint, "resume": resume}
    kept = _train(net, split, options, log)
    _finish(net, output, checkpoint, overwrite or own, kept)
    if test is not None:
        print_accuracy(test.name, evaluated(net, test))


def _check_files(output: Path, checkpoint: Path, log: Path | None, resume: bool, overwrite: bool) -> bool:
    """Whether `output` is what this interrupted run left there.

    Raises UsageError where anything would be overwritten unasked, DigitprepError where the disk refuses.
    """
    from digitprep.nn.checkpoint import Checkpoint

    for path in (output, checkpoint, *([log] if log else [])):
        check_destination(path, overwrite=True)
        check_writable(path)
    if not resume:
        if checkpoint.exists() and not overwrite:
            raise UsageError(
                f"{checkpoint} is what an interrupted run left; pass --resume to go on with it, or "
                "--overwrite to start anew"
            )
        for path in (output, *([log] if log else [])):
            check_destination(path, overwrite)
        return False
    earlier = Checkpoint.load(checkpoint) if checkpoint.exists() else None
    if earlier is None:
        say(f"there is no {checkpoint} to resume; training starts anew")
    else:
        say(f"resuming {checkpoint} after {len(earlier.history)} reported epochs")
    own = earlier is not None and _is_of(output, earlier)
    check_destination(output, overwrite or own)
    if log:
        check_destination(log, overwrite or bool(earlier and Log(log).continues(earlier.history)))
    return own


def _is_of(output: Path, earlier: Checkpoint) -> bool:
    """Whether a model is of the checkpoint's run, so that the end of that run may replace it."""
    from digitprep.nn import load_model
    from digitprep.nn.checkpoint import digest

    try:
        return output.exists() and load_model(output).metadata.get("run") == digest(earlier.task)
    except ModelError:
        return False


def _test_split(dataset: Dataset, net: Model) -> Split | None:
    """The test split, if there is one with labels. Raises DataError where the network cannot read it."""
    from digitprep.dataset import size_text

    test: Split | None = dataset.get("test")
    if test is None or test.labels is None or not len(test):
        return None
    if test.images.shape[1:] != net.image_shape:
        raise DataError.of(
            "split 'test'",
            expected=f"images of {size_text(dataset['train'].images)}, as in split 'train'",
            found=size_text(test.images),
            advice="a network takes one size; prepare both splits alike",
        )
    return test


def _held_back(usual: float, count: int) -> float:
    """How many of `count` images to hold back unasked: what is usual for the network, or a tenth of few."""
    held = min(usual, max(count // 10, 1))
    if held < usual:
        say(f"{held:,} of {count:,} images are held back to choose the best epoch; --validation takes others")
    return held


def _train(net: Model, split: Split, options: dict[str, Any], log: Path | None) -> str | None:
    """Train with the epochs on stderr and in the log; after Ctrl-C, what is kept, in words."""
    from digitprep.nn import train as train_epochs

    done, kept = 0, "the network as it was then, before any validation"
    rows = Log(log) if log else None
    with stop_on_interrupt() as stop, watching(options) as watch:

        def after_batch(images: int, total: int, _loss: float) -> None:
            watch.batch(images / total)
            stop()

        run: Any = train_epochs(net, split, **options, progress=after_batch)
        try:
            with closing(run):
                for epoch in run:
                    watch.epoch(epoch)
                    done += 1
                    kept = "the best epoch so far" if epoch.best else kept
                    if rows:
                        rows.add(epoch)
                    stop()
        except KeyboardInterrupt:
            watch.close()
            say(f"interrupted after {done} reported epochs")
            return kept
    return None


def _finish(net: Model, output: Path, checkpoint: Path, overwrite: bool, kept: str | None) -> None:
    """Save the network; then remove the checkpoint of a finished run, or say how to go on and exit."""
    net.save(output, overwrite=overwrite)
    say(f"{output}: {net.parameters:,} parameters, {output.stat().st_size:,} bytes")
    if kept:
        say(f"it is {kept}; the same command with --resume goes on from {checkpoint}")
        raise typer.Exit(INTERRUPTED)
    checkpoint.unlink(missing_ok=True)


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C wait for the end of a batch: yields a function that raises KeyboardInterrupt then.

    A second Ctrl-C does not wait.
    """
    asked = False

    def ask(_number: int, _frame: Any) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def stop() -> None:
        if asked:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
