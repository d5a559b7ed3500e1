"""Print what the living picture takes in a headless Chromium, measured in the page, beside what it is meant to take.

Run: python benchmarks/picture.py
"""

import base64
import json
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, Route, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from pellucid.core.controls import Slider
from pellucid.core.figure import Bars, Cloud, Figure, Heat, Lines, Panel, Surface, Tiles
from pellucid.core.figure.live import script
from pellucid.core.frame import Frame, pack, pack_book
from tests.browser.conftest import FLAGS, program

HOST = "http://127.0.0.1:9"
PAGE = """<!doctype html><html lang="en"><title>bench</title><body style="margin:0"><div id="place"></div>
<script src="/picture.js"></script></html>"""
MOUNT = """async (name) => {
  const frame = await (await fetch(`/${name}`)).arrayBuffer();
  await new Promise(requestAnimationFrame);
  const begun = performance.now();
  window.shown?.destroy();
  window.shown = pellucid.mount(document.getElementById("place"), { kind: "frozen", frame });
  await painted();
  return performance.now() - begun;
}"""
UPDATE = """async ([names, times]) => {
  const frames = await Promise.all(names.map(async (one) => (await fetch(`/${one}`)).arrayBuffer()));
  const spent = [];
  for (let turn = 0; turn < times; turn++) {
    const frame = frames[turn % frames.length].slice(0);
    const begun = performance.now();
    shown.update(frame);
    await painted();
    spent.push(performance.now() - begun);
  }
  return spent;
}"""
# After the microtasks and effects of an update, and after the browser has drawn: a frame later, and a task after it.
PAINTED = """window.painted = () => new Promise((done) => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => done(undefined);
  channel.port2.postMessage(0);
}));
window.first = new Promise((done) => {
  const look = () => requestAnimationFrame(() => {
    const seen = document.querySelector("#first canvas, #first .panel svg");
    if (seen) painted().then(() => done(performance.now()));
    else look();
  });
  look();
});
window.worked = () => new Promise((done) => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => done(undefined);
  channel.port2.postMessage(0);
});"""
# A run that goes on: the whole, then frames of new points.
APPEND = """async ([whole, more, times]) => {
  const frames = await Promise.all([whole, more].map(async (one) => (await fetch(`/${one}`)).arrayBuffer()));
  window.shown?.destroy();
  let hear;
  const open = (heard) => (hear = heard, { ask: () => hear.frame(frames[0].slice(0)), close() {} });
  window.shown = pellucid.mount(document.getElementById("place"), { kind: "pushed", open });
  await painted();
  const spent = [];
  for (let turn = 0; turn < times; turn++) {
    const frame = frames[1].slice(0);
    const begun = performance.now();
    hear.frame(frame);
    await worked();
    spent.push(performance.now() - begun);
    await painted();
  }
  return spent;
}"""
# Moves of a slider whose answers are there at once: computed by a source, or pages of a book.
SLIDE = """async ([name, live, times]) => {
  const all = await (await fetch(`/${name}`)).arrayBuffer();
  window.shown?.destroy();
  const source = live ? { kind: "live", request: async () => all.slice(0) } : { kind: "frozen", frame: all };
  window.shown = pellucid.mount(document.getElementById("place"), source);
  await painted();
  await painted();
  const slider = document.querySelector("#place input[type=range]");
  const spent = [];
  for (let turn = 0; turn < times; turn++) {
    const begun = performance.now();
    slider.value = (turn * 7) % (Number(slider.max) + 1);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await (live ? painted() : worked());
    spent.push(performance.now() - begun);
    await painted();
  }
  return spent;
}"""
COUNT = """async ([seconds, act]) => {
  const canvas = document.querySelector("#place canvas");
  const box = canvas.getBoundingClientRect();
  const move = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
    bubbles: true, pointerId: 1, isPrimary: true, buttons: type === "pointerup" ? 0 : 1, button: 0,
    clientX: box.left + x, clientY: box.top + y }));
  if (act) move("pointerdown", box.width / 2, box.height / 2);
  let frames = 0;
  const begun = performance.now();
  await new Promise((done) => {
    const turn = () => {
      const gone = performance.now() - begun;
      if (gone > seconds * 1000) return done();
      frames++;
      const [x, y] = [80 * Math.sin(gone / 300), 30 * Math.cos(gone / 500)];
      if (act) move("pointermove", box.width / 2 + x, box.height / 2 + y);
      requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);
  });
  if (act) move("pointerup", box.width / 2, box.height / 2);
  return frames / ((performance.now() - begun) / 1000);
}"""
HOVER = """async (times) => {
  const canvas = document.querySelector("#place canvas");
  const box = canvas.getBoundingClientRect();
  const words = [], spent = [];
  for (let turn = 0; turn < times; turn++) {
    const begun = performance.now();
    canvas.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, pointerId: 1, isPrimary: true,
      clientX: box.left + box.width * (0.2 + 0.6 * turn / times), clientY: box.top + box.height * 0.5 }));
    await worked();
    spent.push(performance.now() - begun);
    words.push(document.querySelector("#place .tip")?.textContent ?? "");
  }
  return [spent, new Set(words).size];
}"""


