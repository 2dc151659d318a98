"""CIFAR-10's binary files as NumPy arrays, preprocessed as `cifar-train --preprocess` does."""

from pathlib import Path

import numpy as np

WIDTH, CLASSES = 3072, 10


def read(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (N, D) and labels (N), bytes."""
    records = np.concatenate([np.fromfile(path, np.uint8).reshape(-1, 1 + WIDTH) for path in paths])
    return np.ascontiguousarray(records[:, 1:]), records[:, 0].astype(np.int64)


def load(folder: str, preprocess: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training features (N, D) in f32 and labels (N), then those of the test set."""
    bytes_, labels = read([Path(folder, f"data_batch_{batch}.bin") for batch in range(1, 6)])
    test_bytes, test_labels = read([Path(folder, "test_batch.bin")])
    train, test = bytes_.astype(np.float32), test_bytes.astype(np.float32)
    mean = train.mean(axis=0, dtype=np.float64).astype(np.float32)
    train -= mean
    test -= mean
    if preprocess != "center":
        scale = np.float32(255) if preprocess == "scale" else train.std(axis=0)
        train /= scale
        test /= scale
    return train, labels, test, test_labels
