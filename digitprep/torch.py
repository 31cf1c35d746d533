"""A split as PyTorch takes it, for a `DataLoader`. Importing this module imports PyTorch; nothing else does.

from torch.utils.data import DataLoader
from digitprep.torch import SplitDataset

loader = DataLoader(SplitDataset(data["train"]), batch_size=64, shuffle=True)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from digitprep.dataset import Split
from digitprep.extra import extra

torch = extra("torch.utils.data", "digitprep.torch")
TorchDataset: Any = torch.utils.data.Dataset


class SplitDataset(TorchDataset):  # type: ignore[misc]  # mypy cannot know what it is
    """A view of a split: item i is image i and its label, or the image alone where there are no labels.

    An image is a tensor (1, H, W), in colour (3, H, W), float32 from 0 for paper to 1 for ink. The
    split's arrays are shared, not copied.

    split: whose images they are
    transform: changes each image tensor, such as torchvision's `Normalize((0.1307,), (0.3081,))`
    """

    def __init__(self, split: Split, transform: Callable[[Any], Any] | None = None) -> None:
        self.split = split
        self.transform = transform

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.split)

    def __getitem__(self, index: int) -> Any:
        """The image as a tensor, and its label where there are labels."""
        pixels = torch.tensor(self.split.images[index], dtype=torch.float32) / 255
        image = pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)
        if self.transform is not None:
            image = self.transform(image)
        return image if self.split.labels is None else (image, int(self.split.labels[index]))
