"""Durations, sizes and figures as a reader would say them."""

from collections.abc import Mapping
from typing import Any, cast

from pellucid.core.figure.words import number, plain
from pellucid.core.finding import Plain


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units.

    Args:
        seconds: 0 or more; None when it is not known.

    Returns:
        Such as "3.1 s", "12 min 5 s", "1 h 2 min" or "unknown".
    """
    if seconds is None:
        return "unknown"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def size(count: int) -> str:
    """Return a number of bytes, such as "812 B", "31 kB" or "4.2 MB"."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:.0f} kB" if count < 999_500 else f"{count / 1e6:,.1f} MB"


def value_words(value: Plain) -> str:
    """Return a plain value of a finding: numbers in three figures, yes and no, a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    return number(value) if isinstance(value, float) else value


def label_words(name: str) -> str:
    """Return a name as words: "dead_units" is "dead units", "not-measured" is "not measured"."""
    return name.replace("_", " ").replace("-", " ")


def setting(value: Any) -> str:
    """Return a setting of a run: a number in short, a text as it is, that of each parameter group one by one."""
    if isinstance(value, Mapping):
        groups = cast("Mapping[str, Any]", value)
        return ", ".join(f"{setting(one)} (group {plain(name)})" for name, one in groups.items())
    return f"{value:.6g}" if isinstance(value, float) else plain(str(value))
