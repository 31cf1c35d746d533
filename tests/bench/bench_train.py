"""Images per CPU second, beside PyTorch and others on the same core: `python tests/bench/bench_train.py`.

Every engine takes turns within one run, so that whatever else the machine does hits them alike; what
counts are the ratios. A figure is the median over the turns. PyTorch trains the same network with the
same optimizer on the same batches, in its default layout and in channels_last. Without PyTorch or
onnxruntime their columns are missing. The README's table, of one thread, comes last.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy; PyTorch's are set below

import numpy as np
from readme_table import NOTHING, print_table, times

from digitprep.nn import LOSSES, OPTIMIZERS, ZOO, Model

NETWORKS = {"mlp": 32, "lenet": 128, "simpleconv": 128, "deepconv": 128}  # and the batch to train with
INFERENCE_BATCH = 64
Work = Callable[[], object]
Rates = dict[str, float]  # images per second, by engine
# The README's columns: what is done, and beside which engine.
COLUMNS = {
    "training: default layout": ("train", "torch contiguous"),
    "channels last": ("train", "torch channels"),
    f"inference of {INFERENCE_BATCH} images: default layout": ("infer", "torch contiguous"),
    "ONNX Runtime": ("infer", "onnxruntime"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5, help="CPU seconds a turn")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    options = parser.parse_args()
    alone: dict[str, dict[str, Rates]] = {name: {} for name in options.networks}  # on one thread
    for threads in options.threads:
        os.environ["DIGITPREP_THREADS"] = str(threads)
        for name in options.networks:
            for kind, engines in (("train", trainers(name, threads)), ("infer", readers(name, threads))):
                batch = NETWORKS[name] if kind == "train" else INFERENCE_BATCH
                rates = measure(engines, batch, options.turns, options.seconds, threads)
                report(name, kind, threads, rates)
                if threads == 1:
                    alone[name][kind] = rates
    if 1 in options.threads:
        print_table("training", ["network", *COLUMNS], (row(name, alone[name]) for name in alone))


def row(name: str, rates: dict[str, Rates]) -> list[str]:
    """How many times as fast as each engine of COLUMNS that is installed."""
    return [f"`{name}`", *(ratio(rates[kind], engine) for kind, engine in COLUMNS.values())]


def ratio(rates: Rates, engine: str) -> str:
    return times(rates["digitprep"] / rates[engine]) if engine in rates else NOTHING


def measure(engines: dict[str, Work], images: int, turns: int, seconds: float, threads: int) -> Rates:
    """Images per second of each engine: CPU seconds on one thread, wall-clock seconds on more."""
    clock = time.process_time if threads == 1 else time.perf_counter
    rates: dict[str, list[float]] = {name: [] for name in engines}
    for work in engines.values():
        work()
    for _ in range(turns):
        for name, work in engines.items():
            start, count = clock(), 0
            while clock() - start < seconds:
                work()
                count += images
            rates[name].append(count / (clock() - start))
    return {name: statistics.median(values) for name, values in rates.items()}


def report(name: str, kind: str, threads: int, rates: Rates) -> None:
    ours = rates["digitprep"]
    others = "  ".join(f"{other} {rate:,.0f} ({ours / rate:.2f}x)" for other, rate in rates.items())
    print(f"{name:10} {kind} {threads} thread{'s' * (threads > 1)}: {others}", flush=True)


def batch_of(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 28, 28), dtype=np.uint8), rng.integers(0, 10, count)


def trainers(name: str, threads: int) -> dict[str, Work]:
    """A training step of each engine: forward, backward, Adam."""
    images, labels = batch_of(NETWORKS[name])
    model, adam, loss = (
        Model.build(ZOO[name].layers),
        OPTIMIZERS.parse("adam"),
        LOSSES.parse("softmax_cross_entropy"),
    )
    states, rng = adam.init(model.params), np.random.default_rng(0)

    def step() -> None:
        grads = model.gradients(images, labels, loss, rng)[2]
        adam.step(model.params, grads, states)

    engines: dict[str, Work] = {"digitprep": step}
    if importlib.util.find_spec("torch"):
        for layout in ("contiguous_format", "channels_last"):
            engines[f"torch {layout.split('_')[0]}"] = torch_step(name, layout, images, labels, threads)
    return engines


def readers(name: str, threads: int) -> dict[str, Work]:
    """The inference of each engine on one batch, from the pixels of a dataset to logits."""
    images, _ = batch_of(INFERENCE_BATCH)
    model = Model.build(ZOO[name].layers)
    engines: dict[str, Work] = {"digitprep": lambda: model.logits(images)}
    if importlib.util.find_spec("torch"):
        import torch

        for layout in ("contiguous_format", "channels_last"):
            net = torch_network(name).eval().to(memory_format=getattr(torch, layout))
            engines[f"torch {layout.split('_')[0]}"] = torch_reader(net, images, getattr(torch, layout))
    if importlib.util.find_spec("onnx") and importlib.util.find_spec("digitprep.nn.onnx"):
        engines |= onnx_readers(model, images, threads)
    return engines


def onnx_readers(model: Model, images: np.ndarray, threads: int) -> dict[str, Work]:
    import cv2

    from digitprep.nn.onnx import export_onnx

    def pixels() -> np.ndarray:
        return images[:, None].astype(np.float32) / np.float32(255)

    engines: dict[str, Work] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "m.onnx")
        export_onnx(model, file)
        cv2.setNumThreads(threads)
        net = cv2.dnn.readNetFromONNX(str(file))

        def by_opencv() -> object:
            net.setInput(pixels())
            return net.forward()

        engines["cv2.dnn"] = by_opencv
        if importlib.util.find_spec("onnxruntime"):
            import onnxruntime

            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = threads
            session = onnxruntime.InferenceSession(str(file), settings, providers=["CPUExecutionProvider"])
            given = session.get_inputs()[0].name
            engines["onnxruntime"] = lambda: session.run(None, {given: pixels()})
    return engines


def torch_reader(net, images: np.ndarray, form) -> Work:
    import torch

    pixels = torch.from_numpy(images)[:, None]

    @torch.inference_mode()
    def read() -> object:
        return net((pixels.float() / 255).to(memory_format=form))

    return read


def torch_network(name: str):
    """The network of the zoo, layer by layer, in PyTorch."""
    from torch import nn

    layers, channels, side, features = [], 1, 28, 0
    for layer in Model.build(ZOO[name].layers).layers:
        match type(layer).__name__:
            case "Conv":
                layers.append(nn.Conv2d(channels, layer.channels, layer.kernel, layer.stride, layer.pad))
                channels, side = layer.channels, (side + 2 * layer.pad - layer.kernel) // layer.stride + 1
            case "Maxpool":
                layers.append(nn.MaxPool2d(layer.size))
                side //= layer.size
            case "Relu":
                layers.append(nn.ReLU())
            case "Flatten":
                layers.append(nn.Flatten())
                features = channels * side * side
            case "Dense":
                layers.append(nn.Linear(features, layer.width))
                features = layer.width
            case other:
                raise SystemExit(f"{other} is not known to this benchmark")
    return nn.Sequential(*layers)


def torch_step(name: str, layout: str, images: np.ndarray, labels: np.ndarray, threads: int) -> Work:
    import torch

    torch.set_num_threads(threads)
    form = getattr(torch, layout)
    net = torch_network(name).to(memory_format=form)
    adam = torch.optim.Adam(net.parameters())
    pixels, targets = torch.from_numpy(images)[:, None], torch.from_numpy(labels)

    def step() -> None:
        adam.zero_grad()
        x = (pixels.float() / 255).to(memory_format=form)
        torch.nn.functional.cross_entropy(net(x), targets).backward()
        adam.step()

    return step


if __name__ == "__main__":
    main()
