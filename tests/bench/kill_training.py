"""Kill -9 a training run at random moments, resume it, and compare the weights with an undisturbed run's.

    python tests/bench/kill_training.py [DATA] [--kills 20] [--train "--model lenet --epochs 3 ..."]

Half of the kills are of runs that count steps, some of them before the first validation. Every run
keeps a log, and none needs --overwrite to go on. Prints a line a kill and exits with 1 where any run
ended with other bytes. Each kill is of a fresh run, at a moment drawn uniformly from the time that the
undisturbed run took, its start included.
"""

import argparse
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "samples" / "digits" / "idx"
EPOCHS = '--layers "conv(channels=8) | batchnorm | relu | maxpool | flatten | dropout | dense(width=10)"'
EPOCHS += " --epochs 8 --validation 200 --augment affine --optimizer adam(rate=0.003)"
STEPS = '--layers "flatten | dense(width=128) | relu | dense(width=10)" --steps 4000 --batch 1'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, default=DIGITS)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--train", nargs="+", default=[EPOCHS, STEPS], help="the options of digitprep train")
    given = parser.parse_args()
    moments = random.Random(given.seed)
    kills = given.kills // len(given.train)
    same = sum(
        count_same([*train_command(given.data.resolve()), *shlex.split(options)], kills, moments)
        for options in given.train
    )
    print(f"{same} of {kills * len(given.train)} runs ended with the same weights, byte for byte")
    sys.exit(same != kills * len(given.train))


def count_same(train: list[str], kills: int, moments: random.Random) -> int:
    """How many runs of a command, each killed and resumed, ended with the bytes of an undisturbed one."""
    same = 0
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        whole = finished([*train, "--log", "whole.csv", "-o", "whole.npz"], folder)
        duration = time.monotonic() - start
        print(f"undisturbed: {duration:.1f} s, {len(whole):,} bytes", flush=True)
        for number in range(1, kills + 1):
            after = moments.uniform(0, duration)
            command = [*train, "--log", f"{number}.csv", "-o", f"{number}.npz"]
            where = killed(command, folder, after)
            alike = finished([*command, "--resume"], folder) == whole
            same += alike
            print(
                f"kill {number:2} after {after:5.2f} s, {where}: {'same' if alike else 'OTHER'} bytes",
                flush=True,
            )
    return same


def train_command(data: Path) -> list[str]:
    return [sys.executable, "-m", "digitprep", "train", str(data)]


def finished(command: list[str], folder: str) -> bytes:
    """The model that a run to the end saves; its name stands after -o."""
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{shlex.join(command)}\n{done.stderr}")
    return (Path(folder) / command[command.index("-o") + 1]).read_bytes()


def killed(command: list[str], folder: str, after: float) -> str:
    """Kill a run after so many seconds; how far it had come."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    time.sleep(after)
    process.kill()
    lines = [line for line in process.communicate()[1].splitlines() if line.startswith(("epoch", "step"))]
    if process.returncode >= 0:
        return "when it had ended"
    return f"past {lines[-1].partition(':')[0]}" if lines else "before the first epoch ended"


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    main()
