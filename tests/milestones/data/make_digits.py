"""Make digits.npz from scikit-learn's copy of the UCI digits. Run once, by hand.

    python tests/milestones/data/make_digits.py

images: (1797, 8, 8) uint8, 0 (white) to 16 (black).  labels: (1797,) uint8, 0 to 9.
train, test: indices of the images that train (1000) and that are held out (797); every class is
split in the same proportion. The split is fixed: a permutation of each class by
numpy.random.default_rng(1998).
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

SEED = 1998
TRAIN = 1000
HERE = Path(__file__).parent


def split(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices to train with and to hold out, each in ascending order."""
    generator = np.random.default_rng(SEED)
    rank = np.empty(len(labels))
    for digit in range(10):
        members = np.flatnonzero(labels == digit)
        # The first members of every class, in proportion, come before all others.
        rank[generator.permutation(members)] = (np.arange(len(members)) + 0.5) / len(members)
    order = np.argsort(rank, kind="stable")
    return np.sort(order[:TRAIN]), np.sort(order[TRAIN:])


def main() -> None:
    digits = load_digits()
    labels = digits.target.astype(np.uint8)
    train, test = split(labels)
    arrays = {
        "images": digits.images.astype(np.uint8),
        "labels": labels,
        "train": train.astype(np.uint16),
        "test": test.astype(np.uint16),
    }
    target = HERE / "digits.npz"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            # A date of its own, so that the same arrays are the same bytes.
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1998, 7, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    sys.stdout.write(f"{hashlib.sha256(target.read_bytes()).hexdigest()}  {target.name}\n")


if __name__ == "__main__":
    main()
