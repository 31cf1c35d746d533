"""The command that trains a network: from the dataset to the saved model, past kills and Ctrl-C."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.choices import (
    USUAL_CLASSES,
    chosen_names,
    chosen_network,
    chosen_options,
    fresh_network,
)
from digitprep.cli.curves import Told, draw_curves, write_run_page
from digitprep.cli.epochs import watching
from digitprep.cli.models import evaluated, print_accuracy
from digitprep.cli.runfiles import RunFiles
from digitprep.cli.terminal import Overwrite, SourceFormat, classes_option, say, stop_on_interrupt, whole
from digitprep.errors import DataError

if TYPE_CHECKING:
    from digitprep.dataset import Dataset, Split
    from digitprep.nn.model import Model
    from digitprep.nn.plan import Plan

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
    plot: Annotated[
        Path | None,
        typer.Option(metavar="PNG", help="Loss, accuracy and learning rate as curves, drawn at the end."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="R.html", help="A page with the curves, and what the network has learnt."),
    ] = None,
    class_names: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="What the labels stand for, as it is kept in M.npz.")
    ] = None,
    source_format: SourceFormat = None,
    classes: Annotated[int | None, classes_option("as many as have names, or 10")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Train a network on a dataset, keep its best epoch, and measure it on the test split.

    While it trains, a checkpoint is kept. After a kill or Ctrl-C, the same command with --resume goes on
    from it, and ends with the same network, byte for byte, as if nothing had happened.
    """
    from digitprep.nn import load_model
    from digitprep.nn.checkpoint import digest

    files = RunFiles(output, checkpoint or output.parent / f"{output.stem}.checkpoint.npz", log, plot, report)
    if not resume:
        files.check_free(overwrite)
    wanted = chosen_network(model, layers)
    options = chosen_options(
        wanted,
        epochs=epochs,
        steps=steps,
        batch=batch,
        optimizer=optimizer,
        schedule=schedule,
        loss=loss,
        augment=augment,
        validation=validation,
        patience=patience,
        seed=seed,
    )
    names = chosen_names(class_names, classes)
    bound = len(names) if names else classes or USUAL_CLASSES
    dataset = whole(data, source_format, bound)
    split = dataset["train"]
    net = fresh_network(wanted, split, names, classes, seed)
    test = _test_split(dataset, net)
    plan = _checked_plan(net, split, options, is_asked=validation is not None)
    task = plan.task(net, split)
    if resume and files.is_finished(digest(task)):
        say(f"{output} is what this run ended with; there is nothing left to train")
        for path in filter(None, (plot, report)):
            if not path.exists():
                say(f"{path} is not drawn, as no epochs are kept; `digitprep plot` draws them from a log")
        net = load_model(output)
    else:
        own = resume and files.is_of(digest(task))
        told = Told(losses=_losses_before(files, task, overwrite) if resume else [])
        _train(net, split, plan, options | {"resume": resume}, files, told)
        _save(net, files, overwrite or own, told)
        _draw(net, files, overwrite, told, task, split if test is None else test)
        files.checkpoint.unlink(missing_ok=True)  # not before: what is drawn needs the epochs in it
    if test is not None:
        print_accuracy(test.name, evaluated(net, test))


def _checked_plan(net: Model, split: Split, options: dict[str, Any], is_asked: bool) -> Plan:
    """The plan of a run whose network and images have been looked at.

    Unless it is asked for, `options` gets a number of images to hold back, and a small one is told.
    """
    from digitprep.nn.plan import Plan
    from digitprep.nn.train import check_split
    from digitprep.selection import held_back_unasked

    check_split(net, split)
    usual = options["validation"]
    if not is_asked:
        options["validation"] = held_back_unasked(len(split), usual)
    plan = Plan.of(len(split), **options)
    plan.loss.check_end(net.layers[-1])
    if options["validation"] != usual:
        say(
            f"{plan.validation:,} of {len(split):,} images are held back to choose the best epoch; "
            "--validation takes others"
        )
    return plan


def _losses_before(files: RunFiles, task: dict[str, str], overwrite: bool) -> list[float]:
    """Say from where the run goes on; the losses of the batches up to there.

    Raises UsageError where that is another run, or where anything would be overwritten unasked.
    """
    from digitprep.nn.checkpoint import digest

    earlier = files.earlier()
    if earlier is None:
        say(f"there is no {files.checkpoint} to resume; training starts anew")
    else:
        earlier.check_task(task, files.checkpoint)
        say(f"resuming {files.checkpoint} after {len(earlier.history)} reported epochs")
    files.check_own(digest(task), earlier, overwrite)
    return earlier.losses if earlier else []


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


def _train(
    net: Model, split: Split, plan: Plan, options: dict[str, Any], files: RunFiles, told: Told
) -> None:
    """Train with the epochs on stderr, in the log and in `told`."""
    from digitprep.nn import train as train_epochs
    from digitprep.nn.log import Log

    kept = "the network as it was then, before any validation"
    rows = Log(files.log) if files.log else None
    with stop_on_interrupt() as stop, watching(plan.reports) as watch:

        def after_batch(images: int, total: int, loss: float) -> None:
            watch.batch(images / total)
            told.losses.append(loss)
            stop()

        run: Any = train_epochs(net, split, **options, checkpoint=files.checkpoint, progress=after_batch)
        files.check_writable()
        try:
            with closing(run):
                for epoch in run:
                    watch.epoch(epoch)
                    told.history.append(epoch)
                    kept = "the best epoch so far" if epoch.best else kept
                    if rows:
                        rows.add(epoch)
                    stop()
        except KeyboardInterrupt:
            watch.close()
            say(f"interrupted after {len(told.history)} reported epochs")
            told.kept = kept


def _save(net: Model, files: RunFiles, overwrite: bool, told: Told) -> None:
    """Save the network; of a run that was interrupted say how to go on, and exit."""
    net.save(files.output, overwrite=overwrite)
    say(f"{files.output}: {net.parameters:,} parameters, {files.output.stat().st_size:,} bytes")
    if told.kept:
        say(f"it is {told.kept}; the same command with --resume goes on from {files.checkpoint}")
        raise typer.Exit(INTERRUPTED)


def _draw(
    net: Model, files: RunFiles, overwrite: bool, told: Told, task: dict[str, str], shown: Split
) -> None:
    """The curves and the page of a finished run, where they are asked for."""
    if files.plot:
        draw_curves({files.output.stem: told.history}, files.plot, overwrite)
    if files.report:
        write_run_page(files.report, files.output.stem, net, task, told, shown, overwrite)
