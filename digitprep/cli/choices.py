"""What the options of the command `train` choose: the network, how it is trained, and its classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.errors import UsageError

if TYPE_CHECKING:
    from digitprep.dataset import Split
    from digitprep.nn.model import Model
    from digitprep.nn.zoo import Network

USUAL_CLASSES = 10

NetworkName = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="A network by name.", show_default="digitnet"),
]
Layers = Annotated[
    str | None, typer.Option(metavar="TEXT", help="A network as text: 'flatten | dense(width=10)'.")
]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the images.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Batches drawn at random, instead of whole passes.")]
Batch = Annotated[int | None, typer.Option(min=1, help="Images a step.")]
Optimizer = Annotated[str | None, typer.Option(metavar="TEXT", help="As in 'adam(rate=0.001)'.")]
Schedule = Annotated[str | None, typer.Option(metavar="TEXT", help="How the rate changes: 'cosine'.")]
Loss = Annotated[
    str | None, typer.Option(metavar="TEXT", help="What is made small: 'softmax_cross_entropy'.")
]
Augment = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Changes to the images: 'affine | thickness', or 'none'."),
]
Validation = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Images held back to choose the best epoch: a count, or a share below 1.",
        show_default="5000, or a tenth of a small dataset",
    ),
]
Patience = Annotated[
    int | None, typer.Option(min=1, help="Stop after that many validations without a better one.")
]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same network.")]
ClassNames = Annotated[
    str | None, typer.Option(metavar="A,B,C", help="What the labels stand for, as it is kept in M.npz.")
]


def chosen_network(name: str | None, layers: str | None) -> Network:
    """The network of the zoo with that name, the bundled one without, or one of these layers."""
    from digitprep.nn.zoo import Network, network

    if name is not None and layers is not None:
        raise UsageError("--model and --layers both name a network; give one of them")
    return network("digitnet" if name is None else name) if layers is None else Network.own(layers)


def chosen_options(wanted: Network, **given: Any) -> dict[str, Any]:
    """The options of `digitprep.train` that suit a network, with those that were given (not None)."""
    if given["epochs"] and given["steps"]:
        raise UsageError("--epochs and --steps both say how long to train; give one of them")
    options = wanted.training | {name: value for name, value in given.items() if value is not None}
    if given["epochs"]:
        options["steps"] = None
    if options["augment"] == "none":
        options["augment"] = None
    return options


def chosen_names(text: str | None, classes: int | None) -> tuple[str, ...] | None:
    """The names of the classes from text with commas. Raises UsageError where `classes` are others."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    if classes not in (None, len(names)):
        raise UsageError(
            f"--class-names has {len(names)} names, but --classes says {classes}; leave --classes out"
        )
    return names


def fresh_network(
    wanted: Network, split: Split, names: tuple[str, ...] | None, classes: int | None, seed: int
) -> Model:
    """An untrained network for the images of a split, with as many classes as are given or have names."""
    from digitprep.nn import Model

    names = names or split.class_names
    count = classes or len(names or ()) or USUAL_CLASSES
    return Model.build(wanted.layers_for(count), split.images.shape[1:], count, seed, names or None)
