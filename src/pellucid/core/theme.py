"""The one look: light and dark, safe for colour-blind readers, the same in every outlet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Float64, UInt8

from pellucid.core.errors import InputError
from pellucid.core.figure.marks import Array, Tone
from pellucid.core.finding import Level


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours of one background, each as "#rrggbb".

    Attributes:
        name: "light", "dark" or "page".
        paper: The background.
        ink: Titles and whatever must be read; at least 12 : 1 on the paper.
        muted: Labels and notes; at least 4.5 : 1 on the paper.
        faint: Grid and hairlines.
        tones: Colour of every role that a mark may have; at least 3 : 1 on the paper, except faint.
    """

    name: str
    paper: str
    ink: str
    muted: str
    faint: str
    tones: Mapping[Tone, str]

    def level(self, level: Level) -> str:
        """Return the colour of a level, at least 4.5 : 1 on the paper."""
        return self.muted if level is Level.NOT_MEASURED else self.tones[cast("Tone", level.value)]

    def variables(self) -> dict[str, str]:
        """Return the CSS variables of this theme: paper, ink, muted, faint, tone-accent and so on."""
        ground = {"paper": self.paper, "ink": self.ink, "muted": self.muted, "faint": self.faint}
        return {f"--{name}": colour for name, colour in ground.items()} | {
            f"--tone-{name}": colour for name, colour in self.tones.items()
        }


LIGHT = Theme(
    name="light",
    paper="#ffffff",
    ink="#1d2127",
    muted="#5b6470",
    faint="#dfe3e8",
    tones={
        "accent": "#2b6cb0",
        "second": "#c2570c",
        "third": "#0e8a7d",
        "fourth": "#a23e8c",
        "fifth": "#544c00",
        "faint": "#aab2bd",
        "ok": "#1b7a43",
        "look": "#2a68ad",
        "warn": "#9a5b00",
        "alarm": "#bf2f2a",
        "dead": "#bf2f2a",
        "sparse": "#8a94a3",
    },
)
"""Dark ink on white paper."""

DARK = Theme(
    name="dark",
    paper="#15181d",
    ink="#eceae6",
    muted="#a3abb6",
    faint="#323841",
    tones={
        "accent": "#6fabe6",
        "second": "#f0954f",
        "third": "#4fd6b4",
        "fourth": "#c76bb8",
        "fifth": "#e6d96a",
        "faint": "#59626e",
        "ok": "#5cc98a",
        "look": "#74b0ea",
        "warn": "#e9b04c",
        "alarm": "#ff7b70",
        "dead": "#ff7b70",
        "sparse": "#7d8795",
    },
)
"""Light ink on near-black paper."""

GROUPS = (
    "#2f78c4",
    "#d1600f",
    "#12917f",
    "#b8569f",
    "#8d7a16",
    "#7565d6",
    "#cf4b55",
    "#5a8a2f",
    "#2f8fae",
    "#9a7464",
)
"""Colours of the groups of a cloud: at least 3 : 1 on the light and on the dark paper, so one image serves both."""

PLACES: tuple[Tone, ...] = ("accent", "second", "third", "fourth", "fifth")
"""Roles of the first of several things of one kind; further ones take the colours of the later groups."""

LEVEL_SYMBOLS: Mapping[Level, str] = {
    Level.OK: "✓",
    Level.NOT_MEASURED: "–",
    Level.LOOK: "◆",
    Level.WARN: "▲",
    Level.ALARM: "✖",
}
"""One character a level, so that a level can be told without colour."""

LEVEL_STYLES: Mapping[Level, str] = {
    Level.OK: "green",
    Level.NOT_MEASURED: "dim",
    Level.LOOK: "blue",
    Level.WARN: "yellow",
    Level.ALARM: "bold red",
}
"""Style of a level in a terminal, in the words of rich."""


def group_of(place: int) -> str:
    """Return the colour of the thing at a place beyond `PLACES`, "#rrggbb"."""
    later = GROUPS[len(PLACES) :]
    return later[(place - len(PLACES)) % len(later)]


