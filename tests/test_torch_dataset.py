"""A split as PyTorch takes it."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import digitprep as dp


def test_without_pytorch_the_module_says_how_to_get_it():
    code = "import sys; sys.modules['torch'] = None; import digitprep.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtra: digitprep.torch needs the package torch" in done.stderr
    assert 'pip install "digitprep[torch]"' in done.stderr


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def split(*size, labels=True):
    images = np.random.default_rng(0).integers(256, size=(10, *size), dtype=np.uint8)
    return dp.Split(images, np.arange(10) if labels else None)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_gives_batches_of_images_and_labels(torch, workers):
    from digitprep.torch import SplitDataset

    data = split(28, 28)
    batches = list(torch.utils.data.DataLoader(SplitDataset(data), batch_size=4, num_workers=workers))
    assert [tuple(images.shape) for images, _ in batches] == [(4, 1, 28, 28), (4, 1, 28, 28), (2, 1, 28, 28)]
    images = torch.cat([images for images, _ in batches])
    assert images.dtype == torch.float32
    assert np.array_equal((images[:, 0].numpy() * 255).round().astype(np.uint8), data.images)
    assert torch.cat([labels for _, labels in batches]).tolist() == list(range(10))


def test_colour_comes_first_and_a_transform_is_applied(torch):
    from digitprep.torch import SplitDataset

    data = split(5, 4, 3, labels=False)
    image = SplitDataset(data, transform=lambda image: 1 - image)[3]
    assert tuple(image.shape) == (3, 5, 4)
    assert torch.allclose(image, 1 - torch.tensor(data.images[3]).permute(2, 0, 1) / 255)


def test_it_can_be_pickled_for_workers(torch):  # noqa: ARG001
    from digitprep.torch import SplitDataset

    copy = pickle.loads(pickle.dumps(SplitDataset(split(28, 28))))
    assert len(copy) == 10
    with pytest.raises(IndexError):
        copy[10]
