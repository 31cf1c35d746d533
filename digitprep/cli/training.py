"""The command that trains a network: from the dataset to the saved model, past kills and Ctrl-C."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.cli.choices import (
    USUAL_CLASSES,
    Augment,
    Batch,
    ClassNames,
    Epochs,
    Layers,
    Loss,
    NetworkName,
    Optimizer,
    Patience,
    Schedule,
    Seed,
    Steps,
    Validation,
    chosen_names,
    chosen_network,
    chosen_options,
    fresh_network,
)
from digitprep.cli.curves import Told, draw_curves, write_run_page
from digitprep.cli.epochs import watching
from digitprep.cli.models import evaluated, print_accuracy
from digitprep.cli.options import Overwrite, SourceFormat, classes_option, whole
from digitprep.cli.runfiles import CheckpointFile, LogFile, PlotFile, ReportFile, Resume, RunFiles
from digitprep.cli.terminal import say, stop_on_interrupt
from digitprep.errors import DataError

if TYPE_CHECKING:
    from digitprep.dataset import Dataset, Split
    from digitprep.nn.model import Model
    from digitprep.nn.plan import Plan

INTERRUPTED = 130  # what a shell reports of a command that Ctrl-C ended

Data = Annotated[Path, typer.Argument(metavar="DATA", help="A dataset with a split named train.")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="M.npz", help="Where the network goes.")]


def train(
    data: Data,
    output: Output,
    model: NetworkName = None,
    layers: Layers = None,
    epochs: Epochs = None,
    steps: Steps = None,
    batch: Batch = None,
    optimizer: Optimizer = None,
    schedule: Schedule = None,
    loss: Loss = None,
    augment: Augment = None,
    validation: Validation = None,
    patience: Patience = None,
    seed: Seed = 0,
    checkpoint: CheckpointFile = None,
    resume: Resume = False,
    log: LogFile = None,
    plot: PlotFile = None,
    report: ReportFile = None,
    class_names: ClassNames = None,
    source_format: SourceFormat = None,
    classes: Annotated[int | None, classes_option("as many as have names, or 10")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Train a network on a dataset, keep its best epoch, and measure it on the test split.

    While it trains, a checkpoint is kept. After a kill or Ctrl-C, the same command with --resume goes on
    from it, and ends with the same network, byte for byte, as if nothing had happened.
    """
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
    dataset = whole(data, source_format, len(names) if names else classes or USUAL_CLASSES)
    split = dataset["train"]
    net = fresh_network(wanted, split, names, classes, seed)
    test = _test_split(dataset, net)
    plan = _checked_plan(net, split, options, is_asked=validation is not None)
    task = plan.task(net, split)
    if resume and files.is_finished(digest(task)):
        net = _finished(files)
    else:
        own = overwrite or (resume and files.is_of(digest(task)))
        told = Told(losses=_losses_before(files, task, overwrite) if resume else [])
        _train(net, split, plan, options | {"resume": resume}, files, told)
        _save(net, files, own, told)
        _draw(net, files, overwrite, told, task, split if test is None else test)
        files.checkpoint.unlink(missing_ok=True)  # not before: what is drawn needs the epochs in it
    if test is not None:
        print_accuracy(test.name, evaluated(net, test))


def _finished(files: RunFiles) -> Model:
    """The network that a run has ended with; what of it can no longer be drawn is said."""
    from digitprep.nn import load_model

    say(f"{files.output} is what this run ended with; there is nothing left to train")
    for path in filter(None, (files.plot, files.report)):
        if not path.exists():
            say(f"{path} is not drawn, as no epochs are kept; `digitprep plot` draws them from a log")
    return load_model(files.output)


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
