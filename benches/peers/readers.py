"""How fast data sets load, here and by other programs, from the same files.

The files are made once, into target/peers/readers, by make_file.py; benches/readers.rs and peer_readers.py load them.
"""

import argparse
import csv
import dataclasses
import json
import math
import os
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import environment
import measure
import tables
from environment import CACHE, PYTHON, ROOT

COMMAND = ["cargo", "bench", "--quiet", "--locked", "--bench", "readers", "--features", "parquet", "--"]
PACKAGES = {
    "numpy": "numpy",
    "pandas": "pandas",
    "scikit-learn": "sklearn",
    "polars": "polars",
    "pyarrow": "pyarrow",
    "pillow": "PIL",
    "isal": "isal",
    "zlib-ng": "zlib_ng",
    "deflate": "deflate",
}
HEADING = ["| file | MB | program | time | MB/s | ratio |", "|---|--:|---|--:|--:|--:|"]


@dataclass(frozen=True)
class Peer:
    """A loader of peer_readers.py, and the packages it needs beside NumPy."""

    label: str
    loader: str
    packages: frozenset[str] = frozenset()


@dataclass(frozen=True)
class File:
    """What is loaded: of a kind that make_file.py knows, of so many rows."""

    kind: str
    title: str
    rows: int
    peers: list[Peer]
    ending: str = ""
    cifar: bool = False
    one_core: bool = False  # Whether it is measured on one core too.

    def path(self, data: Path) -> Path:
        return data if self.kind == "folder" else CACHE / "readers" / f"{self.kind}-{self.rows}{self.ending}"

    def needs(self) -> set[str]:
        """The packages that make it."""
        return {"parquet": {"pyarrow"}, "pictures": {"pyarrow", "pillow"}}.get(self.kind, set())


def peer(label: str, loader: str, *packages: str) -> Peer:
    return Peer(label, loader, frozenset(packages))


UNPACKED = [
    peer("isal, unpacking alone", "isal", "isal"),
    peer("zlib-ng, unpacking alone", "zlib-ng", "zlib-ng"),
    peer("libdeflate, unpacking alone", "deflate", "deflate"),
    peer("tarfile and NumPy", "tarfile-cifar"),
]
TEXT = [
    peer("pandas", "pandas-csv", "pandas"),
    peer("pandas, by pyarrow", "pandas-csv-pyarrow", "pandas", "pyarrow"),
    peer("polars", "polars-csv", "polars"),
    peer("NumPy, loadtxt", "numpy-csv"),
]
SPARSE = [
    peer("scikit-learn", "sklearn-dense", "scikit-learn"),
    peer("scikit-learn, left sparse", "sklearn-sparse", "scikit-learn"),
]
COLUMNS = [
    peer("pandas", "pandas-parquet", "pandas", "pyarrow"),
    peer("pyarrow", "pyarrow-parquet", "pyarrow"),
    peer("polars", "polars-parquet", "polars"),
    peer("polars, left by columns", "polars-columns", "polars"),
]
PICTURES = [peer("pyarrow and Pillow", "pillow-pictures", "pyarrow", "pillow")]
FILES = [
    File("folder", "CIFAR-10, folder", 60_000, [peer("NumPy", "numpy-cifar")], cifar=True),
    File("archive", "CIFAR-10, .tar.gz", 60_000, UNPACKED, ".tar.gz", cifar=True),
    File("csv-bytes", "CSV of bytes", 20_000, TEXT, ".csv", one_core=True),
    File("csv-floats", "CSV of floats", 10_000, TEXT, ".csv", one_core=True),
    File("svmlight", "svmlight", 20_000, SPARSE, ".svm", one_core=True),
    File("npy", ".npy of f32", 83_000, [peer("NumPy", "numpy-npy")]),
    File("npz", ".npz of f32", 40_000, [peer("NumPy", "numpy-npz")], ".npz"),
    File("parquet", "Parquet, columns of f32", 50_000, COLUMNS, ".parquet"),
    File("pictures", "Parquet, PNG", 10_000, PICTURES, ".parquet", cifar=True),
]
NAMES = [file.kind for file in FILES]


