"""Small runs on disk, and the command in a process of its own."""

import subprocess
import sys
from pathlib import Path

from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.outlets.store import open_for_writing

DYING = Finding(
    code="ACT001",
    title="Dying ReLU",
    level=Level.ALARM,
    message="44 of 48 units are dead.",
    where="hidden1.activation",
    step=10,
    value=float("nan"),
    next_step="Lower the learning rate.",
)
FINE = Finding(code="ACT003", title="Saturation", level=Level.OK, message="No unit is saturated.")

MODELS = """
import sys
import torch
from pellucid import Subject
from torch import nn

print("loading the weights")

def batches():
    x = torch.randn(600, 16, generator=torch.Generator().manual_seed(0))
    return [(x, x[:, :4].argmax(1))]

def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))

def well():
    learns = model()
    ((x, y),) = batches()
    optimizer = torch.optim.Adam(learns.parameters(), lr=0.01)
    for _ in range(80):
        loss = nn.functional.cross_entropy(learns(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Subject(learns, batches=batches(), loss=nn.functional.cross_entropy)

def sick():
    dead = model()
    with torch.no_grad():
        dead[0].bias.fill_(-50)
    return dead, batches(), nn.functional.cross_entropy

def fails():
    raise RuntimeError("no weights at /x")

def wrong():
    return model()

number = 4
"""


def make_run(path: Path, *findings: Finding, losses: tuple[float, ...] = (2.0, 1.0, 0.5)) -> Path:
    """Write a finished run with a loss curve and a verdict."""
    recorder = open_for_writing(path)
    recorder.scalars((step, "loss", loss) for step, loss in enumerate(losses))
    recorder.findings(Findings(findings), step=len(losses))
    recorder.close("finished")
    return path


def pellucid(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, without a terminal."""
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", "from pellucid.cli import main; main()", *arguments],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        cwd=folder,
        env=clean | environment,
    )
