"""What a page said and asked for, and whether it can be used by everyone."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Request

GRAVE = {"serious", "critical"}


@dataclass
class Seen:
    """What a page did that it should not.

    Attributes:
        complaints: Errors and warnings of the console, and exceptions.
        outside: Addresses on other hosts.
    """

    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


def watch_page(page: Page, expected: tuple[str, ...]) -> Seen:
    """Note what the page says and asks for; a message that holds one of the `expected` words is passed over."""
    seen = Seen()

    def console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(words in message.text for words in expected):
            seen.complaints.append(f"{message.type}: {message.text}")

    def request(asked: Request) -> None:
        parts = urlsplit(asked.url)
        if parts.scheme not in {"file", "data", "blob", "about"} and parts.hostname != "127.0.0.1":
            seen.outside.append(asked.url)

    page.on("console", console)
    page.on("pageerror", lambda error: seen.complaints.append(f"exception: {error}"))
    page.on("request", request)
    return seen


def grave_violations(page: Page) -> list[str]:
    """Return what axe finds in the page that is serious or worse, each with the element."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


def is_drawn(page: Page, selector: str) -> bool:
    """Return whether a canvas or SVG in the element holds more than one colour."""
    return page.locator(selector).first.evaluate(
        """(place) => {
          const svg = place.querySelector("svg path, svg rect, svg line");
          const canvas = place.querySelector("canvas");
          if (!canvas) return svg !== null;
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const colours = new Set(new Uint32Array(data.buffer));
          return colours.size > 1;
        }"""
    )


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
