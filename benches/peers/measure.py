"""One program run as a process: its seconds, its peak memory, and what it reached."""

import csv
import json
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from environment import PYTHON


@dataclass
class Measurement:
    """Of one run. `seconds` are of each epoch or attempt, or of the whole process; there are none if it was cut off."""

    seconds: list[float]
    memory: int
    reached: float | None


@dataclass
class Process:
    """A process that ended, or was ended."""

    output: str
    seconds: float
    memory: int
    cut_off: bool


def run(command: list[str | Path], threads: int, cap: float | None) -> Process:
    """Runs a command, and ends it after `cap` seconds if there is a cap; memory in bytes, of this process alone."""
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    environment = os.environ | dict.fromkeys(names, str(threads))
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment)
        timer = threading.Timer(cap or 0, process.kill)
        if cap is not None:
            timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            timer.cancel()
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        cut_off = process.returncode == -signal.SIGKILL and cap is not None and seconds >= cap
        if process.returncode != 0 and not cut_off:
            errors.seek(0)
            raise SystemExit(f"error: {' '.join(map(str, command))}: exit {process.returncode}\n{errors.read()}")
        output.seek(0)
        return Process(output.read(), seconds, usage.ru_maxrss * 1024, cut_off)


def ours(
    binary: Path, data: Path, arguments: str, reads: str, figure: str, threads: int, cap: float | None
) -> Measurement:
    """Runs cifar-train. `reads`: "process" for its whole time, "epochs" for the differences of history.csv's
    seconds, "attempts" for the mean time of one after the first sixteen, which are scored together."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run")
        command = [binary, *arguments.split(), "--data", data, "--threads", str(threads), "--quiet", "--out", out]
        process = run(command, threads, cap)
        if process.cut_off:
            return Measurement([], process.memory, None)
        result = json.loads((out / "result.json").read_text())
        with open(out / "history.csv", newline="") as file:
            history = list(csv.DictReader(file))
    at = [float(row["seconds"]) for row in history]
    if reads == "process":
        seconds = [process.seconds]
    elif reads == "attempts":
        seconds = [(at[-1] - at[15]) / (len(at) - 16)]
    else:
        seconds = [end - begin for begin, end in zip(at, at[1:])]
    reached = result[figure] if reads == "process" else float(history[-1][figure])
    return Measurement(seconds, process.memory, reached)


def peer(
    program: str, data: Path, arguments: str, reads: str, per: int, threads: int, cap: float | None
) -> Measurement:
    """Runs peer_<program>.py; each of its laps does `per` attempts. The first lap warms up and is left out."""
    script = Path(__file__).with_name(f"peer_{program}.py")
    command = [PYTHON, script, *arguments.split(), "--data", data, "--threads", str(threads)]
    process = run(command, threads, cap)
    if process.cut_off:
        return Measurement([], process.memory, None)
    result = json.loads(process.output)
    seconds = [process.seconds] if reads == "process" else [lap / per for lap in result["seconds"][1:]]
    return Measurement(seconds, process.memory, result["reached"])


def median(runs: list[Measurement]) -> float | None:
    """Of all times of all runs; none if a run was cut off."""
    if any(not run.seconds for run in runs):
        return None
    return statistics.median(second for run in runs for second in run.seconds)
