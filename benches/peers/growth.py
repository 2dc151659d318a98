"""How time grows with N, D, K and threads, on random bytes: the slopes of log-log fits, and docs/growth.svg.

A slope of 1 says twice the work, twice the time. benches/growth.rs measures; the picture is drawn here.
"""

import csv
import math
import os
import subprocess
from dataclasses import dataclass

from environment import ROOT

COMMAND = ["cargo", "bench", "--quiet", "--bench", "growth", "--"]
# What does not vary in a panel.
BASE = {"rows": 20_000, "width": 3072, "classes": 10, "threads": len(os.sched_getaffinity(0))}
SERIES = {"full_batch": "full-batch gradient", "sgd_epoch": "epoch of SGD, batch 256"}


@dataclass
class Panel:
    """One size that varies: its key, its name, its values; then what was measured, seconds of each series."""

    key: str
    name: str
    values: list[int]
    seconds: dict[str, list[float]]

    def slope(self, series: str) -> float:
        """Of the least-squares line through log time against log size."""
        x = [math.log(value) for value in self.values]
        y = [math.log(second) for second in self.seconds[series]]
        mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
        covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y))
        return covariance / sum((a - mean_x) ** 2 for a in x)


def sizes(quick: bool) -> list[Panel]:
    doubled = lambda first, last: [first << i for i in range((last // first).bit_length())]  # noqa: E731
    threads = doubled(1, BASE["threads"])
    panels = [
        ("rows", "N, examples", doubled(2500, 20_000 if quick else 160_000)),
        ("width", "D, features", doubled(384, 3072 if quick else 12_288)),
        ("classes", "K, classes", doubled(5, 40 if quick else 320)),
        ("threads", "threads", threads),
    ]
    return [Panel(key, name, values, {}) for key, name, values in panels if len(values) > 1]


def measure(panels: list[Panel]) -> None:
    """All points in one process, one after another."""
    points = [BASE | {panel.key: value} for panel in panels for value in panel.values]
    arguments = [",".join(str(size) for size in point.values()) for point in points]
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    rows = iter(csv.DictReader(done.stdout.splitlines()))
    for panel in panels:
        mine = [next(rows) for _ in panel.values]
        panel.seconds = {series: [float(row[series]) for row in mine] for series in SERIES}


def main(quick: bool) -> None:
    panels = sizes(quick)
    measure(panels)
    print("| against | from | to | " + " | ".join(f"{name}, slope" for name in SERIES.values()) + " |")
    print("|---|--:|--:|" + "--:|" * len(SERIES))
    for panel in panels:
        slopes = " | ".join(f"{panel.slope(series):.2f}" for series in SERIES)
        print(f"| {panel.name} | {panel.values[0]:,} | {panel.values[-1]:,} | {slopes} |")
    path = ROOT / "docs/growth.svg"
    path.write_text(picture(panels))
    print(f"\nWrote {path.relative_to(ROOT)}")


# The picture: two panels a row, both axes logarithmic, the same seconds in all.

STYLE = """
text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}.title{font-size:16px;font-weight:600}
.name{font-weight:600}path.line{fill:none;stroke-width:1.5}.grid{stroke-width:1}
.paper{fill:#fff}.ink{fill:#1c1f23}.muted{fill:#5a626b}.grid{stroke:#e3e6ea}
.s0{fill:#0072b2;stroke:#0072b2}.s1{fill:#d55e00;stroke:#d55e00}text.s0,text.s1{stroke:none}
@media (prefers-color-scheme:dark){.paper{fill:#15181c}.ink{fill:#e8eaed}.muted{fill:#a9b1ba}.grid{stroke:#2c3138}
.s0{fill:#4fa3e0;stroke:#4fa3e0}.s1{fill:#ff8a3d;stroke:#ff8a3d}text.s0,text.s1{stroke:none}}
@media (max-width:560px){text{font-size:15px}.title{font-size:18px}}
"""
WIDTH, PANEL_WIDTH, PANEL_HEIGHT, LEFT, TOP, ROW = 760, 285, 190, 70, 122, 278


def scale(low: float, high: float, begin: float, end: float):
    """A logarithmic scale from (low, high) to (begin, end)."""
    return lambda value: begin + (end - begin) * math.log(value / low) / math.log(high / low)


def duration(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1e3:g} ms"


def text(x: float, y: float, content: str, css: str = "muted", anchor: str = "start") -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{content}</text>'


def draw(panel: Panel, left: float, top: float, ticks: list[float]) -> list[str]:
    right, bottom = left + PANEL_WIDTH, top + PANEL_HEIGHT
    x = scale(panel.values[0], panel.values[-1], left + 12, right - 12)
    y = scale(ticks[0], ticks[-1], bottom, top)
    parts = [text(left, top - 12, f"against {panel.name}", "ink name")]
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{left} {y(tick):.1f}H{right}"/>')
        parts.append(text(left - 8, y(tick) + 4, duration(tick), anchor="end"))
    every = max(1, math.ceil(len(panel.values) / 4))
    for value in panel.values[::every]:
        parts.append(text(x(value), bottom + 18, f"{value:,}", anchor="middle"))
    for index, series in enumerate(SERIES):
        points = list(zip(map(x, panel.values), map(y, panel.seconds[series])))
        parts.append(f'<path class="line s{index}" d="M' + "L".join(f"{a:.1f} {b:.1f}" for a, b in points) + '"/>')
        parts += [f'<circle class="s{index}" cx="{a:.1f}" cy="{b:.1f}" r="3.5"/>' for a, b in points]
        parts.append(text(left + index * 150, bottom + 40, f"slope {panel.slope(series):.2f}", f"s{index}"))
    return parts


def picture(panels: list[Panel]) -> str:
    seconds = [second for panel in panels for times in panel.seconds.values() for second in times]
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)))
    ticks = [10.0**power for power in range(low, high + 1)]
    fixed = f"N = {BASE['rows']:,}, D = {BASE['width']:,}, K = {BASE['classes']}, {BASE['threads']} threads"
    parts = [text(LEFT, 28, "How the time of training grows", "ink title")]
    parts.append(text(LEFT, 50, f"random bytes; what does not vary: {fixed}"))
    for index, name in enumerate(SERIES.values()):
        parts.append(text(LEFT + index * 240, 74, f"&#9679; {name}", f"s{index}"))
    height = TOP + ROW * math.ceil(len(panels) / 2) - 24
    for index, panel in enumerate(panels):
        left, top = LEFT + index % 2 * (WIDTH - LEFT + 40) // 2, TOP + index // 2 * ROW
        parts += draw(panel, left, top, ticks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img"><title>Time against N, D, K and threads</title><style>{STYLE}</style>'
        f'<rect class="paper" width="100%" height="100%"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )
