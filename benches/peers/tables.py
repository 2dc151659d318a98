"""What all tables share: the line above them, and how times are written."""

import datetime
import json
import os
import platform
import sys
from pathlib import Path

from environment import Peers


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def head(threads: int, installed: Peers) -> str:
    """Processor, cores, system, today's date, and versions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.machine()
    machine = f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, {datetime.date.today()}"
    versions = ", ".join(f"{name} {version}" for name, version in installed.versions.items())
    return f"{machine}; {threads} threads; Python {platform.python_version()}, {versions}"


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def line(*cells: str) -> str:
    """Of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def end(as_json: bool, head: str, threads: int, rows: list[dict], notes: list[str]) -> None:
    """Prints the notes under a table, or all as one JSON object."""
    if as_json:
        print(json.dumps({"machine": head, "threads": threads, "rows": rows, "notes": notes}, indent=2))
    else:
        print("", *(f"- {note}" for note in notes), sep="\n")
