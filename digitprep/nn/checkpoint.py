"""Checkpoints: a training run on disk, so that it can go on where it was killed, bit for bit.

    digitprep_checkpoint   the version of this layout, an integer
    run                    JSON text in UTF-8 bytes: task, history, generators
    params.0.weight        the parameters after the last epoch so far, by number of layer and name
    best.0.weight          those of the best epoch so far, or those at the start
    states.0.velocity      what the optimizer remembers, by number of parameter array and name
    losses                 the loss of each batch so far, float64

Nothing in it is pickled. Writing replaces the file as a whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitprep.errors import ModelError, UsageError
from digitprep.nn.layers import Array
from digitprep.nn.store import npz_bytes, read_npz, write_whole

VERSION = 2
ADVICE = "remove the file to start anew"

Group = dict[str, Array]


@dataclass(frozen=True)
class Checkpoint:
    """A run at its start or after an epoch: what it has found, and all that the next epoch depends on.

    task: what is trained, on what and how, as text by name; only the same task can go on from here
    history: the epochs so far, as plain values by name
    generators: the states of the random generators by name, as `generator_state` gives them
    losses: of the batches so far
    arrays: parameters and optimizer states, as `named` gives them
    """

    task: dict[str, str]
    history: list[dict[str, Any]]
    generators: dict[str, Any]
    losses: list[float]
    arrays: dict[str, Array]

    def save(self, file: Path) -> None:
        """Replace the file: killed at any moment, this leaves the old checkpoint or the new one.

        Raises DigitprepError where the disk refuses.
        """
        run = {"task": self.task, "history": self.history, "generators": self.generators}
        text = json.dumps(run, ensure_ascii=False)
        head: dict[str, Array] = {
            "digitprep_checkpoint": np.array(VERSION, dtype="<i8"),
            "run": np.frombuffer(text.encode(), np.uint8),
            "losses": np.array(self.losses, dtype="<f8"),
        }
        write_whole(file, npz_bytes(head | self.arrays))

    @classmethod
    def load(cls, file: Path) -> Checkpoint:
        """The checkpoint in a file. Raises ModelError naming what was expected and what was found."""
        arrays = read_npz(file, "a checkpoint", ADVICE)
        version, text = arrays.pop("digitprep_checkpoint", None), arrays.pop("run", None)
        if version is None or text is None:
            raise ModelError(f"{file}: expected a checkpoint of digitprep train, found another archive")
        if version.tolist() != VERSION:
            raise ModelError(
                f"{file}: expected a checkpoint of layout {VERSION}, found {version.tolist()}; {ADVICE}"
            )
        try:
            run = json.loads(text.tobytes())
            task = {str(name): str(value) for name, value in run["task"].items()}
            losses = [float(loss) for loss in arrays.pop("losses")]
            return cls(task, list(run["history"]), dict(run["generators"]), losses, arrays)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ModelError(
                f"{file}: expected JSON with task, history and generators as its run, and losses, found "
                f"something else ({type(error).__name__}: {error}); {ADVICE}"
            ) from None

    def check_task(self, task: dict[str, str], file: Path) -> None:
        """Raise UsageError naming everything in which another task differs from this one."""
        names = sorted(self.task.keys() | task.keys())
        differences = [
            _difference(name, self.task.get(name, "none"), task.get(name, "none"))
            for name in names
            if self.task.get(name) != task.get(name)
        ]
        if differences:
            raise UsageError(
                f"{file} is of another run: {'; '.join(differences)}. Give that run's data, network and "
                f"options to go on with it, or {ADVICE}"
            )

    def fill(self, kind: str, groups: Sequence[Group], file: Path) -> None:
        """Copy the arrays of a kind into arrays of the same names, in place.

        Raises ModelError where one is missing or does not fit.
        """
        for name, array in named(kind, groups).items():
            saved = self.arrays.get(name)
            if saved is None or saved.shape != array.shape or saved.dtype != array.dtype:
                found = "none" if saved is None else f"{saved.shape} {saved.dtype}"
                raise ModelError(
                    f"{file}: expected {name!r} as {array.shape} {array.dtype}, found {found}; {ADVICE}"
                )
            array[...] = saved


def named(kind: str, groups: Sequence[Group]) -> dict[str, Array]:
    """Arrays by the names that they have in a checkpoint."""
    return {
        f"{kind}.{number}.{name}": array
        for number, group in enumerate(groups)
        for name, array in group.items()
    }


def digest(task: dict[str, str]) -> str:
    """A short name for a task: 16 hexadecimal digits that follow from its text."""
    return hashlib.sha256(json.dumps(task, sort_keys=True).encode()).hexdigest()[:16]


def generator_state(rng: np.random.Generator) -> dict[str, Any]:
    """Where a random generator stands, as plain values ready for JSON."""
    sequence: Any = rng.bit_generator.seed_seq
    return {"state": rng.bit_generator.state, "spawned": sequence.n_children_spawned}


def restore_generator(rng: np.random.Generator, state: dict[str, Any]) -> None:
    """Bring a fresh generator of the same seed to where another one stood."""
    rng.spawn(state["spawned"])  # its later children must not repeat these
    rng.bit_generator.state = state["state"]


def _difference(name: str, there: str, here: str) -> str:
    if name == "data":
        return "its training images or labels are others"
    return f"{name} is {there!r} there, {here!r} here"