@contextmanager
def on_cores(number: int) -> Iterator[None]:
    """What is started within has so many cores."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:number])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@dataclass
class Loads:
    """Of one program: the seconds of all loads but the first of each process, and what was loaded, if it says so."""

    program: str
    seconds: list[float]
    content: tuple[int, int, float] | None

    def __add__(self, more: "Loads") -> "Loads":
        return Loads(self.program, self.seconds + more.seconds, self.content)


def make(file: File, path: Path, cifar: Path) -> None:
    if not path.exists():
        tables.progress(f"making {path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        script = Path(__file__).with_name("make_file.py")
        subprocess.run([PYTHON, script, file.kind, str(file.rows), path, cifar], check=True)


def ours(path: Path) -> Loads:
    done = subprocess.run([*COMMAND, path], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    lines = list(csv.DictReader(done.stdout.splitlines()))
    first = lines[0]
    content = int(first["rows"]), int(first["width"]), float(first["sum"])
    return Loads("cifar-train", [float(line["seconds"]) for line in lines[1:]], content)


def theirs(peer: Peer, path: Path, cores: int) -> Loads:
    script = Path(__file__).with_name("peer_readers.py")
    loaded = json.loads(measure.run([PYTHON, script, peer.loader, path], cores, None).output)
    content = (loaded["rows"], loaded["width"], loaded["sum"]) if "rows" in loaded else None
    return Loads(peer.label, loaded["seconds"][1:], content)


def check(path: Path, ours: Loads, theirs: Loads) -> None:
    """Both must have loaded the same."""
    if theirs.content is None:
        return
    (rows, width, total), (*extents, their_total) = ours.content, theirs.content
    if extents != [rows, width] or not math.isclose(total, their_total, rel_tol=1e-9, abs_tol=1e-9 * rows * width):
        raise SystemExit(f"error: {path}: cifar-train loads {ours.content}, {theirs.program} {theirs.content}")


def measure_file(file: File, path: Path, peers: list[Peer], cores: int, rounds: int) -> list[Loads]:
    """Every program, in turns; ours first."""
    loads: list[Loads] = []
    with on_cores(cores):
        for turn in range(rounds):
            tables.progress(f"{file.title}, {cores} core(s), round {turn + 1} of {rounds}")
            mine = [ours(path), *(theirs(peer, path, cores) for peer in peers)]
            loads = [a + b for a, b in zip(loads, mine)] if loads else mine
    for other in loads[1:]:
        check(path, loads[0], other)
    return loads


def megabytes(path: Path) -> float:
    files = [path] if path.is_file() else path.iterdir()
    return sum(file.stat().st_size for file in files) / 1e6


def table(title: str, size: float, loads: list[Loads]) -> list[str]:
    lines, mine = [], statistics.median(loads[0].seconds)
    for place, program in enumerate(loads):
        seconds = statistics.median(program.seconds)
        ratio = f"{seconds / mine:.1f}x" if place > 0 else ""
        cells = program.program, tables.seconds(seconds), f"{size / seconds:,.0f}", ratio
        lines.append(tables.line(*((title, f"{size:,.0f}") if place == 0 else ("", "")), *cells))
    return lines


def chosen(args: argparse.Namespace, packages: dict[str, str], notes: list[str]) -> list[File]:
    """The files asked for that can be had; the others are noted."""
    files = [file for file in FILES if not args.only or file.kind in args.only]
    files = [file for file in files if file.needs() <= packages.keys()]
    if not (args.data / "data_batch_1.bin").is_file() and any(file.cifar for file in files):
        left_out = ", ".join(file.kind for file in files if file.cifar)
        notes.append(f"no data_batch_1.bin in {args.data}: left out: {left_out} (give CIFAR-10's files: --data DIR)")
        files = [file for file in files if not file.cifar]
    if args.quick:
        files = [file if file.cifar else dataclasses.replace(file, rows=file.rows // 10) for file in files]
    return files


def main(args: argparse.Namespace) -> None:
    installed = environment.install(PACKAGES)
    notes = installed.notes()
    files = chosen(args, installed.versions, notes)
    tables.progress("building")
    subprocess.run([*COMMAND[:-1], "--no-run"], cwd=ROOT, check=True)

    head, everything = tables.head(args.threads, installed), []
    if not args.json:
        print(head, "", *HEADING, sep="\n", flush=True)
    for file in files:
        path = file.path(args.data)
        make(file, path, args.data)
        peers = [peer for peer in file.peers if peer.packages <= installed.versions.keys()]
        for cores in sorted({args.threads, 1} if file.one_core else {args.threads}, reverse=True):
            loads = measure_file(file, path, peers, cores, rounds=1 if args.quick else 2)
            title, size = file.title + (", one core" if cores == 1 else ""), megabytes(path)
            for program in loads:
                about = {"file": file.kind, "cores": cores, "megabytes": size}
                everything.append(about | {"program": program.program, "seconds": program.seconds})
            if not args.json:
                print(*table(title, size, loads), sep="\n", flush=True)
    tables.end(args.json, head, args.threads, everything, notes)
