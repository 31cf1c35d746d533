"""A small convolutional network in NumPy, made to be read.

`layers` is how a network computes, `build` checks that they fit, `model` strings them together, `loss`
says how wrong it is, `optim` which way to go, `train` repeats that, batch after batch in `run` and as
long as `plan` says, `augment` and `styles` vary the images, `zoo` names networks, `store` keeps models in
files and `checkpoint` runs that are under way. `textbook` is the convolution to read first, `kernels`,
`parallel` and `scratch` are how it gets quick. `onnx`, `engines` and `safetensors` deal with the networks
of others, `open` with whatever file a user names; `look` shows what a network has learnt.
"""

from digitprep.nn import styles  # noqa: F401  it registers an augmentation
from digitprep.nn.augment import AUGMENTATIONS, Augmentation
from digitprep.nn.layers import LAYERS, Layer
from digitprep.nn.loss import LOSSES, Loss, softmax
from digitprep.nn.model import Model
from digitprep.nn.onnx_input import INPUTS
from digitprep.nn.optim import OPTIMIZERS, SCHEDULES, Optimizer, Schedule
from digitprep.nn.store import load_model
from digitprep.nn.train import Epoch, train
from digitprep.nn.zoo import ZOO, Network, network

__all__ = [
    "AUGMENTATIONS",
    "INPUTS",
    "LAYERS",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "ZOO",
    "Augmentation",
    "Epoch",
    "Layer",
    "Loss",
    "Model",
    "Network",
    "Optimizer",
    "Schedule",
    "load_model",
    "network",
    "softmax",
    "train",
]
