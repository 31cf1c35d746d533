"""Checkpoints: a run that was stopped anywhere ends as if it never had been, and a wrong file says why."""

from dataclasses import replace

import numpy as np
import pytest

from digitprep.dataset import Split
from digitprep.errors import DigitprepError, ModelError, UsageError
from digitprep.nn import Model, train
from digitprep.nn.checkpoint import Checkpoint, generator_state, restore_generator
from digitprep.nn.store import npz_bytes, read_npz, write_whole

NET = "conv(channels=3) | batchnorm | relu | maxpool | flatten | dropout(rate=0.2) | dense(width=4)"
OPTIONS = {
    "epochs": 5,
    "batch": 16,
    "optimizer": "adam(rate=0.01)",
    "validation": 40,
    "augment": "affine(shift_px=1) | thickness",
}
STEPS = {"steps": 45, "report_every": 4, "batch": 16, "validation": 40}


def noise(count: int = 200, seed: int = 0) -> Split:
    """Something with labels; whether it can be learnt does not matter here."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 255, (count, 8, 8), dtype=np.uint8)
    return Split(images, (images[:, 2, 2] // 64).astype(np.int64))


def fresh() -> Model:
    return Model.build(NET, (8, 8), classes=4)


def saved(model: Model, folder) -> bytes:
    model.save(folder / "model.npz", overwrite=True)
    return (folder / "model.npz").read_bytes()


def figures(epochs):
    """What must come out alike; times need not."""
    return [replace(epoch, seconds=0, images_per_second=0) for epoch in epochs]


def stopped_and_resumed(file, stops, **options):
    """The model and the epochs of a run that is closed after so many epochs, again and again."""
    for stop in stops:
        run = train(fresh(), noise(), checkpoint=file, resume=True, **options)
        for _ in range(stop):
            next(run)
        run.close()
    model = fresh()
    return model, list(train(model, noise(), checkpoint=file, resume=True, **options))


@pytest.mark.parametrize(
    ("options", "stops"),
    [
        (OPTIONS, [1]),
        (OPTIONS, [3]),
        (OPTIONS, [1, 2, 4]),
        (OPTIONS, [5]),
        (OPTIONS | {"optimizer": "sgd(momentum=0.9)", "schedule": "constant"}, [2]),
        (OPTIONS | {"validation": 0}, [2, 3]),
        (OPTIONS | {"patience": 1}, [1, 1]),
        (STEPS, [1]),
        (STEPS, [2, 1]),
        (STEPS, [4, 7, 9]),
        (STEPS | {"validation": 0}, [5]),
    ],
)
def test_a_resumed_run_ends_as_an_undisturbed_one(tmp_path, options, stops):
    """The saved model, byte for byte, and every epoch's figures, those before the stop too."""
    straight = fresh()
    epochs = list(train(straight, noise(), **options))
    model, resumed = stopped_and_resumed(tmp_path / "c.npz", stops, **options)
    assert saved(model, tmp_path) == saved(straight, tmp_path)
    assert figures(resumed) == figures(epochs)


def test_an_interrupt_within_an_epoch_loses_that_epoch_only(tmp_path):
    """The checkpoint is that of the epoch before, also where parameters have moved since."""
    straight = fresh()
    list(train(straight, noise(), **OPTIONS))
    batches = iter(range(1000))

    def interrupt(_done, _total, _loss):
        if next(batches) == 25:
            raise KeyboardInterrupt

    file = tmp_path / "c.npz"
    with pytest.raises(KeyboardInterrupt):
        list(train(fresh(), noise(), checkpoint=file, progress=interrupt, **OPTIONS))
    assert len(Checkpoint.load(file).history) == 2
    model, _ = stopped_and_resumed(file, [], **OPTIONS)
    assert saved(model, tmp_path) == saved(straight, tmp_path)


def test_stopped_before_anything_was_validated_it_can_go_on_all_the_same(tmp_path):
    """There is a checkpoint from the first batch on, and it has the first report that anybody has seen."""
    straight = fresh()
    list(train(straight, noise(), **STEPS))

    def interrupt(_done, _total, _loss):
        raise KeyboardInterrupt

    file = tmp_path / "c.npz"
    run = train(fresh(), noise(), checkpoint=file, progress=interrupt, **STEPS)
    assert not file.exists()
    with pytest.raises(KeyboardInterrupt):
        next(run)
    assert Checkpoint.load(file).history == []
    run = train(fresh(), noise(), checkpoint=file, resume=True, **STEPS)
    first = next(run)
    assert first.validation_accuracy is None
    assert [epoch["number"] for epoch in Checkpoint.load(file).history] == [1]
    run.close()
    model, epochs = stopped_and_resumed(file, [], **STEPS)
    assert epochs[0] == first
    assert saved(model, tmp_path) == saved(straight, tmp_path)


def test_a_checkpoint_changes_nothing_and_leaves_one_file(tmp_path):
    """With or without it the weights are the same; no partial file stays behind."""
    plain, kept = fresh(), fresh()
    list(train(plain, noise(), **OPTIONS))
    (tmp_path / ".c.npz.partial").write_bytes(b"what a killed run left")
    list(train(kept, noise(), checkpoint=tmp_path / "c.npz", **OPTIONS))
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]
    assert saved(plain, tmp_path) == saved(kept, tmp_path)