@dataclass(frozen=True)
class Line:
    """One figure beside its target; `most` is a ceiling, else it is a floor."""

    what: str
    value: float
    target: float
    unit: str
    most: bool = True

    @property
    def met(self) -> bool:
        """Whether the figure is on the right side of the target."""
        return self.value <= self.target if self.most else self.value >= self.target

    def __str__(self) -> str:
        sign = "<=" if self.most else ">="
        return (
            f"{self.what:<58}{self.value:9.1f} {self.unit:<9}{sign} {self.target:g}  {'met' if self.met else 'MISSED'}"
        )


def frames() -> dict[str, bytes]:
    """Return the frames that the measurements draw, by name."""
    rng = np.random.default_rng(0)
    place = np.linspace(-2, 2, 201)
    hill = np.sin(3 * place)[:, None] * np.cos(2 * place) + 0.3 * place**2
    turn = np.linspace(0, 12, 400)
    ways = tuple(
        np.stack([np.cos(turn + one) * turn / 8, np.sin(turn + one) * turn / 8, 0.2 * np.sin(turn)], 1)
        for one in range(3)
    )
    million = rng.normal(size=(1_000_000, 3))
    group = rng.integers(0, 10, 1_000_000)
    names = tuple(f"class {one}" for one in range(10))
    scores = np.exp(-np.abs(np.subtract.outer(np.arange(2048), np.arange(2048))) / 40.0).astype(np.float32)
    other = scores * rng.random((2048, 2048), dtype=np.float32)
    tiles = rng.random((144, 64, 64))
    marks = {
        "surface": Surface(x=place, y=place, z=hill, paths=ways, names=("SGD", "momentum", "Adam"), label="loss"),
        "cloud2": Cloud(points=million[:, :2], group=group, names=names),
        "cloud3": Cloud(points=million, group=group, names=names),
        "attention": Heat(values=scores, label="weight"),
        "attention2": Heat(values=other, label="weight"),
        "tiles": Tiles(images=tiles, titles=tuple(f"head {one}" for one in range(144)), label="weight"),
        "tiles2": Tiles(images=tiles[::-1], titles=tuple(f"head {one}" for one in range(144)), label="weight"),
    }
    single = {
        name: pack(Frame(figure=Figure(title=name, panels=(Panel(title=name, marks=(mark,)),))))
        for name, mark in marks.items()
    }
    slid = [figure_at(place, rng) for place in range(STOPS)]
    return {
        **single,
        "runs": pack(Frame(figure=runs(0, 2000))),
        "more": pack(Frame(figure=runs(2000, 1), append=True)),
        "slide": slid[0],
        "book": pack_book(slid),
    }


STOPS = 24


def runs(first: int, count: int) -> Figure:
    """Return the curves of 50 runs from one step on."""
    step = np.arange(first, first + count)
    tones = ("accent", "second", "third", "fourth")
    marks = tuple(
        Lines(x=step, y=2.3 * np.exp(-step / (200 + 20 * one)) + 0.02 * np.sin(step * one), label=f"{one}", tone=tone)
        for one in range(50)
        for tone in (tones[one % 4],)
    )
    return Figure(title="runs", panels=(Panel(title="loss", marks=marks),))


def figure_at(place: int, rng: np.random.Generator) -> bytes:
    """Return a page of a report for one stop of a slider: twelve histograms, two curves, tiles."""
    bars = tuple(
        Panel(title=f"layer {one}", marks=(Bars(edges=np.linspace(-3, 3, 61), heights=rng.random(60)),))
        for one in range(12)
    )
    curve = Panel(title="loss", marks=(Lines(x=np.arange(1000), y=rng.normal(size=1000).cumsum(), label="loss"),))
    heads = Panel(title="heads", marks=(Tiles(images=rng.random((16, 28, 28))),))
    slider = Slider(name="step", label="step", min=0, max=STOPS - 1, step=1, value=place)
    figure = Figure(title="report", panels=(*bars, curve, heads), columns=4)
    return pack(Frame(figure=figure, view="report", parameters={"step": place}, controls=(slider,)))