def theme_of(name: str) -> Theme:
    """Return the theme "light" or "dark".

    Args:
        name: Which one.

    Returns:
        The theme.

    Raises:
        InputError: Another name.
    """
    known = {"light": LIGHT, "dark": DARK}
    if not isinstance(name, str) or name not in known:
        raise InputError(f"Theme {name!r} does not exist. Give 'light' or 'dark'.")
    return known[name]


def rgb(colour: str) -> tuple[float, float, float]:
    """Return "#rrggbb" as three shares of full light, each 0 to 1."""
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """Return how far apart two colours are in brightness.

    Args:
        one: "#rrggbb".
        other: "#rrggbb".

    Returns:
        1 for the same brightness to 21 for black on white; text wants 4.5, shapes want 3.

    Source:
        WCAG 2.2, "contrast ratio" and "relative luminance".
    """
    bright, dark = sorted((float(_linear(np.array(rgb(each))) @ _LUMINANCE) for each in (one, other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def colour_limits(values: Array, *, signed: bool) -> tuple[float, float]:
    """Return the values at the two ends of the colours.

    Args:
        values: Any shape; what is not finite does not count.
        signed: Diverging colours, so that 0 sits in the middle.

    Returns:
        (low, high), low < high. For signed values (-m, m), m the largest magnitude. For magnitudes that
        reach near 0 the low end is 0.
    """
    whole = np.asarray(values, dtype=np.float64)
    finite = whole[np.isfinite(whole)]
    if finite.size == 0:
        return (-1.0, 1.0) if signed else (0.0, 1.0)
    low, high = float(finite.min()), float(finite.max())
    if signed:
        most = max(-low, high) or 1.0
        return -most, most
    if 0 <= low < 0.25 * high:
        low = 0.0
    return (low, high) if high > low else (low, low + (abs(low) or 1.0))


def paint(values: Array, *, signed: bool, limits: tuple[float, float] | None = None) -> UInt8[np.ndarray, "... 4"]:
    """Turn values into colours.

    Args:
        values: Any shape.
        signed: Diverging colours centred on 0 instead of the sequential ones.
        limits: Values at the ends of the colours; None for `colour_limits`.

    Returns:
        Red, green, blue and opacity, 0 to 255, in a new last axis; NaN is transparent.
    """
    low, high = colour_limits(values, signed=signed) if limits is None else limits
    whole = np.asarray(values, dtype=np.float64)
    # Halved first, so that the span of the largest float64 values does not overflow.
    share = (np.nan_to_num(whole, nan=low, posinf=high, neginf=low) / 2 - low / 2) / (high / 2 - low / 2)
    colours = (DIVERGING if signed else SEQUENTIAL)[np.clip(share * 255 + 0.5, 0, 255).astype(np.uint8)]
    opacity = np.where(np.isnan(whole), 0, 255).astype(np.uint8)
    return np.concatenate([colours, opacity[..., None]], axis=-1)


def veil(values: Array, *, signed: bool, limits: tuple[float, float] | None = None) -> UInt8[np.ndarray, "... 4"]:
    """Turn values into colours that lie over a picture and leave it visible where they are small.

    Args:
        values: Any shape.
        signed: Blue below 0, red above it and clear at 0, instead of the sequential colours, clear at their low end.
        limits: Values at the ends of the colours; None for `colour_limits`.

    Returns:
        Red, green, blue and opacity, 0 to 255, in a new last axis; NaN is clear. The opacity is the share of the
        largest value to the power of 3/4: in proportion, the many small values of a gradient would hardly be seen.
    """
    low, high = colour_limits(values, signed=signed) if limits is None else limits
    whole = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0 if signed else low, posinf=high, neginf=low)
    share = np.clip((whole / 2 - low / 2) / (high / 2 - low / 2), 0, 1)
    size = np.abs(2 * share - 1) if signed else share
    if signed:
        ends = np.array([rgb(one) for one in VEIL]) * 255
        colours = ends[(share >= 0.5).astype(np.int64)].round().astype(np.uint8)
    else:
        colours = SEQUENTIAL[((VEIL_FROM + (1 - VEIL_FROM) * share) * 255 + 0.5).astype(np.uint8)]
    opacity = np.where(np.isnan(values), 0, size**VEIL_POWER * 255 + 0.5).astype(np.uint8)
    return np.concatenate([colours, opacity[..., None]], axis=-1)


def css(scope: str, *, dark_of_page: bool = True) -> str:
    """Return CSS that gives a page, or a part of it, the variables of the look.

    Args:
        scope: Selector that gets the variables, such as ".pellucid".
        dark_of_page: Follow the reader's preference, and JupyterLab's and VS Code's own switches.

    Returns:
        Rules without line breaks.
    """
    light, dark = (";".join(f"{name}:{value}" for name, value in one.variables().items()) for one in (LIGHT, DARK))
    rules = f"{scope}{{{light}}}"
    if not dark_of_page:
        return rules
    hosts = {'[data-jp-theme-light="true"]': light, ".vscode-light": light, '[data-theme="light"]': light}
    hosts |= {'[data-jp-theme-light="false"]': dark, ".vscode-dark": dark, '[data-theme="dark"]': dark}
    rules += f"@media (prefers-color-scheme:dark){{{scope}{{{dark}}}}}"
    return rules + "".join(f"{host} {scope}{{{values}}}" for host, values in hosts.items())


def scheme(scope: str) -> str:
    """Return CSS that makes a frame as light or dark as the page around it.

    The page inside is asked nothing: its `prefers-color-scheme` follows the frame.

    Args:
        scope: Selector of the frame, such as ".pellucid-frame".

    Returns:
        Rules without line breaks.
    """
    light = ('[data-jp-theme-light="true"]', ".vscode-light", '[data-theme="light"]')
    dark = ('[data-jp-theme-light="false"]', ".vscode-dark", '[data-theme="dark"]')
    rules = [f"{scope}{{color-scheme:light dark}}"]
    rules += [
        f"{host} {scope}{{color-scheme:{name}}}" for name, hosts in (("light", light), ("dark", dark)) for host in hosts
    ]
    return "".join(rules)


# Colours are mixed in OKLab, where equal steps look equal. Source: B. Ottosson (2020), "A perceptual color space".
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _linear(share: Float64[np.ndarray, "*any"]) -> Float64[np.ndarray, "*any"]:
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def _encoded(light: Float64[np.ndarray, "*any"]) -> Float64[np.ndarray, "*any"]:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def oklab(share: Float64[np.ndarray, "*any 3"]) -> Float64[np.ndarray, "*any 3"]:
    """Return sRGB colours, 0 to 1, as lightness and two opponent axes, in which distance is what the eye sees."""
    return np.cbrt(_linear(share) @ _TO_CONES.T) @ _TO_LAB.T


def _ramp(*stops: str) -> UInt8[np.ndarray, "256 3"]:
    """Lay 256 colours through the stops, evenly spaced."""
    lab = oklab(np.array([rgb(stop) for stop in stops]))
    places = np.linspace(0, len(stops) - 1, 256)
    mixed = np.stack([np.interp(places, np.arange(len(stops)), lab[:, axis]) for axis in range(3)], axis=-1)
    light = (mixed @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_CONES).T
    colours = np.clip(_encoded(light) * 255 + 0.5, 0, 255).astype(np.uint8)
    colours.flags.writeable = False
    return colours


SEQUENTIAL: UInt8[np.ndarray, "256 3"] = _ramp("#12182f", "#26376e", "#2a6795", "#36988f", "#88c785", "#f6f0c4")
"""Magnitudes: dark for little, bright for much; lightness rises evenly, so it also reads in grey."""

DIVERGING: UInt8[np.ndarray, "256 3"] = _ramp(
    "#0c3a70", "#2f78b7", "#93c0e0", "#f6f4f1", "#f2ab90", "#cb4a3e", "#7c1023"
)
"""Signed values: blue below 0, pale at 0, red above."""

VEIL = ("#1f6fe0", "#e0352b")
"""Colours over a picture below and above 0: as strong on a black ground as on a white one."""

VEIL_POWER = 0.75
"""The opacity over a picture is the share of the largest value to this power."""

VEIL_FROM = 0.35
"""Where the part of the sequential colours begins that is bright enough to lie over a picture."""
