"""Print what an open explorer costs a training on the same two cores, and how fast a slider answers meanwhile.

Run: python benchmarks/explorer.py
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser.conftest import FLAGS, program

ROUNDS = 5
MOST_SLOWER, MOST_SLIDER_MS = 0.03, 100.0
TRAINING = """
import sys, time, torch, torch.nn.functional as F
import pellucid as pel
torch.set_num_threads(1)
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512), torch.nn.ReLU(),
                            torch.nn.Linear(512, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
x, y = torch.randn(4096, 784), torch.randint(10, (4096,))
spent, cpu = time.perf_counter(), time.process_time()
with pel.watch(model, optimizer, run=sys.argv[1], every=20, options=pel.WatchOptions(on_finding=None)) as watch:
    for step in range(int(sys.argv[2])):
        batch = slice(256 * (step % 16), 256 * (step % 16) + 256)
        loss = F.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        watch.step(loss=loss)
print(time.perf_counter() - spent, time.process_time() - cpu)
"""
STEPS = 4000
SLIDE = """async (times) => {
  const slider = document.querySelector('[data-pellucid-view] input[type=range]');
  const panels = document.querySelector('[data-pellucid-view] .panels');
  const spent = [];
  for (let turn = 0; turn < times; turn++) {
    const begun = performance.now();
    const shown = new Promise((done) => {
      const observer = new MutationObserver(() => {
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(done));
      });
      observer.observe(panels, { subtree: true, childList: true, characterData: true, attributes: true });
    });
    const share = 0.3 + 0.4 * (turn % 20) / 20;
    slider.value = String(Number(slider.min) + (Number(slider.max) - Number(slider.min)) * share);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await shown;
    spent.push(performance.now() - begun);
    await new Promise((done) => setTimeout(done, 150));
  }
  return spent;
}"""


def environment() -> dict[str, str]:
    """One thread that does not spin: the machine has two cores, and may be shared."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def start_training(run: Path) -> subprocess.Popen[str]:
    """Start a training that is watched."""
    command = [sys.executable, "-c", TRAINING, str(run), str(STEPS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())


def ended(training: subprocess.Popen[str]) -> tuple[float, float]:
    """Wait for a training and return its wall and CPU seconds."""
    out, _ = training.communicate()
    wall, cpu = out.split()
    return float(wall), float(cpu)


@contextmanager
def explorer(folder: Path) -> Generator[str]:
    """Start `pellucid open` and return its address."""
    command = [str(Path(sys.executable).with_name("pellucid")), "open", str(folder), "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as server:
        assert server.stdout is not None
        yield server.stdout.readline().split()[1]
        server.terminate()


def open_pages(address: str, run: str, pages: tuple[Page, Page]) -> None:
    """Show the run that is being written in one page, and a page with sliders in the other."""
    root = address.partition("/?")[0]
    pages[0].goto(address)
    pages[0].get_by_role("link", name=run, exact=True).click()
    pages[0].locator(".panels").first.wait_for()
    pages[1].goto(f"{root}/page/loss-surface")
    pages[1].locator(".panels").first.wait_for()


def main() -> int:
    """Train in turns with and without an open explorer; fail when training slows by more than twice the target."""
    walls: dict[str, list[float]] = {"alone": [], "watched": [], "slider": []}
    cpus: dict[str, list[float]] = {"alone": [], "watched": []}
    slider: list[float] = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=program(), args=FLAGS, chromium_sandbox=False)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        pages = (context.new_page(), context.new_page())
        with explorer(folder) as address:
            for turn in range(ROUNDS):
                for kind in ("alone", "watched"):
                    for page in pages:
                        page.goto("about:blank")
                    training = start_training(folder / f"{kind}{turn}")
                    time.sleep(4)
                    if kind == "watched":
                        open_pages(address, f"{kind}{turn}", pages)
                    wall, cpu = ended(training)
                    walls[kind].append(wall)
                    cpus[kind].append(cpu)
            training = start_training(folder / "slider")
            time.sleep(4)
            open_pages(address, "slider", pages)
            slider = pages[1].evaluate(SLIDE, 60)
            ended(training)
        browser.close()
    wall = statistics.median(a / b for a, b in zip(walls["watched"], walls["alone"], strict=True)) - 1
    cpu = statistics.median(a / b for a, b in zip(cpus["watched"], cpus["alone"], strict=True)) - 1
    p50, p95 = np.percentile(slider, [50, 95])
    print(
        f"training beside an explorer that shows it: {100 * wall:+.1f} % wall, {100 * cpu:+.1f} % CPU  (target < 3 %)"
    )
    print(f"slider to picture while a training runs: p50 {p50:.0f} ms, p95 {p95:.0f} ms  (target p95 < 100 ms)")
    return int(wall > 2 * MOST_SLOWER or p95 > 2 * MOST_SLIDER_MS)


if __name__ == "__main__":
    sys.exit(main())
