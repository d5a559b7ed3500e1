"""Pellucid: windows into PyTorch networks, each picture with a verdict, its evidence and the next step."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.public import (
        Finding,
        Findings,
        Level,
        PellucidError,
        PellucidWarning,
        Result,
        Run,
        Subject,
        Watch,
        WatchOptions,
        activations,
        capture,
        checkup,
        embeddings,
        gradients,
        judge,
        loss,
        page,
        pages,
        report,
        rules,
        watch,
        weights,
    )

__version__ = "0.1.0"

__all__ = [
    "Finding",
    "Findings",
    "Level",
    "PellucidError",
    "PellucidWarning",
    "Result",
    "Run",
    "Subject",
    "Watch",
    "WatchOptions",
    "activations",
    "capture",
    "checkup",
    "embeddings",
    "gradients",
    "judge",
    "loss",
    "page",
    "pages",
    "report",
    "rules",
    "watch",
    "weights",
]

if not TYPE_CHECKING:  # a type checker that saw this would believe any name

    def __getattr__(name: str) -> Any:
        """Load everything when the first name is asked for. `pellucid --help` asks for none, and waits for no torch."""
        if name not in __all__:
            raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
        from pellucid import public

        return getattr(public, name)

    def __dir__() -> list[str]:
        """Name what is not loaded yet, too."""
        return sorted({*globals(), *__all__})
