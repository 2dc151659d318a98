"""Loads one data set as other programs do, several times: `peer_readers.py LOADER PATH`. Prints the seconds of each
time, and what was loaded. Features end as ours do: f32, or bytes where they are whole, row by row.

What only one loader needs is imported where it loads: the first time is left out.
"""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cifar import WIDTH
from peer import Clock

LOADS = 4  # as in benches/readers.rs
BATCHES = [[f"data_batch_{batch}.bin" for batch in range(1, 6)], ["test_batch.bin"]]

# Features and labels; of CIFAR-10 those of training, then those of test.
Parts = list[np.ndarray]


def cifar_parts(read: Callable[[str], np.ndarray]) -> Parts:
    """`read`: the bytes of a file."""
    parts = []
    for names in BATCHES:
        batches = [read(name).reshape(-1, 1 + WIDTH) for name in names]
        parts.append(np.concatenate([batch[:, 1:] for batch in batches]))
        parts.append(np.concatenate([batch[:, 0] for batch in batches]))
    return parts


def numpy_cifar(path: Path) -> Parts:
    return cifar_parts(lambda name: np.fromfile(path / name, np.uint8))


def tarfile_cifar(path: Path) -> Parts:
    import tarfile

    with tarfile.open(path) as packed:
        files = {Path(entry.name).name: packed.extractfile(entry).read() for entry in packed if entry.isfile()}
    return cifar_parts(lambda name: np.frombuffer(files[name], np.uint8))


def unpacked_size(packed: bytes) -> int:
    """As gzip's last four bytes tell it."""
    return int.from_bytes(packed[-4:], "little")


def isal_unpack(path: Path) -> None:
    from isal import isal_zlib

    packed = path.read_bytes()
    isal_zlib.decompress(packed, 31, unpacked_size(packed))


def zlib_ng_unpack(path: Path) -> None:
    from zlib_ng import zlib_ng

    packed = path.read_bytes()
    zlib_ng.decompress(packed, 31, unpacked_size(packed))


def deflate_unpack(path: Path) -> None:
    import deflate

    deflate.gzip_decompress(path.read_bytes())


def numpy_npy(path: Path) -> Parts:
    return [np.load(path / "features.npy"), np.load(path / "labels.npy")]


def numpy_npz(path: Path) -> Parts:
    with np.load(path) as arrays:
        return [arrays["features"], arrays["labels"]]


def by_rows(features: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(features)


def kind_of(path: Path) -> type:
    return np.uint8 if path.name.startswith("csv-bytes") else np.float32


def numpy_csv(path: Path) -> Parts:
    table = np.loadtxt(path, kind_of(path), delimiter=",", skiprows=1)
    return [by_rows(table[:, :-1]), table[:, -1]]


def pandas_csv(path: Path, **how: object) -> Parts:
    import pandas

    frame = pandas.read_csv(path, **how)
    return [by_rows(frame.drop(columns="label").to_numpy(kind_of(path))), frame["label"].to_numpy()]


def polars_csv(path: Path) -> Parts:
    import polars

    frame = polars.read_csv(path)
    return [by_rows(frame.drop("label").to_numpy().astype(kind_of(path))), frame["label"].to_numpy()]


def sklearn_sparse(path: Path) -> Parts:
    from sklearn.datasets import load_svmlight_file

    return list(load_svmlight_file(str(path), dtype=np.float32))


def sklearn_dense(path: Path) -> Parts:
    features, labels = sklearn_sparse(path)
    return [features.toarray(), labels]


def pandas_parquet(path: Path) -> Parts:
    import pandas

    frame = pandas.read_parquet(path)
    return [by_rows(frame.drop(columns="label").to_numpy(np.float32)), frame["label"].to_numpy()]


def polars_columns(path: Path) -> Parts:
    import polars

    frame = polars.read_parquet(path)
    return [frame.drop("label").to_numpy(), frame["label"].to_numpy()]


def polars_parquet(path: Path) -> Parts:
    features, labels = polars_columns(path)
    return [by_rows(features), labels]


def pyarrow_parquet(path: Path) -> Parts:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    columns = [column.to_numpy() for column in table.drop_columns("label").columns]
    return [by_rows(np.stack(columns).T), table["label"].to_numpy()]


def pillow_pictures(path: Path) -> Parts:
    import pyarrow.parquet
    from PIL import Image

    table = pyarrow.parquet.read_table(path)
    files = table["img"].combine_chunks().field("bytes")
    images = np.stack([np.asarray(Image.open(io.BytesIO(file.as_buffer()))) for file in files])
    return [images.transpose(0, 3, 1, 2).reshape(len(images), -1), table["label"].to_numpy()]


LOADERS: dict[str, Callable[[Path], Parts | None]] = {
    "numpy-cifar": numpy_cifar,
    "tarfile-cifar": tarfile_cifar,
    "isal": isal_unpack,
    "zlib-ng": zlib_ng_unpack,
    "deflate": deflate_unpack,
    "numpy-npy": numpy_npy,
    "numpy-npz": numpy_npz,
    "numpy-csv": numpy_csv,
    "pandas-csv": lambda path: pandas_csv(path, engine="c", low_memory=False),
    "pandas-csv-pyarrow": lambda path: pandas_csv(path, engine="pyarrow"),
    "polars-csv": polars_csv,
    "sklearn-sparse": sklearn_sparse,
    "sklearn-dense": sklearn_dense,
    "pandas-parquet": pandas_parquet,
    "polars-parquet": polars_parquet,
    "polars-columns": polars_columns,
    "pyarrow-parquet": pyarrow_parquet,
    "pillow-pictures": pillow_pictures,
}


def main(loader: str, path: Path) -> None:
    clock = Clock()
    for _ in range(LOADS):
        parts = None  # What the time before took is free again.
        with clock.lap():
            parts = LOADERS[loader](path)
    loaded = {"seconds": clock.seconds}
    if parts is not None:
        features = parts[::2]
        loaded["rows"] = sum(part.shape[0] for part in features)
        loaded["width"] = features[0].shape[1]
        loaded["sum"] = float(sum(part.sum(dtype=np.float64) for part in features))
    print(json.dumps(loaded))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
