"""What every peer program shares: its arguments, and the one JSON object it prints."""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LAMBDA = 1e-3


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("work")
    parser.add_argument("--data", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--repeats", type=int, default=1, help="epochs or attempts")
    parser.add_argument("--loss", choices=["svm", "softmax"], default="svm")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--stack", type=int, default=1, help="weight matrices scored together")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--reg", type=float, default=LAMBDA)
    return parser.parse_args()


class Clock:
    """Collects the seconds of each `with clock.lap():`."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @contextmanager
    def lap(self) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - begun)


def main(works: dict[str, Callable[[argparse.Namespace, Clock], float]]) -> None:
    """Does the work asked for; prints the seconds of its laps and the figure it reached."""
    args, clock = arguments(), Clock()
    reached = works[args.work](args, clock)
    print(json.dumps({"seconds": clock.seconds, "reached": float(reached)}))