def test_a_failing_disk_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    """Whatever goes wrong while a file is written, the one before it is whole."""
    write_whole(tmp_path / "c.npz", b"old")

    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(DigitprepError, match=r"c\.npz: cannot be written: No space left"):
        write_whole(tmp_path / "c.npz", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]
    assert (tmp_path / "c.npz").read_bytes() == b"old"


@pytest.fixture
def file(tmp_path):
    """The checkpoint of a run closed after two epochs."""
    file = tmp_path / "c.npz"
    run = train(fresh(), noise(), checkpoint=file, **OPTIONS)
    next(run), next(run)
    run.close()
    return file


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 6}, "epochs is '5' there, '6' here"),
        ({"batch": 8}, "batch is '16' there, '8' here"),
        ({"optimizer": "sgd"}, r"optimizer is 'adam\(rate=0.01\)' there, 'sgd' here"),
        ({"augment": None}, "augment is"),
        ({"validation": 41}, "validation is '40' there"),
        ({"patience": 2}, "patience is 'none' there, '2' here"),
        ({"seed": 1, "batch": 8}, "batch is.*; seed is"),
        ({"steps": 100}, "epochs is '5' there, 'none' here.*steps is 'none' there, '100' here"),
    ],
)
def test_other_options_are_refused_by_name(file, change, words):
    """At once, and the model is left alone."""
    model = fresh()
    with pytest.raises(UsageError, match=words):
        train(model, noise(), checkpoint=file, resume=True, **(OPTIONS | change))
    assert model.params[0]["weight"].tobytes() == fresh().params[0]["weight"].tobytes()


def test_other_data_and_other_networks_are_refused_by_name(file):
    """One pixel, one label, one layer or one name is enough."""
    split = noise()
    pixel, label = split.images.copy(), split.labels.copy()
    pixel[7, 3, 3] ^= 1
    label[7] = (label[7] + 1) % 4
    for changed in (replace(split, images=pixel), replace(split, labels=label), split[:-1]):
        with pytest.raises(UsageError, match="its training images or labels are others"):
            train(fresh(), changed, checkpoint=file, resume=True, **OPTIONS)
    other = Model.build(NET.replace("0.2", "0.3"), (8, 8), classes=4)
    with pytest.raises(UsageError, match="layers is"):
        train(other, split, checkpoint=file, resume=True, **OPTIONS)
    renamed = Model.build(NET, (8, 8), classes=4, class_names="abcd")
    with pytest.raises(UsageError, match="class_names is '0, 1, 2, 3' there, 'a, b, c, d' here"):
        train(renamed, split, checkpoint=file, resume=True, **OPTIONS)


def test_a_damaged_checkpoint_is_refused_or_harmless(file):
    """Cut at any length it is refused; with a byte changed, it is refused or holds the same arrays."""
    whole = file.read_bytes()
    arrays = Checkpoint.load(file).arrays
    for length in range(0, len(whole), 997):
        file.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"c\.npz: expected a checkpoint.*remove the file"):
            Checkpoint.load(file)
    for position in range(0, len(whole), 211):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        try:
            again = Checkpoint.load(file).arrays
        except ModelError:
            continue
        for name, array in arrays.items():
            np.testing.assert_array_equal(again.get(name, array), array)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"digitprep_checkpoint": None}, "another archive"),
        ({"digitprep_checkpoint": np.array(9)}, "layout 2, found 9"),
        ({"run": np.frombuffer(b"{", np.uint8)}, "expected JSON"),
        ({"run": np.frombuffer(b"[]", np.uint8)}, "expected JSON"),
        ({"losses": None}, "and losses, found something else"),
        ({"losses": np.array(1.0)}, "and losses, found something else"),
        ({"params.0.weight": None}, "'params.0.weight' as .* found none"),
        ({"best.6.bias": np.zeros(5, np.float32)}, r"found \(5,\) float32"),
        ({"states.0.mean": np.zeros(3)}, "float64"),
    ],
)
def test_a_checkpoint_that_does_not_fit_says_where(file, changes, words):
    """Each error names the file, what was expected, what was found and what to do."""
    arrays = read_npz(file, "a checkpoint", "") | changes
    file.write_bytes(npz_bytes({name: array for name, array in arrays.items() if array is not None}))
    with pytest.raises(ModelError, match=words):
        train(fresh(), noise(), checkpoint=file, resume=True, **OPTIONS)


@pytest.mark.parametrize("part", ["history", "generators"])
def test_a_history_or_a_generator_that_cannot_be_read_is_refused(file, part):
    good = Checkpoint.load(file)
    empty = {"history": [{"number": 1}], "generators": {"shuffling": {}}}[part]
    replace(good, **{part: empty}).save(file)
    with pytest.raises(ModelError, match="expected epochs and random generators"):
        train(fresh(), noise(), checkpoint=file, resume=True, **OPTIONS)


def test_a_generator_goes_on_with_numbers_and_children():
    """After the state has been through plain values, draws and spawned generators are the next ones."""
    first, second = np.random.default_rng(5), np.random.default_rng(5)
    first.random(7, dtype=np.float32), first.spawn(3)
    restore_generator(second, generator_state(first))
    assert first.random() == second.random()
    assert first.spawn(1)[0].random() == second.spawn(1)[0].random()


def test_without_a_checkpoint_resuming_starts_anew(tmp_path):
    epochs = list(train(fresh(), noise(), checkpoint=tmp_path / "none.npz", resume=True, **OPTIONS))
    assert len(epochs) == 5
