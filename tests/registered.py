"""All that has a name and options, by the kind that `digitprep list` calls it."""

from digitprep import nn
from digitprep.formats import FORMATS
from digitprep.steps import STEPS

REGISTRIES = {
    "formats": FORMATS,
    "steps": STEPS,
    "layers": nn.LAYERS,
    "losses": nn.LOSSES,
    "optimizers": nn.OPTIMIZERS,
    "schedules": nn.SCHEDULES,
    "augmentations": nn.AUGMENTATIONS,
    "inputs": nn.INPUTS,
}
