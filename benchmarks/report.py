"""Print the cost of the report of a run of 100,000 steps, beside the floor of saving as many plain matplotlib figures.

Run: python benchmarks/report.py
"""

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from matplotlib.figure import Figure as PlainFigure

sys.path.insert(0, str(Path(__file__).parents[1]))

from pellucid import Run
from pellucid.outlets.report.build import write_report
from pellucid.outlets.report.sheet import Sheet, sheet_of_run
from tests.outlets.report.long_run import write_long_run

MOST_SECONDS, MOST_BYTES = 5.0, 5_000_000


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def floor(panels: list[int]) -> None:
    """Save one SVG a picture, with as many frames and one short line in each."""
    for count in panels:
        figure = PlainFigure(figsize=(10, 1 + 1.5 * count / 4))
        for frame in figure.subplots(-(-count // 4), min(count, 4), squeeze=False).flat:
            frame.plot([0, 1, 2], [1, 0, 1])
        figure.savefig(io.BytesIO(), format="svg")


def main() -> None:
    """Measure a run with the pictures that a report chooses."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(write_long_run(Path(folder) / "long"))
        page = Path(folder) / "report.html"
        sheets: list[Sheet] = []
        read = measured(lambda: sheets.append(sheet_of_run(run)))
        floor([1])  # what happens once: fonts, lazy imports
        written = measured(lambda: write_report(sheets, page))
        panels = [len(sheets[0].figures[name]().panels) for name in sheets[0].chosen(7)]
        least = measured(lambda: floor(panels))
        size = page.stat().st_size
    total = tuple(one + other for one, other in zip(read, written, strict=True))
    print(f"{len(panels)} pictures, {sum(panels)} panels, {size / 1e6:.2f} MB")
    rows = {"read": read, "draw and write": written, "total": total, "floor": least}
    for name, (wall, cpu) in rows.items():
        print(f"{name:15} {wall:6.2f} s wall {cpu:6.2f} s CPU   {cpu / least[1]:5.2f} x floor")
    assert size < MOST_BYTES, f"{size:,} bytes, promised less than {MOST_BYTES:,}"
    assert total[1] < MOST_SECONDS, f"{total[1]:.1f} CPU seconds, promised less than {MOST_SECONDS}"


if __name__ == "__main__":
    main()
