"""Cleaning by Ray Data, as `clean` does it: python tests/bench/ray_photos.py FOLDER DST.npz [--check]

It needs `pip install "ray[data]"`. Each block of photos becomes the bytes of `digitprep.shards`, in any
process of the cluster; blocks come back in their order, and what is in them is written. --check cleans here
as well, in one process, and compares: the same bytes.
"""

from __future__ import annotations

import argparse
import filecmp
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import ray

import digitprep as dp
from digitprep.batch import clean, to_splits
from digitprep.recipes import recipe
from digitprep.shards import from_bytes, to_bytes
from digitprep.sources import find_photos, stamp_of

BLOCK_PHOTOS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--check", action="store_true", help="compare with what one process writes")
    options = parser.parse_args()
    photos = [str(photo) for photo in find_photos([options.folder])]
    ray.data.DataContext.get_current().execution_options.preserve_order = True
    blocks = ray.data.from_items(photos).map_batches(cleaned, batch_size=BLOCK_PHOTOS)
    done = (one for row in blocks.iter_rows() for _, found in from_bytes(row["shard"]) for one in found)
    write(done, options.dataset)
    print(f"{options.dataset}: made of {len(photos):,} photos by Ray {ray.__version__}")
    if options.check:
        with tempfile.TemporaryDirectory() as folder:
            alone = Path(folder, options.dataset.name)
            write(clean(map(Path, photos), recipe()), alone)
            same = filecmp.cmp(alone, options.dataset, shallow=False)
        print("the same bytes as one process writes" if same else "OTHER BYTES than one process writes")
        raise SystemExit(not same)


def cleaned(batch: dict[str, Any]) -> dict[str, Any]:
    """Names of photos -> the bytes of one shard with what became of them."""
    photos = [Path(name) for name in batch["item"]]
    done = [(stamp_of(one.photo), [one]) for one in clean(photos, recipe())]
    return {"shard": np.array([to_bytes(done)], dtype=object)}


def write(done: Any, dataset: Path) -> None:
    dp.write(to_splits(done, "train", str(recipe())), dataset)


if __name__ == "__main__":
    main()
