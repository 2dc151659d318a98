"""Makes one file of those that --readers loads: `make_file.py KIND ROWS OUT [CIFAR]`. The same arguments, the same
content; OUT appears whole or not at all. CIFAR is the folder with CIFAR-10's binary files."""

import io
import shutil
import sys
import tarfile
from pathlib import Path

import numpy as np

WIDTH, CLASSES = 784, 10  # of the text formats and .npz; MNIST's
WIDE = 3072  # of .npy; CIFAR's
COLUMNS = 512  # of Parquet; an embedding's


def labels(rows: int) -> np.ndarray:
    return np.arange(rows, dtype=np.uint8) % CLASSES


def write_csv(out: Path, features: np.ndarray, form: str) -> None:
    """A header, and a row a line, the label last."""
    names = ",".join(f"x{column}" for column in range(features.shape[1]))
    line = ",".join([form] * features.shape[1]) + ",%d\n"
    with open(out, "w") as file:
        file.write(f"{names},label\n")
        file.writelines(line % (*row.tolist(), label) for row, label in zip(features, labels(len(features))))


def csv_bytes(out: Path, rows: int, random: np.random.Generator) -> None:
    write_csv(out, random.integers(0, 256, (rows, WIDTH), np.uint8), "%d")


def csv_floats(out: Path, rows: int, random: np.random.Generator) -> None:
    write_csv(out, random.standard_normal((rows, WIDTH), np.float32), "%.6f")


def svmlight(out: Path, rows: int, random: np.random.Generator) -> None:
    """A quarter of the features are there, the last one always."""
    with open(out, "w") as file:
        for label in labels(rows):
            there = np.append(np.flatnonzero(random.random(WIDTH - 1) < 0.25) + 1, WIDTH)
            pairs = zip(there.tolist(), random.standard_normal(len(there), np.float32).tolist())
            file.write(f"{label} " + " ".join("%d:%.6f" % pair for pair in pairs) + "\n")


def npy(out: Path, rows: int, random: np.random.Generator) -> None:
    """A folder; a block of random rows is repeated, which no reader can tell."""
    block = random.standard_normal((1000, WIDE), np.float32)
    out.mkdir()
    features = np.lib.format.open_memmap(out / "features.npy", "w+", np.float32, (rows, WIDE))
    for first in range(0, rows, len(block)):
        features[first : first + len(block)] = block[: rows - first]
    features.flush()
    np.save(out / "labels.npy", labels(rows))


def npz(out: Path, rows: int, random: np.random.Generator) -> None:
    with open(out, "wb") as file:
        np.savez(file, features=random.standard_normal((rows, WIDTH), np.float32), labels=labels(rows))


def parquet(out: Path, rows: int, random: np.random.Generator) -> None:
    """A column a feature, as pyarrow writes them untold."""
    import pyarrow
    import pyarrow.parquet

    columns = {f"x{column}": random.standard_normal(rows, np.float32) for column in range(COLUMNS)}
    pyarrow.parquet.write_table(pyarrow.table(columns | {"label": labels(rows).astype(np.int64)}), out)


def pictures(out: Path, rows: int, cifar: Path) -> None:
    """CIFAR-10's test pictures as PNG, in the columns that Hugging Face has."""
    import pyarrow
    import pyarrow.parquet
    from PIL import Image

    def png(pixels: np.ndarray) -> bytes:
        packed = io.BytesIO()
        Image.fromarray(pixels).save(packed, "png")
        return packed.getvalue()

    records = np.fromfile(cifar / "test_batch.bin", np.uint8).reshape(-1, 1 + WIDE)[:rows]
    images = np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    column = pyarrow.array([{"bytes": png(image), "path": None} for image in images], kind)
    table = pyarrow.table({"img": column, "label": records[:, 0].astype(np.int64)})
    pyarrow.parquet.write_table(table, out)


def archive(out: Path, _rows: int, cifar: Path) -> None:
    """The binary version as its authors pack it."""
    with tarfile.open(out, "w:gz", compresslevel=6) as packed:
        for file in sorted(cifar.iterdir()):
            if file.suffix in {".bin", ".txt"}:
                packed.add(file, f"cifar-10-batches-bin/{file.name}")


FROM_CIFAR = {"pictures": pictures, "archive": archive}
RANDOM = {
    "csv-bytes": csv_bytes,
    "csv-floats": csv_floats,
    "svmlight": svmlight,
    "npy": npy,
    "npz": npz,
    "parquet": parquet,
}


def main(kind: str, rows: int, out: Path, *cifar: str) -> None:
    part = out.with_name(out.name + ".part")
    if part.is_dir():
        shutil.rmtree(part)
    if kind in FROM_CIFAR:
        FROM_CIFAR[kind](part, rows, Path(*cifar))
    else:
        RANDOM[kind](part, rows, np.random.default_rng(0))
    part.rename(out)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