def report(book: bytes) -> str:
    """Return a page with its frames and the script inside, as a report is."""
    carried = base64.b64encode(zlib.compress(book)).decode()
    place = '<div id="first" data-pellucid-frame="f"></div><script type="application/octet-stream" id="f">'
    page = f"<!doctype html><html lang=en><title>report</title>{place}{carried}</script>"
    return f"{page}<script>{script()}</script></html>"


def open_bench(browser: Browser, content: dict[str, bytes]) -> Page:
    """Open a page that serves the script and the frames from memory."""
    page = browser.new_page(viewport={"width": 1000, "height": 800})

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(HOST).strip("/")
        if name == "":
            route.fulfill(body=PAGE, content_type="text/html")
        elif name == "report":
            route.fulfill(body=report(content["book"]), content_type="text/html")
        elif name == "picture.js":
            route.fulfill(body=script(), content_type="text/javascript")
        elif name in content:
            route.fulfill(body=content[name], content_type="application/octet-stream")
        else:
            route.fulfill(status=404)

    page.route(f"{HOST}/**", answer)
    page.add_init_script(PAINTED)
    page.goto(HOST)
    return page


def measure(page: Page) -> list[Line]:
    """Draw everything once to warm up, then measure; of a rate the best of three, for a shared machine slows some."""
    mount: Callable[[str], float] = lambda name: page.evaluate(MOUNT, name)  # noqa: E731 - as short as its use
    rate: Callable[[], float] = lambda: max(page.evaluate(COUNT, [2, True]) for _ in range(3))  # noqa: E731
    lines: list[Line] = []

    def spent(what: str, figures: Sequence[float], most: float, share: int = 50) -> None:
        name = "median" if share == 50 else f"p{share}"
        lines.append(Line(f"{what}, {name}", float(np.percentile(figures, share)), most, "ms"))

    def fast(what: str, least: float) -> None:
        lines.append(Line(what, rate(), least, "frames/s", most=False))

    mount("surface")
    page.get_by_role("button", name="Play").click()
    fast("surface 201 x 201, 3 balls rolling, rotating", 55)
    lines.append(Line("1M points, 2-D: first picture", mount("cloud2"), 1000, "ms"))
    fast("1M points, 2-D: pan", 50)
    lines.append(Line("1M points, 3-D: first picture", mount("cloud3"), 1000, "ms"))
    fast("1M points, 3-D: rotate", 30)
    mount("attention")
    spent("attention T = 2048: head switch", page.evaluate(UPDATE, [["attention2", "attention"], 22])[2:], 60)
    hovers, different = page.evaluate(HOVER, 30)
    assert different > 10, f"hovering showed {different} different readings"
    spent("attention T = 2048: weight on hover", hovers, 10, 95)
    mount("tiles")
    spent("144 head tiles of 64 x 64", page.evaluate(UPDATE, [["tiles2", "tiles"], 12])[2:], 100)
    spent("50 curves of 2,000 points: new points, work", page.evaluate(APPEND, ["runs", "more", 42])[2:], 16)
    moves = page.evaluate(SLIDE, ["slide", True, 52])[2:]
    spent("slider to picture, computed at once", moves, 35)
    spent("slider to picture, computed at once", moves, 60, 95)
    spent("slider to picture, frozen, work", page.evaluate(SLIDE, ["book", False, 52])[2:], 1000 / 60)
    return lines


def opened(page: Page) -> Line:
    """Open a page with its frames inside several times."""
    times: list[float] = []
    for _ in range(5):
        page.goto(f"{HOST}/report")
        times.append(page.evaluate("first"))
    return Line("open a report to its first picture, median", float(np.median(times)), 500, "ms")


def main() -> int:
    """Print target against figure; fail when one is missed by more than twofold, as a shared machine may do to any."""
    lines = [Line("script, minified", len(script().encode()) / 1000, 150, "kB")]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=FLAGS, chromium_sandbox=False)
        page = open_bench(browser, frames())
        lines += measure(page)
        lines.append(opened(page))
        browser.close()
    print("\n".join(map(str, lines)))
    far = [one.what for one in lines if (one.value > 2 * one.target if one.most else 2 * one.value < one.target)]
    if far:
        print(json.dumps({"missed by more than twofold": far}))
    return bool(far)


if __name__ == "__main__":
    sys.exit(main())
