"""The public names, from where they live. Importing this registers every window, rule, drawing and store."""

from pellucid.core.errors import PellucidError
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings, judge
from pellucid.core.result import Result
from pellucid.core.rule import rules
from pellucid.outlets.explorer.pages import page, pages
from pellucid.outlets.report import report
from pellucid.outlets.store import Run
from pellucid.probe.capture import capture
from pellucid.probe.subject import Subject
from pellucid.sessions.checkup import checkup
from pellucid.sessions.watch import WatchOptions, watch
from pellucid.sessions.watching import PellucidWarning, Watch
from pellucid.windows import activations, embeddings, gradients, loss, weights

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
