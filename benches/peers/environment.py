"""The programs that are measured: this one, built; the peers, in a virtual environment of their own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
CACHE = TARGET / "peers"  # git ignores it
PYTHON = CACHE / "venv/bin/python"

# PyTorch's own index has a CPU build a tenth the size of PyPI's, which brings CUDA along.
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


@dataclass
class Peers:
    """What could be installed: versions by name, and why the others are missing."""

    versions: dict[str, str]
    missing: dict[str, str]

    def notes(self) -> list[str]:
        return [f"{package} is missing: {why}" for package, why in self.missing.items()]


def build() -> Path:
    """The release binary."""
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=ROOT, check=True)
    return TARGET / "release/cifar-train"


def install(packages: dict[str, str]) -> Peers:
    """Makes the environment on the first call; a peer that cannot be had is left out. `packages`: each with its module."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(CACHE / "venv")], check=True)
    peers = Peers({}, {})
    for package, module in packages.items():
        version = _version(package, module)
        if version is None:
            why = _pip(package)
            version = _version(package, module)
        if version is None:
            peers.missing[package] = why or "it does not import"
        else:
            peers.versions[package] = version
    return peers


def _version(package: str, module: str) -> str | None:
    told = f"importlib.metadata.version({package!r})"
    code = f"import importlib.metadata, {module}; print(getattr({module}, '__version__', None) or {told})"
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def _pip(package: str) -> str | None:
    """Installs; the last line of what pip says if it cannot."""
    print(f"installing {package} into {CACHE}", file=sys.stderr)
    sources = [["--index-url", TORCH_CPU_INDEX, "--retries", "0"], []] if package == "torch" else [[]]
    for source in sources:
        command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *source, package]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return None
    return (done.stderr.strip().splitlines() or ["pip failed"])[-1]
