"""A small convolutional network in NumPy, made to be read.

`layers` is how a network computes, `build` checks that they fit, `model` strings them together, with
their arrays in `params`; `loss` says how wrong it is, `optim` which way to go. `train` repeats that,
batch after batch in `run` and as long as `plan` says, and tells each `epoch`, of which `log` makes a
file; `augment` and `styles` vary the images, `calibration` sets how sure it may be. `zoo` names networks,
`store` keeps models in files and `checkpoint` runs that are under way. `textbook` is the convolution to
read first, `kernels`, `parallel` and `scratch` are how it gets quick.

For the networks of others there are `engines`, `function` and `safetensors`, and `open` for whatever file
a user names. `onnx` writes files for other programs; `onnx_input`, `onnx_header` and `onnx_graph` are
what has to be known of theirs, and `protobuf` is how both are stored. `look` shows what a network has
learnt.
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
