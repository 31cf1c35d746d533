"""Train every network of the zoo as `digitprep train` does: `python tests/bench/bench_zoo.py MNIST`.

Prints the README's table, a row a network: parameters, test accuracy over the seeds, and CPU seconds of one
training with everything around it, which grow when other work shares the cores.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from readme_table import NOTHING, print_table

from digitprep.nn import ZOO, load_model

BUNDLED = "digitnet"
NETWORKS = [*(name for name in ZOO if name != BUNDLED), BUNDLED]
TUTORIALS_REPORT = {"simpleconv": "99 %", "deepconv": "99 %"}
HEADER = (
    "network",
    "parameters",
    "test accuracy, mean (lowest to highest)",
    "what its tutorial reports",
    "CPU s",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="MNIST in any format")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=ZOO)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--keep", type=Path, help="a folder for the trained networks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print_table("networks", HEADER, rows(options.data, options.networks, options.seeds, folder))


def rows(data: Path, networks: list[str], seeds: list[int], folder: Path) -> Iterator[list[str]]:
    """Train each network with each seed."""
    for name in networks:
        files = {seed: folder / f"{name}-{seed}.npz" for seed in seeds}
        runs = [trained(data, name, seed, file) for seed, file in files.items()]
        yield row(name, load_model(files[seeds[0]]).parameters, runs)


def trained(data: Path, name: str, seed: int, file: Path) -> tuple[float, float]:
    """Test accuracy and CPU seconds of one network trained by the command line."""
    environment = os.environ | {"DIGITPREP_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    digitprep = [sys.executable, "-m", "digitprep"]
    before = cpu_seconds()
    command = [*digitprep, "train", data, "-o", file, "--model", name, "--seed", seed, "--overwrite"]
    subprocess.run([str(part) for part in command], env=environment, check=True, capture_output=True)
    spent = cpu_seconds() - before
    command = [*digitprep, "evaluate", data, "--model", file, "--split", "test", "--json"]
    done = subprocess.run([str(part) for part in command], env=environment, check=True, capture_output=True)
    accuracy = json.loads(done.stdout)["test"]["accuracy"]
    print(f"{name}, seed {seed}: {accuracy:.2%}, {spent:.0f} CPU s", file=sys.stderr, flush=True)
    return accuracy, spent


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(name: str, parameters: int, runs: list[tuple[float, float]]) -> list[str]:
    accuracies = [100 * accuracy for accuracy, _ in runs]
    seconds = statistics.mean(spent for _, spent in runs)
    spread = f"{statistics.mean(accuracies):.2f} % ({min(accuracies):.2f} to {max(accuracies):.2f})"
    title = f"`{name}`, bundled" if name == BUNDLED else f"`{name}`"
    return [title, f"{parameters:,}", spread, TUTORIALS_REPORT.get(name, NOTHING), f"{seconds:.0f}"]


if __name__ == "__main__":
    main()
